package import Model

/// What the HTTP interface asks of the process it belongs to: a hub, or the agent of one node.
///
/// Every list is the whole list. The interface filters by label and name, and works out for its
/// watchers what changed.
package protocol ManagementBackend: IdentityBackend, ApprovalBackend {
    /// Whether somebody may do something, by the policies that hold here.
    func access(
        of requester: Requester, _ verb: Verb, _ target: AccessTarget
    ) async -> AccessReport
    /// What a service asks about a request that it got.
    func decide(_ question: ServiceQuestion) async throws(Refusal) -> AccessReport
    /// Keeps what was decided in the audit log; returns once that is as durable as asked. Throws where
    /// what was allowed must not be done, since it cannot be kept.
    func record(_ act: AuditAct, _ auditing: Auditing) async throws(Refusal)
    /// Records of the audit log, from one on or the newest.
    func audit(from index: UInt64?, limit: Int) async throws(Refusal) -> AuditPage
    /// What ties a record of the audit log to what was signed.
    func auditProof(of index: UInt64) async throws(Refusal) -> AuditProof
    func auditVerdict() async throws(Refusal) -> AuditVerdict
    /// Keeps what was decided about a request, for who asks why.
    func note(_ record: AccessRecord) async
    /// What was decided in the course of a request; empty where it is not known any more.
    func records(of request: String) async -> [AccessRecord]
    /// The policies with these ids, as far as they hold.
    func excerpts(of ids: [String]) async -> [PolicyExcerpt]
    /// Whom a token speaks for; a refusal `unauthenticated` where it does not, or not any more.
    func bearer(of token: String) async throws(Refusal) -> Requester
    /// Why who asked earlier may ask no longer; nil where they may.
    func objection(to requester: Requester) async -> Refusal?
    /// What is known of a token by its id.
    func userToken(_ id: String) async -> UserToken?
    func userTokens() async throws(Refusal) -> UserTokenList
    func vouch(
        for user: String, validFor: Duration, by requester: Requester
    ) async throws(Refusal) -> IssuedUserToken
    func revokeToken(_ id: String, by requester: Requester) async throws(Refusal) -> UserToken
    func info() async -> ServerInfo
    func list(_ kind: Kind) async -> ObjectList
    /// All of the objects or none of them.
    func apply(_ objects: [Object], dryRun: Bool) async throws(Refusal) -> [ApplyResult]
    func delete(_ kind: Kind, name: String) async throws(Refusal)
    func edit(_ kind: Kind, name: String, _ edit: Edit) async throws(Refusal) -> Object
    /// The newest `limit` events, oldest first.
    func events(limit: Int) async -> EventList
    /// The newest `limit` decisions that `filter` wants, oldest first.
    func decisions(about filter: DecisionFilter?, limit: Int) async -> DecisionList
    /// Who may decide at a site; nil where it is not known here.
    func authority(of site: SiteID) async -> AuthorityReport?
    /// About what hub and nodes differ, until a person chooses.
    func conflicts() async throws(Refusal) -> ConflictList
    /// What came of judging the decisions of nodes again; of one site or of all.
    func compliance(of site: SiteID?) async throws(Refusal) -> ComplianceReport
    /// Who sees whom in the mesh of a site, or of every site.
    func mesh(of site: SiteID?) async throws(Refusal) -> MeshReport
    /// The healthy instances of every service, the best of each first.
    func services() async -> ServiceList
    /// Which node has which revision.
    func meshHoldings(of site: SiteID?) async throws(Refusal) -> MeshHoldings
    /// How records came here: of this key, about this name or from this node; all without one.
    func meshTraces(of record: String) async throws(Refusal) -> MeshTraces
    /// What people changed at nodes and nobody settled: of the fleet, or of this node.
    func localChanges() async -> LocalChangeList
    /// Settles one of them.
    func resolve(_ resolution: Resolution) async throws(Refusal)
    /// Lets the console of a node act as if no policy forbade it, for so long; for nothing to end that.
    /// Answers with when it ends.
    func breakGlass(reason: String, validFor: Duration) async throws(Refusal) -> WallTime
    func issueToken(site: SiteID, validFor: Duration) async throws(Refusal) -> IssuedToken
    /// Emits whenever anything that `list`, `events` or `decisions` shows has changed. Keeps at most one signal
    /// that nobody has taken yet.
    func changes() async -> AsyncStream<Void>
    /// Carries one stream until its last frame has been handed to `output`. Cancelled when the
    /// client goes away. `input` may be read by one task only; it ends when the client has no more
    /// to send, which by itself is no reason to stop.
    func run(
        _ request: StreamRequest, on node: NodeID?, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(Refusal)
    /// Prometheus text.
    func metrics() async -> String
}
