package import Model

/// Every bound of the hub, with the values for production and the ones that hurt sooner.
package struct HubLimits: Equatable, Sendable {
    package var heartbeatEvery: Duration
    /// Missed heartbeats after which a session is dead.
    package var heartbeatsMissed: Int
    /// Sessions admitted in a second, and at once after a calm.
    package var admissionsPerSecond: Int
    package var admissionBurst: Int
    /// Over how long a fleet spreads its return, at least.
    package var reconnectWindowMin: Duration
    package var documentsPerMessage: Int
    /// Documents that one node may say it holds.
    package var holdings: Int
    package var events: Int
    /// Decisions kept for people to ask about.
    package var decisions: Int
    /// Versions of one site that are kept, to judge by.
    package var siteVersions: Int
    package var tokens: Int
    /// Tokens of people that still count, and of one person.
    package var userTokens: Int
    package var tokensPerUser: Int
    /// Requests that wait for an approval, and of one person.
    package var approvals: Int
    package var approvalsPerUser: Int
    package var objects: Int
    /// Copies that one workload may ask for.
    package var replicas: Int
    /// Instances that one node may report.
    package var instancesPerNode: Int
    /// Writes that may wait for a slow store before those overtaken by newer ones are left out.
    package var writes: Int
    /// Policies, and versions of each that are kept besides those that are in force somewhere.
    package var policies: Int
    package var policyVersions: Int
    /// Nodes of one site that get keys for each other, the first by name.
    package var meshMembers: Int
    /// Workloads that one mesh decides about.
    package var plannedWorkloads: Int
    /// Machines without a token that may ask to join at the same time.
    package var pending: Int
    /// Identities that may be revoked at the same time.
    package var revocations: Int
    /// Checkpoints of audit logs that are kept one by one; of older ones only their roots are.
    package var auditLeaves: Int

    package static let production = HubLimits(
        heartbeatEvery: .seconds(15), heartbeatsMissed: 3, admissionsPerSecond: 200,
        admissionBurst: 50, reconnectWindowMin: .seconds(1), documentsPerMessage: 64,
        holdings: 4_096, events: 2_000, decisions: 2_000, siteVersions: 64, tokens: 10_000,
        userTokens: 4_096, tokensPerUser: 64, approvals: 256, approvalsPerUser: 32, objects: 20_000,
        replicas: 10_000,
        instancesPerNode: 1_000, writes: 4_096, policies: 256, policyVersions: 16,
        meshMembers: 256, plannedWorkloads: 128, pending: 64, revocations: 4_096,
        auditLeaves: 100_000)

    package static let tight = HubLimits(
        heartbeatEvery: .seconds(60), heartbeatsMissed: 3, admissionsPerSecond: 4,
        admissionBurst: 2, reconnectWindowMin: .seconds(1), documentsPerMessage: 2, holdings: 128,
        events: 32, decisions: 32, siteVersions: 16, tokens: 64,
        userTokens: 16, tokensPerUser: 4, approvals: 4, approvalsPerUser: 2, objects: 1_000,
        replicas: 64,
        instancesPerNode: 64, writes: 64,
        policies: 4,
        policyVersions: 3, meshMembers: 8, plannedWorkloads: 4, pending: 4, revocations: 16,
        auditLeaves: 16)
}

extension Hub {
    /// What the hub can be told.
    package enum Input: Equatable, Sendable {
        case wake(Wake)
        /// A node whose certificate names it opened a session and waits to be admitted.
        /// `device` is the digest of the key of the machine that its authority was made for; nil for
        /// a certificate of old, which was not made for any.
        case opened(SessionID, NodeID, device: String? = nil)
        case received(SessionID, NodeMessage)
        case closed(SessionID)
        case request(RequestID, Request)
        case persisted(Ticket)
        case signedRevocations(RevocationList)
        /// A checkpoint of the hub's own audit log is durable.
        case audited(AuditCheckpoint)
        /// The hub's audit log on disk is not what was written.
        case auditBroken(AuditFault)
        /// The store cannot write. The host repeats the same writes, in order, until it can.
        case storeFailing(reason: String)
    }

    /// What people and tools ask for that changes something.
    package enum Request: Equatable, Sendable {
        case apply([Object], dryRun: Bool)
        case delete(Kind, name: String)
        case edit(Kind, name: String, Edit)
        case issue(JoinToken)
        case vouch(UserToken)
        case revokeToken(id: String, by: String)
        /// Something that another person has to approve. The host has checked that nothing else lacks.
        case ask(Approval)
        case answerApproval(id: String, ApprovalAnswer, by: String)
        case resolve(Resolution)
        /// The host has checked nothing yet; the digest is of the secret that the node showed.
        case enrol(
            tokenID: String, secretDigest: String, node: NodeID, site: SiteID?,
            device: String? = nil)
        /// A machine that holds this device key asks for an authority of the node; the host has
        /// checked that it holds it.
        case readmit(NodeID, device: String)
        /// A machine without a token that holds this device key asks to become a node.
        case askToJoin(NodeID, SiteID, device: String)
        case answer(NodeID, PendingAnswer, by: String)
        case revoke(RevocationRequest, by: String)
    }

    package enum Reply: Equatable, Sendable {
        case applied([ApplyResult])
        case deleted
        case object(Object)
        case issued
        case revoked(UserToken)
        case approval(Approval)
        /// And how long the authority of the node may live.
        case enrolled(NodeID, SiteID, life: Duration)
        case resolved
        case pending(PendingNode)
        case identitiesRevoked
        case refused(Refusal)
    }

    /// What the hub wants done. Outcomes come back as inputs.
    package enum Effect: Equatable, Sendable {
        case persist(Ticket, [HubWrite])
        case admit(SessionID)
        case refuse(SessionID, retryAfter: Duration, reason: String)
        case send(SessionID, HubMessage)
        case close(SessionID)
        /// Sign an authority for a node that lives so long, and send it on its session.
        indirect case certify(
            SessionID, NodeID, SiteID, CertificationRequest, device: String?, life: Duration)
        /// Make the keys of a node with each of these peers, and send them on its session.
        indirect case dealKeys(SessionID, NodeID, peers: [NodeID], KeyHand)
        /// Sign this list, obey it, then `.signedRevocations`. It is durable.
        indirect case signRevocations(RevocationList)
        /// Sign this roster and send it on the session.
        indirect case dealRoster(SessionID, Roster)
        /// Sign this plan and send it.
        indirect case dealPlan(SessionID, SitePlan)
        // Large and rare: beside the others, which are small and many.
        indirect case reply(RequestID, Reply)
        case wake(at: Instant, for: Wake)
    }

    package enum Wake: Hashable, Comparable, Sendable {
        /// Look for sessions that went quiet.
        case sweep
    }
}

/// Names one request whose reply is awaited.
package struct RequestID: Hashable, Comparable, Sendable {
    package let number: UInt64
    package init(number: UInt64) { self.number = number }
    package static func < (left: RequestID, right: RequestID) -> Bool {
        left.number < right.number
    }
}
