package import Authority
package import Model
package import Replication

/// Facts about a node that do not change while its agent runs.
package struct AgentConfiguration: Equatable, Sendable {
    package var node: NodeID
    package var site: SiteID
    package var version: String
    package var capacity: Capacity
    /// Where ports without a number are taken from.
    package var portRange: ClosedRange<Int>
    /// A number that no two boots of the node share.
    package var boot: UInt64
    /// A number that no two machines share; zero where it cannot be told.
    package var machine: UInt64
    /// Who may sign policy: pinned when the node was enrolled, so that no hub can add one.
    package var policyKeys: [TrustedKey]
    /// The keys with its peers that it has kept.
    package var keys: KeyHand?
    /// By which the hub seals values for this node; nil where nothing here can open them.
    package var secretsKey: String?
    /// Which identities are no longer good, as it has kept that.
    package var revocations: KeptRevocations?
    package var brake = RevocationBrake()
    /// The digest of its device key.
    package var device: String?
    /// Where workloads ask what is permitted; nil where nobody answers.
    package var questionSocket: String?
    /// Its place in the mesh of its site; nil where it takes no part.
    package var mesh: MeshContact?
    package var limits: AgentLimits

    package init(
        node: NodeID, site: SiteID, version: String, capacity: Capacity,
        portRange: ClosedRange<Int>, boot: UInt64, machine: UInt64 = 0,
        policyKeys: [TrustedKey] = [], keys: KeyHand? = nil, questionSocket: String? = nil,
        mesh: MeshContact? = nil, secretsKey: String? = nil,
        limits: AgentLimits = .production
    ) {
        self.node = node
        self.site = site
        self.version = version
        self.capacity = capacity
        self.portRange = portRange
        self.boot = boot
        self.machine = machine
        self.policyKeys = policyKeys
        self.keys = keys
        self.secretsKey = secretsKey
        self.questionSocket = questionSocket
        self.mesh = mesh
        self.limits = limits
    }
}

/// Every bound of the agent, with the values for production and the ones that hurt sooner.
package struct AgentLimits: Equatable, Sendable {
    /// Unacknowledged log entries kept; the last word on each instance comes on top.
    package var logEntries: Int
    /// Entries in one message, and sent without an answer.
    package var batch: Int
    package var window: Int
    /// Documents in one message.
    package var documentsPerMessage: Int
    /// Events kept for people on the node.
    package var events: Int
    /// Writes that may wait for a slow store before those overtaken by newer ones are left out.
    package var writes: Int
    /// Changes by people here that the hub has not taken in.
    package var localChanges: Int
    /// The longest wait before a node tries its hub again.
    package var reconnectCap: Duration
    /// The first window of a reconnect before any hub named one.
    package var reconnectFirst: Duration
    /// When a link that comes and goes is left alone, and for how long.
    package var holdDown: HoldDown.Limits
    /// How long a greeting may stay unanswered.
    package var greeting: Duration
    /// How long lower tiers wait at start for higher ones.
    package var tierWait: Duration
    /// A container that ran this long has earned a fresh back-off.
    package var calm: Duration
    /// How often the engine is asked what runs, to catch a missed event.
    package var audit: Duration

    package static let production = AgentLimits(
        logEntries: 10_000, batch: 64, window: 256, documentsPerMessage: 16, events: 256,
        writes: 1_024, localChanges: 64, reconnectCap: .seconds(60), reconnectFirst: .seconds(1),
        holdDown: HoldDown.Limits(
            turns: 3, window: .seconds(300), first: .seconds(300), cap: .seconds(900)),
        greeting: .seconds(10), tierWait: .seconds(15),
        calm: .seconds(600), audit: .seconds(60))

    package static let tight = AgentLimits(
        logEntries: 64, batch: 4, window: 8, documentsPerMessage: 2, events: 16, writes: 16,
        localChanges: 4,
        reconnectCap: .seconds(60), reconnectFirst: .seconds(1),
        holdDown: HoldDown.Limits(
            turns: 2, window: .seconds(120), first: .seconds(20), cap: .seconds(40)),
        greeting: .seconds(10),
        tierWait: .seconds(15),
        calm: .seconds(600), audit: .seconds(600))
}

extension Agent {
    /// What the agent can be told.
    package enum Input: Equatable, Sendable {
        case wake(Wake)
        /// A session to the hub is open; nothing was said on it.
        case linkUp
        /// `isSilent`: nothing was heard for too long. Otherwise somebody hung up.
        case linkDown(reason: String, isSilent: Bool = false)
        case received(HubMessage)
        case persisted(Ticket)
        /// The store cannot write. The host repeats the same writes, in order, until it can.
        case storeFailing(reason: String)
        /// A person on the node asks for something.
        case request(RequestID, Request)
        case engine(EngineReport)
        case measured(Usage?)
        /// A certificate for this node was issued at that time and lives so long.
        case issued(life: Duration, at: Instant)
        case issueFailed(reason: String)
        /// The node's authority was replaced. `isFirst`: until then it had none of its own.
        case certified(isFirst: Bool)
        /// The keys with its peers that the hub sent are on disk.
        case keptKeys(KeyHand)
        /// The list that the hub sent was signed by the hub, and is on disk.
        indirect case keptRevocations(KeptRevocations)
        /// A neighbour had a list of what is revoked.
        indirect case carriedRevocations(RevocationList, from: NodeID)
        case revocationsRefused(reason: String)
        /// The roster of its mesh that is on disk.
        case keptRoster(RosterVersion)
        /// How this node sees its mesh.
        indirect case mesh(MeshView)
        /// A neighbour has this policy.
        case offered(PolicyOffer)
        /// What `.fetch` asked for, its digest checked and nothing else.
        indirect case carried(PolicyBundle, digest: String, from: NodeID)
        /// The session that was to follow the present one did not come about.
        case redialFailed(reason: String)
        /// The hub's time turned out to be another than this node's by more than a moment.
        case timeCorrected
        /// Somebody at the console did what only the broken glass let them do.
        case actedUnderGlass(String)
        /// Where the audit log stands on disk, as `.attest` asked.
        indirect case attested(AuditReport)
        /// The audit log on disk is not what was written.
        case auditBroken(AuditFault)
        /// The audit log of a neighbour is not what it said in the mesh before.
        case doubted(NodeID, reason: String)
        /// Stop every workload in reverse tier order, then say `.halted`.
        case halt
    }

    /// What an engine did, or found.
    package enum EngineReport: Equatable, Sendable {
        case listed([ObservedContainer], EngineStatus)
        case unavailable(EngineFailure)
        case available
        case pulled(ContainerID)
        case pullFailed(ContainerID, EngineFailure)
        case started(ObservedContainer)
        case startFailed(ContainerID, EngineFailure)
        case exited(ContainerID, handle: String, Exit)
        case stopped(ContainerID)
        case stopFailed(ContainerID, EngineFailure)
        case probed(ProbeID, ProbeOutcome)
    }

    /// What the agent wants done. Outcomes come back as inputs.
    package enum Effect: Equatable, Sendable {
        /// Make these durable together, then `.persisted`.
        case persist(Ticket, [NodeWrite])
        case connect
        case disconnect
        /// Make a new certificate from the node's authority, then `.issued`.
        case issue(IssuanceMode)
        /// Open a session beside the one that stands, with the newest certificate, then `.linkUp`.
        case redial
        /// The session opened last is the link from here on; the one before it ends.
        case succeed
        /// Give up the session opened last.
        case hangUp
        /// Make a key for a new authority of this node and send the hub a request to certify it.
        case askAuthority
        /// Put what the hub certified in the place of the authority before, then `.certified`.
        indirect case install(Certification)
        /// Keep these keys on disk in the place of those before, then `.keptKeys`.
        indirect case keepKeys(KeyDeal)
        /// Check who signed this list, keep it on disk and obey it, then `.keptRevocations`.
        indirect case keepRevocations(KeptRevocations)
        /// Check this roster and keep it on disk, then `.keptRoster`.
        indirect case keepRoster(SignedRoster)
        /// Tell the mesh that this node has these, and hand them to whoever asks.
        indirect case announce([PolicyBundle], siteGeneration: UInt64)
        /// Tell the mesh that these instances of this node are healthy, and no others.
        case register([Registration])
        /// Get this from whoever of the mesh has it, then `.carried`. Replaces an earlier wish for the
        /// same policy.
        case fetch(PolicyOffer)
        case send(NodeMessage)
        /// Look up where the audit log stands and what it has at this record, then `.attested`. Nothing
        /// where there is no news.
        case attest(held: UInt64)
        /// Append this to the audit log, before what follows.
        indirect case audit(AuditAct)
        case list
        // Large and rare: beside the others, which are small and many.
        indirect case carryOut(Order)
        case probe(ProbeID, ProbeTarget, timeout: Duration)
        case measure
        // Large and rare, too.
        indirect case reply(RequestID, Reply)
        /// Wake at this time for this reason; replaces an earlier wish for the same reason.
        case wake(at: Instant, for: Wake)
        /// All workloads are stopped, as asked.
        case halted
    }

    package enum Wake: Hashable, Comparable, Sendable {
        case reconnect
        case greeting
        case heartbeat
        case ship
        case renewal
        case redial
        case policyAge
        case audit
        case order
        case restart(ContainerID)
        case probe(ContainerID, ProbeKind)
    }
}

/// Names one durable write whose end is awaited.
package struct Ticket: Hashable, Comparable, Sendable {
    package let number: UInt64
    package init(number: UInt64) { self.number = number }
    package static func < (left: Ticket, right: Ticket) -> Bool { left.number < right.number }
}

package enum ProbeKind: Int, Hashable, Comparable, Sendable, CaseIterable {
    case startup, readiness, liveness
    package static func < (left: ProbeKind, right: ProbeKind) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// One run of a probe against one start of a container: an answer about an earlier start is old.
package struct ProbeID: Hashable, Sendable {
    package var container: ContainerID
    package var kind: ProbeKind
    package var attempt: Int

    package init(container: ContainerID, kind: ProbeKind, attempt: Int) {
        self.container = container
        self.kind = kind
        self.attempt = attempt
    }
}
