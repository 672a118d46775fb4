package import Authority
package import Model
import Replication

/// The node's side of Skerry: keeps what was assigned running, says what happened, and needs no hub
/// for either.
///
/// Invariants: nothing starts before its record is durable; nothing is stopped because the hub is
/// silent; nothing starts or stops without a warrant of the gate; a document takes effect only once it
/// is durable; a log entry is sent only once it is durable; a hub of a lower epoch than the highest
/// obeyed is refused.
package struct Agent: Equatable, Sendable {
    package let configuration: AgentConfiguration
    var random: Random
    /// Tells this start of the agent from every other, and the one before it on the same store.
    let run: UInt64
    let follows: UInt64?

    // Intent.
    var replica: Replica
    /// The revision up to which documents are durable here; only these take effect.
    var durableRevision: UInt64
    var held: Table<InstanceID, Held> = Table()
    /// What people changed here and the hub has not taken in.
    var changes: LocalChanges

    // Who may decide.
    var gate: Gate
    package internal(set) var regime = Regime.preset
    /// Policies that cannot be read, or were durable here once and are gone: what they forbid is not known.
    var unread: [PolicyReference] = []
    /// Says what may run here, where any policy has a word in it.
    var runRules: RunRules?
    /// Somebody at the console acts as if no policy forbade it; nil where nobody does.
    package internal(set) var glass: BrokenGlass?
    /// Versions of policies below which none is taken, whatever became of them.
    let policyFloors: [String: UInt64]
    /// When the policy was last proved current; nil before the first contact.
    var proof: Reading?
    /// How old that was when this agent started, and when that was.
    var proofAge = Duration.zero
    var proofAgeAt = Instant(nanoseconds: 0)
    /// The newest decisions, for people on the node.
    package internal(set) var decisions: Recent<Decision>

    // The node's log.
    var outbox: Outbox
    /// The newest events, for people on the node.
    package private(set) var events: Recent<Event>

    // The link.
    package internal(set) var link: Link
    /// Reasons for no contact that people here were told since the last one.
    var missed: Set<String> = []
    var backoff: Backoff
    var holdDown: HoldDown
    var epoch: UInt64
    var heartbeatEvery: Duration = .seconds(15)
    var reconnectWindow: Duration
    /// Until the hub has the log up to here, it does not know what happened while it was out of
    /// reach; nil once it does.
    var returnHead: UInt64?
    /// The hub asked what is held here and was not answered yet.
    var owesHoldings = false
    /// Before this the link budget is spent.
    var nextShip = Instant(nanoseconds: .min)

    // What proves who this node is.
    var credentials = Credentials()
    /// The keys with its peers that are on disk.
    var keys: KeyHand?
    /// Which identities are no longer good, as it is on disk.
    package internal(set) var revocations: KeptRevocations?
    /// Why the last list was not taken; people were told.
    var revocationsTrouble: String?
    /// Where others reach it in the mesh, with the roster that is on disk; nil without a mesh.
    var meshContact: MeshContact?
    /// How it last saw its mesh.
    package internal(set) var mesh: MeshView?
    /// What the hub has of it on this link; nil before anything was said, or where it merges nothing.
    var toldMesh: MeshView?
    var hubMergesViews = false
    /// Those of it that were called failed and have not been heard of since.
    var lostNeighbours: Set<NodeID> = []
    /// The newest of each policy that a neighbour has; by name.
    var offers: Table<String, PolicyOffer> = Table()
    /// Digests of what was brought and is not meant for this node, or not to be believed.
    var declined: Set<String> = []
    var announced: Announcement?
    /// The healthy instances that neighbours were told of; nil before they were.
    var registered: [Registration]?

    // The engine.
    var engine: EngineState = .unknown
    /// Why the engine does not answer; people were told.
    var engineTrouble: String?
    package internal(set) var engineStatus: EngineStatus?
    /// Containers that the engine listed and nobody here wanted. They are being stopped; an instance
    /// that comes to want such an id waits for that, since what runs there is not its own.
    var strays: Table<ContainerID, Stray> = Table()

    /// Answers do not say which request they are to, so there is one stop of a container at a time.
    enum Stray: Equatable, Sendable { case stopping, failed }
    /// Until then lower tiers wait for higher ones.
    var orderUntil: Instant?
    var isHalting = false
    var hasHalted = false
    /// Tells the runs of all units apart, also of one that went and came again.
    var lastAttempt = 0

    /// Why nothing can be written at the moment.
    var storeTrouble: String?
    /// What is to be made durable, and what waits for it.
    var journal: Journal<NodeWrite, FollowUp> = Journal()
    /// The time of this input: what it moves, it moves now.
    var clock = Instant(nanoseconds: .min)

    /// What is to be appended to the audit log with this input.
    var acts: [AuditAct] = []
    var auditTalk = AuditTalk()
    /// What is wrong with the audit log on disk.
    var auditFault: AuditFault?

    /// Where the link stands.
    package enum Link: Equatable, Sendable {
        case down(since: WallTime)
        case connecting(since: WallTime)
        case greeting(since: WallTime)
        case up(since: WallTime)
    }

    enum EngineState: Equatable, Sendable {
        case unknown
        /// Asked for its list at this time; what started later may be missing from the answer.
        case listing(since: Instant)
        /// Going through its answer: nothing is decided before all of it was heard.
        case comparing
        case known
        case gone
    }

    /// What waits for a durable write.
    enum FollowUp: Equatable, Sendable {
        case documents(through: UInt64)
        case ship(through: UInt64)
        case start(ContainerID, attempt: Int, Order)
        case change(Order)
        case reply(RequestID, Reply)
    }

    package init(configuration: AgentConfiguration, snapshot: NodeSnapshot, random: Random) {
        self.configuration = configuration
        keys = configuration.keys
        revocations = configuration.revocations
        meshContact = configuration.mesh
        self.random = random
        var source = random
        // A store counts to 63 bits, and zero is none.
        var own = source.split()
        run = max(1, own.next() >> 1)
        follows = snapshot.run
        decisions = Recent(limit: configuration.limits.events)
        events = Recent(limit: configuration.limits.events)
        replica = Replica(documents: snapshot.documents, through: snapshot.appliedRevision)
        durableRevision = snapshot.appliedRevision
        changes = LocalChanges(restored: snapshot.localChanges)
        outbox = Outbox(
            entries: snapshot.log, nextSequence: snapshot.nextSequence,
            limit: configuration.limits.logEntries)
        gate = Gate(seat: .node(configuration.node), nextNumber: snapshot.nextSequence)
        proof = snapshot.contact
        policyFloors = snapshot.policyFloors
        epoch = snapshot.epoch
        auditTalk.seen = snapshot.auditSeen
        link = .down(since: WallTime(milliseconds: 0))
        backoff = Backoff(cap: configuration.limits.reconnectCap)
        holdDown = HoldDown(limits: configuration.limits.holdDown)
        reconnectWindow = configuration.limits.reconnectFirst
        for record in snapshot.instances { held.insert(Held(record: record), for: record.id) }
    }

    /// Begins from the store alone. Engine first: what runs is what matters, the hub can wait.
    package mutating func start(at now: Moment, into effects: inout [Effect]) {
        clock = now.monotonic
        link = .connecting(since: proof?.wall ?? now.wall)
        proofAge = proof?.age(at: now, boot: configuration.boot) ?? .zero
        proofAgeAt = now.monotonic
        journal.writes.append(.run(run))
        // Intent before facts: what the engine lists is judged by tier and restart policy.
        reconcile(at: now, into: &effects)
        askEngine(at: now, into: &effects)
        effects.append(.issue(.local))
        effects.append(.connect)
        effects.append(.wake(at: now.monotonic + configuration.limits.audit, for: .audit))
        awaitAge(at: now, into: &effects)
        finish(at: now.wall, into: &effects)
    }

    package mutating func handle(
        _ input: Input, at now: Moment, into effects: inout [Effect]
    ) {
        clock = now.monotonic
        switch input {
        case .wake(let reason): wake(for: reason, at: now, into: &effects)
        case .linkUp: greet(at: now, into: &effects)
        case .linkDown(let reason, let isSilent):
            loseLink(reason, isSilent: isSilent, at: now, into: &effects)
        case .received(let message): receive(message, at: now, into: &effects)
        case .persisted(let ticket): settle(ticket, at: now, into: &effects)
        case .storeFailing(let reason): note(storeFailing: reason, at: now)
        case .request(let id, let request): serve(request, as: id, at: now, into: &effects)
        case .engine(let report): take(report, at: now, into: &effects)
        case .measured(let usage): beat(usage, into: &effects)
        case .issued(let life, let time): noteIssued(life: life, at: time, into: &effects)
        case .issueFailed(let reason): noteIssueFailed(reason, at: now, into: &effects)
        case .certified(let isFirst): noteCertified(isFirst: isFirst, at: now, into: &effects)
        case .keptKeys(let hand): keys = hand
        case .keptRevocations(let kept): noteKept(kept, at: now)
        case .carriedRevocations(let list, let neighbour):
            carry(list, from: neighbour, at: now, into: &effects)
        case .revocationsRefused(let reason): tellRefused(reason, at: now)
        case .keptRoster(let version): meshContact?.roster = version
        case .mesh(let view): see(view, at: now, into: &effects)
        case .offered(let offer): note(offer, into: &effects)
        case .carried(let bundle, let digest, let neighbour):
            carry(bundle, digest: digest, from: neighbour, at: now)
        case .redialFailed(let reason): noteRedialFailed(reason, at: now, into: &effects)
        case .timeCorrected: renew(into: &effects)
        case .actedUnderGlass(let act): noteActedUnderGlass(act, at: now)
        case .doubted(let node, let reason): doubt(node, reason, at: now)
        case .attested(let report): self.report(report, into: &effects)
        case .auditBroken(let fault): noteAudit(fault, at: now)
        case .halt: halt(at: now, into: &effects)
        }
        finish(at: now.wall, into: &effects)
    }

    private mutating func wake(for reason: Wake, at now: Moment, into effects: inout [Effect]) {
        switch reason {
        case .reconnect: reconnect(at: now, into: &effects)
        case .greeting: giveUpGreeting(into: &effects)
        case .heartbeat: heartbeat(at: now, into: &effects)
        case .ship: ship(at: now, into: &effects)
        case .renewal: renew(into: &effects)
        case .redial: redial(into: &effects)
        case .policyAge: notePolicyAge(at: now, into: &effects)
        case .order: advance(at: now, into: &effects)
        case .audit:
            askEngine(at: now, into: &effects)
            effects.append(.wake(at: now.monotonic + configuration.limits.audit, for: .audit))
        case .restart(let id): retry(id, at: now, into: &effects)
        case .probe(let id, let kind): probe(id, kind, into: &effects)
        }
    }

    /// One durable write carries all that changed since the last one left.
    private mutating func finish(at now: WallTime, into effects: inout [Effect]) {
        announce(into: &effects)
        register(into: &effects)
        recordDecisions(at: now)
        // Before the write that carries out what they tell of.
        effects += acts.map { .audit($0) }
        acts = []
        if journal.writes.count > configuration.limits.writes { compact() }
        guard let batch = journal.leave() else { return }
        effects.append(.persist(batch.ticket, batch.writes))
    }

    private mutating func settle(_ ticket: Ticket, at now: Moment, into effects: inout [Effect]) {
        storeTrouble = nil
        for followUp in journal.settle(ticket) {
            switch followUp {
            case .documents(let revision): obey(through: revision, at: now, into: &effects)
            case .ship(let sequence):
                outbox.confirm(through: sequence)
                ship(at: now, into: &effects)
            case .start(let id, let attempt, let order):
                begin(id, attempt: attempt, order, into: &effects)
            case .change(let order):
                changes.carryOut(order)
                reconcileIfDurable(at: now, into: &effects)
            case .reply(let id, let reply): effects.append(.reply(id, reply))
            }
        }
    }

    /// Documents up to `revision` are durable. They take effect unless newer ones are on their way
    /// to disk: a crash would take those back, but not what they had stopped.
    private mutating func obey(
        through revision: UInt64, at now: Moment, into effects: inout [Effect]
    ) {
        durableRevision = revision
        if replica.through == revision { takeTable(at: now) }
        if link.isUp {
            effects.append(.send(.applied(revision: revision, policies: policiesInForce)))
        }
        sayHoldings(into: &effects)
        reconcileIfDurable(at: now, into: &effects)
    }

    private mutating func reconcileIfDurable(at now: Moment, into effects: inout [Effect]) {
        if replica.through == durableRevision { reconcile(at: now, into: &effects) }
    }

    /// The host keeps trying the same writes in the same order, so nothing needs undoing here. Only
    /// people are told, and not through the log, which is what cannot be written.
    private mutating func note(storeFailing reason: String, at now: Moment) {
        storeTrouble = reason
        remember(
            Event(
                at: now.wall, node: configuration.node, severity: .warning, reason: "StoreFailing",
                kind: .node, name: configuration.node.text, message: reason))
    }

    // MARK: - The log

    /// Appends to the node's log, to be made durable with this input.
    mutating func append(_ body: LogEntry.Body, at now: WallTime) {
        let entry = outbox.append(body, at: now)
        journal.writes.append(.append(entry))
        journal.followUps.removeAll { if case .ship = $0 { true } else { false } }
        journal.followUps.append(.ship(through: entry.sequence))
    }

    mutating func tell(
        _ severity: Event.Severity, _ reason: String, _ kind: Kind, _ name: String,
        _ message: String, at now: Moment
    ) {
        let event = Event(
            at: now.wall, node: configuration.node, severity: severity, reason: reason, kind: kind,
            name: name, message: message)
        remember(event)
        append(.event(event), at: now.wall)
    }

    mutating func remember(_ event: Event) {
        events.append(event)
    }
}

extension Agent.Link {
    package var isUp: Bool {
        if case .up = self { true } else { false }
    }

    package var since: WallTime {
        switch self {
        case .down(let since), .connecting(let since), .greeting(let since), .up(let since): since
        }
    }
}
