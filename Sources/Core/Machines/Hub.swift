import Audit
import Authority
package import Model
import Replication

/// The hub's side of Skerry: holds intent, hands each node what concerns it, and keeps what nodes
/// say.
///
/// Invariants: nothing is answered, sent or acknowledged before it is durable; silence moves and
/// deletes nothing; the revisions of a node's feed only grow; a clean-up of a session touches that
/// session alone.
package struct Hub: Equatable, Sendable {
    let limits: HubLimits
    package internal(set) var epoch: UInt64
    /// The highest epoch of another hub that a node said it has obeyed.
    var metEpoch: UInt64

    // Intent.
    var sites: Table<SiteID, Site> = Table()
    var workloads: Table<WorkloadID, Workload> = Table()
    var placements: Placements
    /// The copies that several nodes hold.
    var replacements: Table<WorkloadID, [Replacement]> = Table()
    /// Without values but sealed ones.
    var secrets: Table<SecretID, Secret> = Table()
    var tokens: Table<String, JoinToken> = Table()
    /// Leave for people to ask without a certificate.
    var userTokens: Table<String, UserToken> = Table()
    /// What people asked for and others have to approve.
    var approvals: Table<String, Approval> = Table()
    /// The highest generation of any object that was deleted. One that is made anew under an old name
    /// counts on from here, so that what is left of the old one cannot pass for it.
    var generationFloor: UInt64

    // What is known of each node.
    var nodes: Table<NodeID, Member> = Table()
    var events: Recent<Event>

    // Who may decide.
    var gate: Gate
    /// What rules at each ground that was asked about; see `regime(at:)`.
    var regimes: Table<Ground, Regime> = Table()
    /// Who may sign policy.
    let policyKeys: [TrustedKey]
    /// The versions of each policy, rising.
    var policies: Table<String, [Issued]> = Table()
    /// Versions that this program cannot read: a later one wrote them. Who may do what is then not
    /// known either.
    private(set) var unreadPolicies: [PolicyReference] = []
    /// What sites said under each version that their nodes may still name, and what rules by it.
    var histories: Table<SiteID, PolicyHistory> = Table()
    var judges: Table<JudgeKey, Regime> = Table()
    /// What came of judging the decisions of nodes by them.
    var compliance: Table<SiteID, SiteCompliance> = Table()
    /// The newest decisions of hub and nodes, as they came.
    var decisions: Recent<Decision>
    /// What says why each thing is as it is: the last decision on it that passed.
    var standing: Table<Decision.Subject, Decision> = Table()

    /// Who gets keys for whom, as far as it was asked for since nodes last came or went.
    var circles: Table<SiteID, Circle> = Table()
    /// Who belongs to the mesh of each site.
    var rosters: Table<SiteID, Roster> = Table()
    /// What the mesh of each site decides about.
    var plans: Table<SiteID, SitePlan> = Table()
    /// The claims that holders told of themselves and that were taken over.
    var adoptedClaims: Table<InstanceID, Tenure> = Table()

    /// Who asks to become a node, by the digest of the device key.
    var pending: Table<String, Asking> = Table()
    var revoked = Revoked()
    /// All checkpoints of audit logs, in the order in which they came.
    var auditTree: MerkleLog

    // Who is in contact.
    var sessions: Table<SessionID, Session> = Table()
    var admission: Admission

    /// What is to be made durable, and what waits for it.
    var journal: Journal<HubWrite, FollowUp> = Journal()
    /// Why nothing can be written at the moment.
    package private(set) var storeTrouble: String?

    /// A node as the hub knows it.
    struct Member: Equatable, Sendable {
        var node: Node
        var feed: Feed
        /// The feed revision that is durable here, so may be sent.
        var durable: UInt64
        /// The newest revision that the node said is durable with it.
        var applied: UInt64
        var inbox: Inbox
        /// How far the node's log is durable here, so may be forgotten there.
        var acknowledged: UInt64
        var instances: Table<InstanceID, InstanceStatus>
        /// What people changed at the node, as long as nobody settled it.
        var changes: Table<WorkloadID, LocalChange> = Table()
        /// The newest of its entries that told of such a change, also of one that is settled.
        var changesThrough: UInt64 = 0
        var lastSeen: WallTime?
        var session: SessionID?
        /// The newest session that was ever welcomed; what comes late on an older one is old.
        var lastSession: SessionID?
        var claims = Claims()
        var credential = NodeCredential()
        var timeline = Timeline.shared
        /// What the node has said so far of what it holds; nil where it was not asked.
        var gathered: [Document]?
        /// It holds less than it confirmed once, and may still hold what was deleted since.
        var wentBack = false
        /// The epoch of another hub that it obeys, where that is above this one's.
        var rival: UInt64?
        /// Since when it is out of contact, as far as this life of the hub knows.
        var quietSince: Instant?
        /// How far its log went when it last greeted.
        var logHead: UInt64 = 0
        var agentVersion: String?
        var engine: EngineStatus?
        var capacity: Capacity?
        var usage: Usage?
        /// The keys that it has, as it said or was sent since.
        var keys: KeyHand?
        /// What is held of its audit log.
        var audit: AuditWitness?
        /// The policies in force there, as it said itself; nil before it spoke to this process.
        var policies: [PolicyReference]?
        /// The roster of its mesh that it has, as it said or was sent since; nil where it takes no part.
        var roster: RosterVersion?
        /// The plan of its mesh that it has; nil where it takes part in no claims.
        var plan: RosterVersion?
        /// How it last saw its mesh, and when that was.
        var view: Seen?
        /// Who sees it, while this hub does not.
        var vouch: Vouch?
    }

    struct Session: Equatable, Sendable {
        enum State: Equatable, Sendable { case silent, greeted }
        let node: NodeID
        var state: State = .silent
        var lastHeard: Instant
        /// The feed revision up to which everything was sent on this session.
        var sent: UInt64 = 0
        /// The revision that the node greeted with.
        var greetedWith: UInt64 = 0
    }

    /// What waits for a durable write.
    enum FollowUp: Equatable, Sendable {
        case reply(RequestID, Reply)
        case feed(NodeID, through: UInt64)
        case acknowledge(NodeID, SessionID, sequence: UInt64)
        case revocations
        case receipt(SessionID, AuditWitness, seen: UInt64)
        case roster(SiteID)
        case plan(SiteID)
        indirect case greet(Hello, SessionID)
    }

    /// - Parameter known: policies that this hub has had, as something besides the store remembers. One
    ///   that the store has no version of was lost, and what it said is not known.
    package init(
        snapshot: HubSnapshot, policyKeys: [TrustedKey] = [], known: [String] = [],
        limits: HubLimits = .production, brake: RevocationBrake = RevocationBrake()
    ) {
        revoked = Revoked(list: snapshot.revocations, brake: brake)
        self.limits = limits
        self.policyKeys = policyKeys
        epoch = snapshot.epoch
        metEpoch = snapshot.metEpoch
        auditTree = Hub.restored(snapshot.auditTree)
        generationFloor = snapshot.generationFloor
        events = Recent(snapshot.events, limit: limits.events)
        decisions = Recent(snapshot.decisions, limit: limits.decisions)
        for decision in snapshot.decisions where decision.passed {
            standing.insert(decision, for: decision.subject)
        }
        placements = Placements(restored: snapshot.placements)
        for (id, copies) in snapshot.replacements { replacements.insert(copies, for: id) }
        let numbers = snapshot.decisions.filter { $0.id.origin.isEmpty }.map(\.id.number)
        gate = Gate(seat: .hub, nextNumber: (numbers.max() ?? 0) + 1)
        admission = Admission(
            perSecond: limits.admissionsPerSecond, burst: limits.admissionBurst)
        for site in snapshot.sites { sites.insert(site, for: SiteID(site.metadata.name)) }
        for workload in snapshot.workloads { workloads.insert(workload, for: workload.id) }
        for secret in snapshot.secrets { secrets.insert(secret, for: secret.id) }
        for token in snapshot.tokens { tokens.insert(token, for: token.id) }
        for roster in snapshot.rosters { rosters.insert(roster, for: roster.site) }
        for plan in snapshot.plans { plans.insert(plan, for: plan.site) }
        for token in snapshot.userTokens { userTokens.insert(token, for: token.id) }
        for approval in snapshot.approvals { approvals.insert(approval, for: approval.id) }
        unreadPolicies = takePolicies(snapshot.policies)
        let stored = Set(snapshot.policies.map(\.reference.name))
        unreadPolicies += known.filter { !stored.contains($0) }.sorted()
            .map { PolicyReference(name: $0, version: 0) }
        restoreVersions(snapshot)
        for item in snapshot.pending {
            let asking = Asking(item: item, lastAsked: Instant(nanoseconds: 0))
            pending.insert(asking, for: item.device)
        }
        for state in snapshot.nodes {
            nodes.insert(Member(state), for: NodeID(state.node.metadata.name))
        }
    }

    /// Begins from the store alone. `isCopy` says that it is not the newest one there was: a backup
    /// that was put in its place, or the copy that a damaged store is mended with.
    package mutating func start(
        at now: Moment, isCopy: Bool = false, into effects: inout [Effect]
    ) {
        if epoch == 0 {
            epoch = 1
            journal.writes.append(.epoch(1))
        }
        for policy in unreadPolicies { tellUnread(policy, at: now) }
        for site in sites.rows { keepVersion(of: site, since: site.metadata.createdAt ?? now.wall) }
        if isCopy {
            beginAnew(at: now)
            revokeAllTokens(at: now)
            expireAllApprovals(at: now)
        }
        for node in nodes.keys { nodes.update(node) { $0.quietSince = now.monotonic } }
        for device in pending.keys { pending.update(device) { $0.lastAsked = now.monotonic } }
        signRevocations(at: now, into: &effects)
        reconcile(because: .nodesChanged, at: now)
        effects.append(.wake(at: now.monotonic + limits.heartbeatEvery, for: .sweep))
        finish(into: &effects)
    }

    package mutating func handle(
        _ input: Input, at now: Moment, into effects: inout [Effect]
    ) {
        switch input {
        case .wake(.sweep): sweep(at: now, into: &effects)
        case .opened(let session, let node, let device):
            open(session, node, device, at: now, into: &effects)
        case .received(let session, let message):
            receive(message, on: session, at: now, into: &effects)
        case .closed(let session): close(session, at: now)
        case .request(let id, let request): serve(request, as: id, at: now, into: &effects)
        case .persisted(let ticket): settle(ticket, at: now, into: &effects)
        case .signedRevocations(let list): spread(list, into: &effects)
        case .audited(let checkpoint): witnessOwn(checkpoint)
        case .auditBroken(let fault): noteAudit(fault, at: now)
        case .storeFailing(let reason): storeTrouble = reason
        }
        finish(into: &effects)
    }

    /// One durable write carries all that changed since the last one left.
    private mutating func finish(into effects: inout [Effect]) {
        recordDecisions()
        if journal.writes.count > limits.writes { compact() }
        guard let batch = journal.leave() else { return }
        effects.append(.persist(batch.ticket, batch.writes))
    }

    private mutating func settle(_ ticket: Ticket, at now: Moment, into effects: inout [Effect]) {
        storeTrouble = nil
        for followUp in journal.settle(ticket) {
            switch followUp {
            case .reply(let id, let reply): effects.append(.reply(id, reply))
            case .revocations: signRevocations(at: now, into: &effects)
            case .feed(let node, let revision):
                nodes.update(node) { $0.durable = max($0.durable, revision) }
                feed(node, into: &effects)
            case .acknowledge(let node, let session, let sequence):
                nodes.update(node) { $0.acknowledged = max($0.acknowledged, sequence) }
                guard sessions[session] != nil else { continue }
                effects.append(.send(session, .acknowledged(sequence: sequence)))
            case .receipt(let session, let witness, let seen):
                sendReceipt(witness, seen: seen, on: session, into: &effects)
            case .roster(let site): dealRoster(of: site, into: &effects)
            case .plan(let site): dealPlan(of: site, into: &effects)
            case .greet(let hello, let session):
                if sessions[session] != nil { greet(hello, on: session, at: now, into: &effects) }
            }
        }
    }

    mutating func tell(
        _ severity: Event.Severity, _ reason: String, _ kind: Kind, _ name: String,
        _ message: String, at now: Moment
    ) {
        remember(
            Event(
                at: now.wall, node: nil, severity: severity, reason: reason, kind: kind,
                name: name, message: message))
    }

    mutating func remember(_ event: Event) {
        events.append(event)
        journal.writes.append(.event(event))
    }
}

extension Hub.Member {
    init(_ state: HubSnapshot.NodeState) {
        let feed = Feed(documents: state.documents, head: state.headRevision)
        self.init(
            node: state.node, feed: feed, durable: feed.head, applied: state.appliedRevision,
            inbox: Inbox(last: state.acknowledged), acknowledged: state.acknowledged,
            instances: Table(), lastSeen: state.lastSeen, claims: state.claims,
            credential: state.credential, timeline: state.timeline, audit: state.audit)
        for status in state.instances { instances.insert(status, for: status.id) }
        for change in state.changes { changes.insert(change, for: change.workload) }
        let name = NodeID(state.node.metadata.name)
        if case .changes(let sequence) = feed[.changes(name)] { changesThrough = sequence }
    }

    init(new node: Node) {
        self.init(
            node: node, feed: Feed(), durable: 0, applied: 0, inbox: Inbox(), acknowledged: 0,
            instances: Table())
    }
}
