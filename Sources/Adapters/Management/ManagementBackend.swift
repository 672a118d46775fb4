package import Model

/// What the HTTP interface asks of the process it belongs to: a hub, or the agent of one node.
///
/// Every list is the whole list. The interface filters by label and name, and works out for its
/// watchers what changed.
package protocol ManagementBackend: Sendable {
    /// Whether somebody may do something, by the policies that hold here.
    func access(
        of principal: Principal, _ verb: Verb, _ target: AccessTarget
    ) async -> AccessReport
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
