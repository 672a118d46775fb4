import AsyncHTTPClient
import Foundation
import Host
import Management
import Model
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

private let requests = 1_500
/// Below what one identity may ask for in a second.
private let pause = Duration.milliseconds(11)

/// The same hub without asking who may and without keeping what was decided.
private struct Unguarded: ManagementBackend {
    let hub: any ManagementBackend

    func access(
        of requester: Requester, _ verb: Verb, _ target: AccessTarget
    ) async -> AccessReport { AccessReport(isAllowed: true, reasons: []) }
    func record(_ act: AuditAct, _ auditing: Auditing) async throws(Refusal) {}
    func note(_ record: AccessRecord) async {}
    func apply(_ objects: [Object], dryRun: Bool) async throws(Refusal) -> [ApplyResult] {
        try await hub.apply(objects, dryRun: dryRun)
    }
    func edit(_ kind: Kind, name: String, _ edit: Edit) async throws(Refusal) -> Object {
        try await hub.edit(kind, name: name, edit)
    }
    func list(_ kind: Kind) async -> ObjectList { await hub.list(kind) }
    func info() async -> ServerInfo { await hub.info() }
    // Nothing else is asked of it.
    private func unused() -> Never { preconditionFailure("the benchmark does not ask for this") }
    func certificates() async throws(Refusal) -> CertificateList { unused() }
    func pending() async throws(Refusal) -> PendingList { unused() }
    func answer(
        _ node: NodeID, _ answer: PendingAnswer, by principal: Principal
    ) async throws(Refusal) -> PendingNode { unused() }
    func revocations() async -> RevocationReport { unused() }
    func revoke(
        _ request: RevocationRequest, by principal: Principal
    ) async throws(Refusal) -> RevocationReport { unused() }
    func approvals() async throws(Refusal) -> ApprovalList { unused() }
    func retireRoots() async throws(Refusal) { unused() }
    func requestApproval(
        _ wish: ApprovalWish, by requester: Requester
    ) async throws(Refusal) -> Approval { unused() }
    func settleApproval(
        _ id: String, _ answer: ApprovalAnswer, by requester: Requester
    ) async throws(Refusal) -> Approval { unused() }
    func decide(_ question: ServiceQuestion) async throws(Refusal) -> AccessReport { unused() }
    func objection(to requester: Requester) async -> Refusal? { unused() }
    func services() async -> ServiceList { unused() }
    func meshHoldings(of site: SiteID?) async throws(Refusal) -> MeshHoldings { unused() }
    func meshTraces(of record: String) async throws(Refusal) -> MeshTraces { unused() }
    func breakGlass(
        reason: String, validFor: Duration
    ) async throws(Refusal) -> WallTime { unused() }
    func audit(from index: UInt64?, limit: Int) async throws(Refusal) -> AuditPage { unused() }
    func auditProof(of index: UInt64) async throws(Refusal) -> AuditProof { unused() }
    func auditVerdict() async throws(Refusal) -> AuditVerdict { unused() }
    func records(of request: String) async -> [AccessRecord] { unused() }
    func excerpts(of ids: [String]) async -> [PolicyExcerpt] { unused() }
    func bearer(of token: String) async throws(Refusal) -> Requester { unused() }
    func userToken(_ id: String) async -> UserToken? { unused() }
    func userTokens() async throws(Refusal) -> UserTokenList { unused() }
    func vouch(
        for user: String, validFor: Duration, by requester: Requester
    ) async throws(Refusal) -> IssuedUserToken { unused() }
    func revokeToken(_ id: String, by requester: Requester) async throws(Refusal) -> UserToken {
        unused()
    }
    func delete(_ kind: Kind, name: String) async throws(Refusal) { unused() }
    func events(limit: Int) async -> EventList { unused() }
    func decisions(about filter: DecisionFilter?, limit: Int) async -> DecisionList { unused() }
    func authority(of site: SiteID) async -> AuthorityReport? { unused() }
    func conflicts() async throws(Refusal) -> ConflictList { unused() }
    func compliance(of site: SiteID?) async throws(Refusal) -> ComplianceReport { unused() }
    func mesh(of site: SiteID?) async throws(Refusal) -> MeshReport { unused() }
    func localChanges() async -> LocalChangeList { unused() }
    func resolve(_ resolution: Resolution) async throws(Refusal) { unused() }
    func issueToken(site: SiteID, validFor: Duration) async throws(Refusal) -> IssuedToken {
        unused()
    }
    func changes() async -> AsyncStream<Void> { unused() }
    func run(
        _ request: StreamRequest, on node: NodeID?, input: AsyncStream<StreamFrame>,
        output: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws(Refusal) { unused() }
    func metrics() async -> String { unused() }
}

/// What stands beside the hub: its own store, and a listener without any guard.
private func serveUnguarded(
    _ hub: any ManagementBackend, _ files: OperatorFiles, ready: @escaping @Sendable (Int) -> Void
) async throws {
    let identity = try ServerIdentity(
        certificateChain: try String(contentsOfFile: files.certificate, encoding: .utf8),
        key: try String(contentsOfFile: files.key, encoding: .utf8))
    let listener = TLSListener(
        host: "127.0.0.1", port: 0, identity: identity,
        verify: { _ in nil }, identify: { _, _ in .user("anybody") })
    try await ManagementServer(backend: Unguarded(hub: hub), listener: .tls(listener))
        .run { ready($0) }
}

private struct Ports: Sendable {
    var guarded: Int?
    var unguarded: Int?
}

/// Each sorted.
private struct Times: Sendable {
    var bare: [Duration]
    var whole: [Duration]
    /// Of what nobody decides or keeps: a page of two letters, over the same connection.
    var page: [Duration]
    /// The bare request again, one behind the other: nothing has to wake up for it.
    var busy: [Duration]
    /// By how much the pause before each request was too long: what the machine adds to any wait.
    var late: [Duration]
}

/// Where both can be reached, once they can.
private final class Board: Sendable {
    private let ports = Mutex(Ports())
    private let signal: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    init() { (signal, bell) = AsyncStream.makeStream(of: Void.self) }

    func note(_ change: @Sendable (inout Ports) -> Void) {
        ports.withLock { change(&$0) }
        bell.yield()
    }

    func whole() async throws -> Ports {
        for await _ in signal {
            let now = ports.withLock { $0 }
            if now.guarded != nil, now.unguarded != nil { return now }
        }
        throw CancellationError()
    }
}

/// One client with one connection, which stays open.
private func connect(_ files: OperatorFiles) throws -> HTTPClient {
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.certificateVerification = .none
    tls.certificateChain = try NIOSSLCertificate.fromPEMFile(files.certificate)
        .map { .certificate($0) }
    tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: files.key, format: .pem))
    return HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: HTTPClient.Configuration(tlsConfiguration: tls))
}

private func look(_ client: HTTPClient, _ port: Int) async throws -> Duration {
    let start = ContinuousClock.now
    let answer = try await client.execute(
        HTTPClientRequest(url: "https://127.0.0.1:\(port)/healthz"), timeout: .seconds(10))
    _ = try await answer.body.collect(upTo: 1 << 10)
    return ContinuousClock.now - start
}

/// One request a person makes: what would come of applying a site.
private func ask(_ client: HTTPClient, _ port: Int) async throws -> Duration {
    var request = HTTPClientRequest(url: "https://127.0.0.1:\(port)/api/v1/apply?dryRun=true")
    request.method = .POST
    request.body = .bytes(
        ByteBuffer(
            string: """
                {"objects":[{"apiVersion":"skerry.dev/v1","kind":"Site",\
                "metadata":{"name":"rural"},"spec":{}}]}
                """))
    let start = ContinuousClock.now
    let answer = try await client.execute(request, timeout: .seconds(10))
    _ = try await answer.body.collect(upTo: 1 << 20)
    precondition(answer.status.code == 200, "the hub answered \(answer.status)")
    return ContinuousClock.now - start
}

private func compare(_ ports: Ports, _ files: OperatorFiles) async throws -> Times {
    guard let guarded = ports.guarded, let unguarded = ports.unguarded else {
        preconditionFailure("both are open by now")
    }
    let client = try connect(files)
    var (bare, whole): ([Duration], [Duration]) = ([], [])
    var (page, busy, late): ([Duration], [Duration], [Duration]) = ([], [], [])
    do {
        for round in -100..<requests {
            // After the same pause each, and in turn the first.
            for isGuarded in round.isMultiple(of: 2) ? [true, false] : [false, true] {
                try await Task.sleep(for: pause)
                let took = try await ask(client, isGuarded ? guarded : unguarded)
                // The first ones warm up.
                guard round >= 0 else { continue }
                if isGuarded { whole.append(took) } else { bare.append(took) }
            }
        }
        for _ in 0..<requests / 3 {
            let start = ContinuousClock.now
            try await Task.sleep(for: pause)
            late.append(ContinuousClock.now - start - pause)
            page.append(try await look(client, unguarded))
        }
        // Below what one identity may ask for at once.
        for _ in 0..<300 { busy.append(try await ask(client, unguarded)) }
    } catch {
        try await client.shutdown()
        throw error
    }
    try await client.shutdown()
    return Times(
        bare: bare.sorted(), whole: whole.sorted(), page: page.sorted(), busy: busy.sorted(),
        late: late.sorted())
}

private func milliseconds(_ times: [Duration], _ share: Double) -> Double {
    Double(times[min(times.count - 1, Int(share * Double(times.count)))].nanoseconds) / 1e6
}

/// Answers whether a goal was missed.
func measureRequests(in directory: String) async throws -> Bool {
    let settings = HubSettings(
        state: directory, managementPort: 0, controlPort: 0, enrolmentPort: 0)
    let files = OperatorFiles(directory: directory + "/operator")
    let board = Board()
    let times = try await withThrowingTaskGroup(of: Times?.self) { group in
        group.addTask {
            try await HubHost.run(
                settings, log: { _ in },
                beside: { hub in
                    try await serveUnguarded(hub, files) { port in
                        board.note { $0.unguarded = port }
                    }
                },
                ready: { listening in board.note { $0.guarded = listening.managementPort } })
            return nil
        }
        group.addTask { try await compare(try await board.whole(), files) }
        // The hub runs until it is cancelled.
        let first = try await group.next()
        group.cancelAll()
        return first ?? nil
    }
    guard let times else { return true }
    let (bare, whole) = (times.bare, times.whole)
    let added = milliseconds(whole, 0.5) - milliseconds(bare, 0.5)
    print("a warm request (apply, dry run) over TLS to a running hub, \(requests) of each in turn:")
    for (name, times) in [
        ("authorised and audited", whole), ("neither", bare), ("neither, no pause", times.busy),
        ("a page of two letters", times.page), ("a pause, too long by", times.late),
    ] {
        print(
            "  \(name.padding(toLength: 26, withPad: " ", startingAt: 0))"
                + String(
                    format: "median %.3f ms, p99 %.3f ms", milliseconds(times, 0.5),
                    milliseconds(times, 0.99)))
    }
    print(String(format: "  added at the median       %.3f ms, goal 0.3; p99 goal 1 ms", added))
    return added > 0.3 || milliseconds(whole, 0.99) > 1
}
