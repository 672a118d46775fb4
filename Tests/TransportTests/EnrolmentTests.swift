import Model
import Testing
import Transport

@Suite(.timeLimit(.minutes(1))) struct EnrolmentTests {
    @Test func `a token buys a certificate with which the node gets a session`() async throws {
        try await withHarbour { harbour in
            let key = NodeKey()
            let enrolment = try await ControlClient.enrol(
                token: harbour.token.text, node: "crane-1", key: key,
                clock: FleetClock(certain: clock))
            #expect(enrolment.node == "crane-1")
            #expect(enrolment.site == "harbour")

            let own = try NodeAuthority(
                certificateChain: enrolment.certificateChain, key: key, node: enrolment.node,
                site: enrolment.site)
            let client = try harbour.client(
                own.issueLeaf(note: IssuanceNote(mode: .connected, boot: 1), now: clock()).identity,
                trusting: enrolment.trustRoots)
            let agent = Agent()
            async let ended = agent.run(client)
            agent.say.yield(hello("crane-1"))
            _ = try await harbour.session(of: "crane-1")
            agent.say.finish()
            #expect(await ended == nil)
        }
    }

    @Test func `a token that was spent is refused with the hub's sentence`() async throws {
        try await withHarbour { harbour in
            _ = try await enrol("n1", harbour.token)
            await #expect(
                throws: TransportError.enrolment(
                    Refusal(.denied, "the join token was used already"))
            ) { try await enrol("n2", harbour.token) }
        }
    }

    @Test func `a token with another secret is refused`() async throws {
        try await withHarbour { harbour in
            var token = JoinTokenText(
                hub: harbour.token.hub, authority: try harbour.authority.certificateDER)
            token.id = harbour.token.id
            await #expect(
                throws: TransportError.enrolment(
                    Refusal(.denied, "the join token is not known here"))
            ) { try await enrol("n1", token) }
        }
    }

    @Test func `a hub with another authority than the token's is not told the secret`() async throws
    {
        try await withHarbour { harbour in
            let stranger = try Authorities()
            let token = JoinTokenText(
                hub: harbour.token.hub, authority: try stranger.certificateDER)
            await #expect {
                try await enrol("n1", token)
            } throws: { error in
                guard case .untrusted(.hub, let reason)? = error as? TransportError else {
                    return false
                }
                return reason.contains("not signed by the authority") || reason.contains("outlives")
            }
        }
    }

    @Test func `an asked-for site that is not the token's is refused`() async throws {
        try await withHarbour { harbour in
            await #expect(throws: TransportError.self) {
                try await ControlClient.enrol(
                    token: harbour.token.text, node: "n1", site: "elsewhere", key: NodeKey(),
                    clock: FleetClock(certain: clock))
            }
        }
    }

    @Test func `a text that is no token fails before anything is dialled`() async {
        await #expect(throws: TransportError.token(.notAToken)) {
            try await ControlClient.enrol(
                token: "hello", node: "n1", key: NodeKey(), clock: FleetClock(certain: clock))
        }
    }

    @Test func `a token whose authority or address is nonsense is an error`() async {
        for token in [
            JoinTokenText(hub: "127.0.0.1:1", authority: [1, 2, 3]),
            JoinTokenText(hub: "no port", authority: []),
        ] {
            await #expect(throws: TransportError.self) { try await enrol("n1", token) }
        }
    }

    @Test func `a node with a certificate cannot open a session on the enrolment port`()
        async throws
    {
        try await withHarbour { harbour in
            let client = try harbour.client(
                try harbour.identity("n1"), port: harbour.ports.enrolment)
            let agent = Agent()
            agent.say.yield(hello("n1"))
            let error = await agent.run(client)
            guard case .garbled? = error else {
                Issue.record("ended with \(String(describing: error))")
                return
            }
        }
    }
}

@discardableResult
private func enrol(_ node: NodeID, _ token: JoinTokenText) async throws -> Enrolment {
    try await ControlClient.enrol(
        token: token.text, node: node, key: NodeKey(), clock: FleetClock(certain: clock))
}
