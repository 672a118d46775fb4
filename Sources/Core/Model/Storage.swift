/// One change to a node's store. A batch of them is durable together or not at all.
package enum NodeWrite: Hashable, Sendable {
    case document(Document)
    case removeDocument(DocumentKey)
    /// The newest revision of which nothing is missing.
    case appliedRevision(UInt64)
    case instance(InstanceRecord)
    case removeInstance(InstanceID)
    case append(LogEntry)
    /// Entries up to here are on the hub and may go.
    case trimLog(through: UInt64)
    case epoch(UInt64)
    /// When the hub last proved the node's policy current.
    case contact(Reading)
    /// The number of the agent's run that has this store now.
    case run(UInt64)
    case localChange(LocalChange)
    /// Changes up to this entry of the log are the hub's by now. By entry, since a newer change of the
    /// same workload may be on its way to disk.
    case forgetLocalChanges(through: UInt64)
    case audit(AuditWrite)
    case auditSeen(AuditSeen)
}

/// What a node's store holds at start.
package struct NodeSnapshot: Hashable, Sendable {
    package var documents: [Document]
    package var appliedRevision: UInt64
    package var instances: [InstanceRecord]
    /// Not yet acknowledged entries, in order.
    package var log: [LogEntry]
    /// The sequence the next entry gets; grows even when the log is empty.
    package var nextSequence: UInt64
    package var epoch: UInt64
    /// When the hub last proved the node's policy current; nil where it never did.
    package var contact: Reading?
    /// The last run of an agent on this store; nil before the first.
    package var run: UInt64?
    /// What people changed here and the hub has not taken in.
    package var localChanges: [LocalChange]
    /// The highest version of each policy that was ever durable here, whatever became of its document.
    package var policyFloors: [String: UInt64]
    package var audit = AuditTail()
    package var auditSeen: AuditSeen?

    package init(
        documents: [Document] = [], appliedRevision: UInt64 = 0, instances: [InstanceRecord] = [],
        log: [LogEntry] = [], nextSequence: UInt64 = 1, epoch: UInt64 = 0,
        contact: Reading? = nil, run: UInt64? = nil, localChanges: [LocalChange] = [],
        policyFloors: [String: UInt64] = [:]
    ) {
        self.documents = documents
        self.appliedRevision = appliedRevision
        self.instances = instances
        self.log = log
        self.nextSequence = nextSequence
        self.epoch = epoch
        self.contact = contact
        self.run = run
        self.localChanges = localChanges
        self.policyFloors = policyFloors
    }
}

/// One change to the hub's store.
package enum HubWrite: Hashable, Sendable {
    case site(Site)
    /// Removes the site with its policies and what was judged by them.
    case removeSite(SiteID)
    case siteHistory(SiteID, PolicyHistory)
    case compliance(SiteCompliance)
    case node(Node)
    /// Removes the node with its feed, its log position and its instances.
    case removeNode(NodeID)
    case workload(Workload)
    case removeWorkload(WorkloadID)
    /// Which ordinals of a workload each node runs.
    case placement(WorkloadID, [NodeID: [Int]])
    /// The copies of a workload that several nodes hold.
    case replacements(WorkloadID, [Replacement])
    case document(NodeID, Document)
    /// A tombstone that the node has made durable.
    case forgetDocument(NodeID, DocumentKey)
    case instance(NodeID, InstanceStatus)
    case removeInstance(NodeID, InstanceID)
    case localChange(NodeID, LocalChange)
    case removeLocalChange(NodeID, WorkloadID)
    case acknowledged(NodeID, sequence: UInt64)
    case appliedRevision(NodeID, UInt64)
    case contact(NodeID, WallTime)
    case claims(NodeID, Claims)
    case credential(NodeID, NodeCredential)
    case timeline(NodeID, Timeline)
    /// No revision up to here is given again in the feed of the node.
    case head(NodeID, UInt64)
    case token(JoinToken)
    case removeToken(id: String)
    case pending(PendingNode)
    case removePending(device: String)
    /// Without its signature, which is made anew.
    case revocations(RevocationList)
    case userToken(UserToken)
    case removeUserToken(id: String)
    case approval(Approval)
    case removeApproval(id: String)
    case event(Event)
    case decision(Decision)
    case epoch(UInt64)
    /// The highest epoch of another hub that a node said it has obeyed.
    case metEpoch(UInt64)
    /// One version of a policy, kept with those before it.
    case policy(StoredPolicy)
    case removePolicy(PolicyReference)
    case secret(Secret)
    case removeSecret(SecretID)
    /// The highest generation of any object that was deleted.
    case generationFloor(UInt64)
    /// Who belongs to the mesh of a site. Its version outlives the site.
    case roster(Roster)
    /// What the mesh of a site decides about. Its version outlives the site.
    case plan(SitePlan)
    case audit(AuditWrite)
    case auditWitness(NodeID, AuditWitness)
    case auditLeaf(AuditLeaf)
    /// Leaves up to here go, and these roots stand for them.
    case pruneAuditLeaves(through: UInt64, roots: [AuditHash])
}

/// What the hub's store holds at start.
package struct HubSnapshot: Hashable, Sendable {
    package struct NodeState: Hashable, Sendable {
        package var node: Node
        /// Rising by revision, tombstones included.
        package var documents: [Document]
        /// The newest revision ever given in this feed.
        package var headRevision: UInt64
        package var appliedRevision: UInt64
        package var acknowledged: UInt64
        package var instances: [InstanceStatus]
        package var lastSeen: WallTime?
        package var claims: Claims
        package var credential = NodeCredential()
        package var timeline: Timeline
        /// What people changed at the node, as long as nobody settled it.
        package var changes: [LocalChange]
        package var audit: AuditWitness?

        package init(
            node: Node, documents: [Document] = [], headRevision: UInt64 = 0,
            appliedRevision: UInt64 = 0, acknowledged: UInt64 = 0,
            instances: [InstanceStatus] = [], lastSeen: WallTime? = nil,
            claims: Claims = Claims(), timeline: Timeline = .shared, changes: [LocalChange] = []
        ) {
            self.node = node
            self.documents = documents
            self.headRevision = headRevision
            self.appliedRevision = appliedRevision
            self.acknowledged = acknowledged
            self.instances = instances
            self.lastSeen = lastSeen
            self.claims = claims
            self.timeline = timeline
            self.changes = changes
        }
    }

    package var sites: [Site]
    package var nodes: [NodeState]
    package var workloads: [Workload]
    package var placements: [WorkloadID: [NodeID: [Int]]]
    package var replacements: [WorkloadID: [Replacement]]
    package var tokens: [JoinToken]
    /// The newest events, oldest first, at most the store's cap.
    package var events: [Event]
    /// The newest decisions, oldest first, and the last on each subject.
    package var decisions: [Decision]
    /// In order of name and version.
    package var policies: [StoredPolicy]
    package var epoch: UInt64
    /// The highest epoch of another hub that a node said it has obeyed.
    package var metEpoch: UInt64
    /// The highest generation of any object that was deleted.
    package var generationFloor: UInt64
    package var siteHistories: [SiteID: PolicyHistory] = [:]
    package var compliance: [SiteCompliance] = []
    package var secrets: [Secret] = []
    package var pending: [PendingNode] = []
    package var revocations: RevocationList?
    package var rosters: [Roster] = []
    package var plans: [SitePlan] = []
    package var audit = AuditTail()
    package var auditTree = AuditTree()
    package var userTokens: [UserToken] = []
    package var approvals: [Approval] = []

    package init(
        sites: [Site] = [], nodes: [NodeState] = [], workloads: [Workload] = [],
        placements: [WorkloadID: [NodeID: [Int]]] = [:],
        replacements: [WorkloadID: [Replacement]] = [:], tokens: [JoinToken] = [],
        events: [Event] = [], decisions: [Decision] = [], policies: [StoredPolicy] = [],
        epoch: UInt64 = 0, metEpoch: UInt64 = 0, generationFloor: UInt64 = 0
    ) {
        self.sites = sites
        self.nodes = nodes
        self.workloads = workloads
        self.placements = placements
        self.replacements = replacements
        self.tokens = tokens
        self.events = events
        self.decisions = decisions
        self.policies = policies
        self.epoch = epoch
        self.metEpoch = metEpoch
        self.generationFloor = generationFloor
    }
}

/// Leave to enrol one node at one site, once. The hub stores only the digest of the secret.
package struct JoinToken: Hashable, Codable, Sendable {
    /// The public part, also the first part of the token text.
    package var id: String
    package var secretDigest: String
    package var site: SiteID
    package var expiresAt: WallTime
    /// The node that used it; a used token stays until it expires, to tell "used" from "unknown".
    package var usedBy: NodeID?

    package init(
        id: String, secretDigest: String, site: SiteID, expiresAt: WallTime, usedBy: NodeID? = nil
    ) {
        self.id = id
        self.secretDigest = secretDigest
        self.site = site
        self.expiresAt = expiresAt
        self.usedBy = usedBy
    }
}
