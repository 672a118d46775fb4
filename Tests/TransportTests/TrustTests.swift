import GRPCCore
import Model
import NIOSSL
import Testing
import Transport

@Suite(.timeLimit(.minutes(1))) struct TrustTests {
    private func run(
        _ identity: TLSIdentity, as node: NodeID = "n1", in harbour: Harbour,
        trusting roots: String? = nil
    ) async throws -> TransportError? {
        let agent = Agent()
        agent.say.yield(hello(node))
        return await agent.run(try harbour.client(identity, trusting: roots))
    }

    /// No node may have been let in.
    private func expectNobodyIn(_ harbour: Harbour) async {
        harbour.stop()
        #expect(await harbour.next({ $0 }) == nil)
    }

    @Test func `a hub of another authority is not told anything`() async throws {
        try await withHarbour { harbour in
            let error = try await run(
                harbour.identity("n1"), in: harbour, trusting: try Authorities().trustRoots)
            guard case .untrusted(.hub, _)? = error else {
                Issue.record("ended with \(String(describing: error))")
                return
            }
            await expectNobodyIn(harbour)
        }
    }

    @Test func `a hub under a name that its certificate does not hold is not accepted`()
        async throws
    {
        try await withHarbour { harbour in
            let client = try ControlClient(
                hub: "127.0.0.1:\(harbour.ports.control)", identity: harbour.identity("n1"),
                trustRoots: harbour.authority.trustRoots, serverName: "hub.example",
                clock: FleetClock(certain: clock), notice: { _ in })
            guard case .untrusted(.hub, let reason)? = await Agent().run(client) else {
                Issue.record("the hub was accepted")
                return
            }
            #expect(reason.contains("hub.example"))
        }
    }

    @Test func `a node whose own certificate is all a hub shows is not a hub`() async throws {
        let authority = try Authorities()
        let node = try authority.identity("n2")
        let hub = StandInHub(authority: authority, admission: .admit)
        let server = try ControlServer(
            .init(
                identity: try ShownIdentity(node), anchors: try TrustAnchors(authority.trustRoots)),
            delegate: hub, now: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            let ready = AsyncStream.makeStream(of: ControlServer.Ports.self)
            group.addTask { try await server.run { ready.continuation.yield($0) } }
            let ports = try #require(await first(of: ready.stream))
            let client = try ControlClient(
                hub: "127.0.0.1:\(ports.control)",
                identity: node, trustRoots: authority.trustRoots,
                clock: FleetClock(certain: clock), notice: { _ in })
            #expect(
                await Agent().run(client)
                    == .untrusted(.hub, reason: "it is not that of a hub"))
            group.cancelAll()
        }
    }

    @Test func `a node of another authority gets no session`() async throws {
        try await withHarbour { harbour in
            let error = try await run(
                harbour.identity("n1", from: try Authorities()), in: harbour)
            #expect(error != nil)
            await expectNobodyIn(harbour)
        }
    }

    @Test func `a node whose certificate has expired is told so`() async throws {
        try await withHarbour { harbour in
            // Issued when the authority began, and over ten seconds ago.
            let identity = try harbour.identity(
                "n1", validity: .zero, issued: clock() + .seconds(-10))
            guard case .untrusted(.node, let reason)? = try await run(identity, in: harbour) else {
                Issue.record("the certificate was accepted")
                return
            }
            #expect(reason.contains("expired"))
            await expectNobodyIn(harbour)
        }
    }

    @Test func `a certificate that runs out ends its session`() async throws {
        // For this hub the handshake is always in time, however slow the machine.
        let start = clock()
        let standingClock = { @Sendable in start }
        try await withHarbour(now: standingClock) { harbour in
            let identity = try harbour.identity("n1", validity: .seconds(1), issued: start)
            guard case .untrusted(.node, let reason)? = try await run(identity, in: harbour) else {
                Issue.record("the session outlived its certificate")
                return
            }
            #expect(reason.contains("expired"))
        }
    }

    @Test func `a hello under another node's name ends the session`() async throws {
        try await withHarbour { harbour in
            let error = try await run(harbour.identity("n1"), as: "n2", in: harbour)
            guard case .denied(let reason)? = error else {
                Issue.record("ended with \(String(describing: error))")
                return
            }
            #expect(reason.contains("n2"))
            #expect(reason.contains("n1"))
            harbour.stop()
            #expect(await harbour.next(received) == nil)
        }
    }

    @Test func `a hello at another site ends the session`() async throws {
        try await withHarbour { harbour in
            let agent = Agent()
            agent.say.yield(hello("n1", at: "elsewhere"))
            let client = try harbour.client(try harbour.identity("n1"))
            let error = await agent.run(client)
            guard case .denied? = error else {
                Issue.record("ended with \(String(describing: error))")
                return
            }
        }
    }

    @Test func `a session that does not begin with a hello ends`() async throws {
        try await withHarbour { harbour in
            let agent = Agent()
            agent.say.yield(.applied(revision: 9))
            let client = try harbour.client(try harbour.identity("n1"))
            let error = await agent.run(client)
            #expect(error != nil)
            harbour.stop()
            #expect(await harbour.next(received) == nil)
        }
    }

    @Test func `an operator's certificate opens no node session`() async throws {
        try await withHarbour { harbour in
            let identity = try harbour.authority.user("ada")
            #expect(try await run(identity, in: harbour) != nil)
            await expectNobodyIn(harbour)
        }
    }

    @Test func `without a client certificate there is no link, whatever the call claims`()
        async throws
    {
        try await withHarbour { harbour in
            let isOpen = try await handshakes(port: harbour.ports.control) { _ in }
            #expect(!isOpen)
            await expectNobodyIn(harbour)
        }
    }

    @Test func `a call cannot say who its connection belongs to`() async throws {
        try await withHarbour { harbour in
            let identity = try harbour.identity("n1")
            let peer = RawPeer(
                port: harbour.ports.control,
                identity: (identity.certificateChain, identity.privateKey))
            var metadata: GRPCCore.Metadata = [:]
            metadata.addString("spiffe://n2.harbour.skerry/node/n2", forKey: "skerry-peer")
            try await peer.session([], metadata: metadata)
            guard case .opened(_, let node, _)? = await harbour.next({ $0 }) else {
                Issue.record("there was no session")
                return
            }
            #expect(node == "n1")
        }
    }

    @Test func `nothing older than TLS 1 point 3 is spoken on either port`() async throws {
        try await withHarbour { harbour in
            for port in [harbour.ports.control, harbour.ports.enrolment] {
                let isOpen = try await handshakes(port: port) { $0.maximumTLSVersion = .tlsv12 }
                #expect(!isOpen)
            }
            let isOpen = try await handshakes(port: harbour.ports.enrolment) { _ in }
            #expect(isOpen)
        }
    }
}
