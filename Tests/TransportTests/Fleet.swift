import Foundation
import Model
import Synchronization
import Testing
import Transport

/// What the hub's side of the link told its delegate, in order.
enum Seen: Hashable, Sendable {
    case opened(SessionID, NodeID, SiteID)
    case received(NodeMessage)
    case closed(SessionID)
    case noticed(LinkNotice)
}

/// A hub that admits and enrols as the test says, and keeps what it saw.
final class StandInHub: ControlDelegate {
    let seen: AsyncStream<Seen>
    private let sink: AsyncStream<Seen>.Continuation
    private let authority: Authorities
    private let token: JoinTokenText?
    private let admission: Admission
    private let spent = Mutex(false)
    private let returned = Mutex<[[UInt8]]>([])

    /// The device keys of those who came back, as they were proved.
    var proofs: [[UInt8]] { returned.withLock { $0 } }

    init(authority: Authorities, token: JoinTokenText? = nil, admission: Admission) {
        (seen, sink) = AsyncStream.makeStream()
        self.authority = authority
        self.token = token
        self.admission = admission
    }

    func readmit(_ proof: ReturnProof) async throws -> Certification {
        returned.withLock { $0.append(proof.deviceKey) }
        guard proof.node == "n1" else { throw Refusal(.denied, "the node is not known here") }
        return Certification(
            certificateChain: try authority.issuing.issueNodeAuthority(
                proof.node, site: "harbour", publicKey: proof.publicKey, validity: .seconds(900),
                now: clock()),
            trustRoots: try authority.trustRoots)
    }

    /// Lets in who asks a second time, and nobody but n1.
    func join(_ request: JoinRequest) async throws -> JoinAnswer {
        guard request.proof.node == "n1" else { throw Refusal(.denied, "not that one") }
        let asked = returned.withLock { keys in
            keys.append(request.proof.deviceKey)
            return keys.count
        }
        guard asked > 1 else { return .wait(Interval(.seconds(1)), reason: "nobody answered") }
        return .enrolled(
            Enrolment(
                node: request.proof.node, site: request.site,
                certificateChain: try authority.issuing.issueNodeAuthority(
                    request.proof.node, site: request.site, publicKey: request.proof.publicKey,
                    validity: .seconds(345_600), now: clock()),
                trustRoots: try authority.trustRoots, controlAddress: "127.0.0.1:1"))
    }

    /// Nodes that no policy lets in.
    let unwanted = Mutex<Set<NodeID>>([])
    /// Who was asked about.
    let asked = Mutex<[NodeID]>([])

    func objection(to node: NodeID, at site: SiteID) async -> String? {
        asked.withLock { $0.append(node) }
        return unwanted.withLock { $0.contains(node) } ? "test/no forbids it" : nil
    }

    func opened(
        _ session: SessionID, node: NodeID, site: SiteID, device: String?
    ) async -> Admission {
        sink.yield(.opened(session, node, site))
        return admission
    }

    func received(_ message: NodeMessage, from session: SessionID) async {
        sink.yield(.received(message))
    }

    func closed(_ session: SessionID) async { sink.yield(.closed(session)) }

    func noticed(_ notice: LinkNotice, on session: SessionID) async { sink.yield(.noticed(notice)) }

    /// Ends `seen`; the server is down.
    func finish() { sink.finish() }

    func enrol(_ request: EnrolmentRequest) async throws -> Enrolment {
        guard let token, request.tokenID == token.id,
            JoinTokenText.digest(ofSecret: request.tokenSecret)
                == JoinTokenText.digest(ofSecret: token.secret)
        else { throw Refusal(.denied, "the join token is not known here") }
        let first = spent.withLock { spent in
            defer { spent = true }
            return !spent
        }
        guard first else { throw Refusal(.denied, "the join token was used already") }
        return Enrolment(
            node: request.node, site: "harbour",
            certificateChain: try authority.issuing.issueNodeAuthority(
                request.node, site: "harbour", publicKey: request.publicKey,
                validity: .seconds(345_600), now: clock()),
            trustRoots: try authority.trustRoots, controlAddress: "127.0.0.1:1")
    }
}

/// The clock of this machine.
func clock() -> WallTime {
    WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
}

func hello(_ node: NodeID, at site: SiteID = "harbour") -> NodeMessage {
    .hello(
        Hello(
            node: node, site: site, agentVersion: "1", capacity: capacity, engine: nil,
            appliedRevision: 0, epoch: 0))
}

/// A running hub and what is needed to join it.
struct Harbour: Sendable {
    let server: ControlServer
    let hub: StandInHub
    let authority: Authorities
    let ports: ControlServer.Ports
    let token: JoinTokenText
    let stop: @Sendable () -> Void

    func identity(
        _ node: NodeID, at site: SiteID = "harbour", from issuer: Authorities? = nil,
        validity: Duration = .seconds(900), issued: WallTime = clock()
    ) throws -> TLSIdentity {
        try (issuer ?? authority).identity(node, at: site, validity: validity, issued: issued)
    }

    func client(
        _ identity: TLSIdentity, port: Int? = nil, trusting roots: String? = nil,
        limits: Limits = .production,
        notice: @escaping @Sendable (LinkNotice) -> Void = { _ in }
    ) throws -> ControlClient {
        try ControlClient(
            hub: "127.0.0.1:\(port ?? ports.control)", identity: identity,
            trustRoots: try roots ?? authority.trustRoots, limits: limits,
            clock: FleetClock(certain: clock), notice: notice)
    }
}

/// Runs a hub on free ports of the loopback for as long as `body` takes.
func withHarbour(
    limits: Limits = .production, admission: Admission = .admit,
    now: @escaping @Sendable () -> WallTime = clock, showsRoot: Bool = false,
    isRevoked: @escaping @Sendable (Bearer) -> Bool = { _ in false },
    _ body: @escaping @Sendable (Harbour) async throws -> Void
) async throws {
    let authority = try Authorities()
    let ready = AsyncStream.makeStream(of: ControlServer.Ports.self)
    let tokenSource = JoinTokenText(hub: "127.0.0.1:0", authority: try authority.certificateDER)
    let hub = StandInHub(authority: authority, token: tokenSource, admission: admission)
    let server = try ControlServer(
        .init(
            identity: try authority.hub(),
            enrolmentIdentity: try showsRoot ? authority.hubWithRoot() : nil,
            anchors: try TrustAnchors(authority.trustRoots), limits: limits),
        delegate: hub, now: now, isRevoked: isRevoked)
    let stopped = AsyncStream.makeStream(of: Void.self)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            try await withThrowingTaskGroup(of: Void.self) { serving in
                serving.addTask { try await server.run { ready.continuation.yield($0) } }
                serving.addTask { for await _ in stopped.stream {} }
                try await serving.next()
                serving.cancelAll()
            }
            hub.finish()
        }
        var ports = ready.stream.makeAsyncIterator()
        guard let bound = await ports.next() else { return }
        var token = tokenSource
        token.hub = "127.0.0.1:\(bound.enrolment)"
        try await body(
            Harbour(
                server: server, hub: hub, authority: authority, ports: bound, token: token,
                stop: { stopped.continuation.finish() }))
        stopped.continuation.finish()
        try await group.waitForAll()
    }
}

/// One session of an agent in a test: what it says, what it hears, and how it ended.
struct Agent: Sendable {
    let say: AsyncStream<NodeMessage>.Continuation
    let heard: AsyncStream<HubMessage>
    private let outgoing: AsyncStream<NodeMessage>
    private let sink: AsyncStream<HubMessage>.Continuation

    init() {
        (outgoing, say) = AsyncStream.makeStream()
        (heard, sink) = AsyncStream.makeStream()
    }

    typealias Answer = AgentStreams.Answer

    /// Nil when the session ended without an error.
    func run(_ client: ControlClient, answer: @escaping Answer = { _, _, _ in }) async
        -> TransportError?
    {
        let streams = AgentStreams()
        return await withTaskGroup { group in
            group.addTask { await streams.run(answer) }
            defer { group.cancelAll() }
            return await run(client, carrying: streams)
        }
    }

    /// The same, with streams that outlive the session.
    func run(_ client: ControlClient, carrying streams: AgentStreams) async -> TransportError? {
        defer { sink.finish() }
        do throws(TransportError) {
            try await client.session(
                outgoing: outgoing, incoming: { sink.yield($0) }, streams: streams)
            return nil
        } catch {
            return error
        }
    }
}

/// Connects an agent, says hello, waits until the hub heard it, and runs `body`.
func withAgent(
    _ node: NodeID, in harbour: Harbour, limits: Limits = .production,
    answer: @escaping Agent.Answer = { _, _, _ in },
    _ body: @escaping @Sendable (Agent, SessionID) async throws -> Void
) async throws {
    let client = try harbour.client(try harbour.identity(node), limits: limits)
    let agent = Agent()
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = await agent.run(client, answer: answer) }
        agent.say.yield(hello(node))
        let session = try await harbour.session(of: node)
        harbour.server.promote(session)
        try await body(agent, session)
        agent.say.finish()
        group.cancelAll()
    }
}

extension Harbour {
    /// Waits until the node is connected and has said hello.
    func session(of node: NodeID) async throws -> SessionID {
        var session: SessionID?
        for await event in hub.seen {
            if case .opened(let id, node, _) = event { session = id }
            if case .received(.hello(let hello)) = event, hello.node == node, let session {
                return session
            }
        }
        return try #require(session)
    }

    /// The next event that `pick` takes.
    func next<Value>(_ pick: (Seen) -> Value?) async -> Value? {
        for await event in hub.seen {
            if let value = pick(event) { return value }
        }
        return nil
    }
}

let capacity = Capacity(cpu: CPUShare(millicores: 2000), memory: ByteCount(1 << 30))
