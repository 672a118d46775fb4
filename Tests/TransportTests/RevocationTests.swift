import Model
import Synchronization
import Testing
import Transport

/// A08: who is revoked gets no handshake, and what is open ends.
@Suite(.timeLimit(.minutes(1))) struct RevocationTests {
    /// What a test has revoked so far.
    private final class Board: Sendable {
        private let subjects = Mutex<Set<String>>([])
        func revoke(_ subject: String) { subjects.withLock { _ = $0.insert(subject) } }
        func covers(_ bearer: Bearer) -> Bool {
            subjects.withLock { $0.contains(bearer.subject) }
        }
    }

    private static let subject = "spiffe://n1.harbour.skerry/node/n1"

    @Test
    func `A08 the open session of a revoked node ends, with what runs on it, and no other does`()
        async throws
    {
        let board = Board()
        try await withHarbour(isRevoked: board.covers) { harbour in
            let (revoked, other) = (Agent(), Agent())
            async let end = revoked.run(
                try harbour.client(try harbour.identity("n1")),
                answer: { _, input, output in
                    try await output(.output([1]))
                    for await _ in input {}
                })
            revoked.say.yield(hello("n1"))
            harbour.server.promote(try await harbour.session(of: "n1"))
            async let otherEnd = other.run(try harbour.client(try harbour.identity("n2")))
            other.say.yield(hello("n2"))
            let standing = try await harbour.session(of: "n2")

            let request = StreamRequest(
                container: ContainerID(instance: InstanceID(workload: "w", ordinal: 0), name: "c"),
                purpose: .logs(LogOptions(follow: true)))
            await #expect(throws: TransportError.self) {
                try await harbour.server.run(
                    request, on: "n1", input: AsyncStream { _ in }
                ) { _ in
                    board.revoke(RevocationTests.subject)
                    harbour.server.endRevoked()
                }
            }
            guard case .closed? = try await end else {
                Issue.record("the session of the revoked node went on")
                return
            }
            harbour.server.send(.acknowledged(sequence: 3), to: standing)
            var heard = other.heard.makeAsyncIterator()
            #expect(await heard.next() == .acknowledged(sequence: 3))
            other.say.finish()
            #expect(try await otherEnd == nil)
        }
    }

    @Test func `A08 a revoked node gets no handshake`() async throws {
        let board = Board()
        board.revoke(RevocationTests.subject)
        try await withHarbour(isRevoked: board.covers) { harbour in
            let agent = Agent()
            agent.say.yield(hello("n1"))
            let error = await agent.run(try harbour.client(try harbour.identity("n1")))
            guard case .untrusted(.node, _)? = error else {
                Issue.record("it ended with \(String(describing: error))")
                return
            }
        }
    }

    // MARK: - The list

    private func list() -> RevocationList {
        RevocationList(
            version: 4, issuedAt: clock(), expiresAt: clock(), fleet: 9,
            entries: [
                Revocation(
                    subject: RevocationTests.subject, device: "d1", at: clock(), reason: "lost")
            ])
    }

    @Test func `a list that a hub's authority signed is believed, and one that was changed is not`()
        async throws
    {
        let fleet = try Authorities()
        let roots = try fleet.trustRoots
        let signed = try list().signed(
            by: fleet.issuing, shown: "", at: clock(), life: .seconds(60))
        #expect(await signed.objection(trusting: roots, at: clock()) == nil)
        let changes: [(inout RevocationList) -> Void] = [
            { $0.version += 1 }, { $0.fleet += 1 }, { $0.entries = [] },
            { $0.entries[0].subject += "x" }, { $0.entries[0].device = nil },
            { $0.entries[0].at = WallTime(milliseconds: 0) }, { $0.entries[0].reason = "" },
            { $0.expiresAt = $0.expiresAt + .seconds(1) }, { $0.issuedAt = $0.expiresAt },
            { $0.signature = [] }, { $0.certificateChain = "" },
            { $0.warrants = [PolicyBundle(key: "k", signature: "s", payload: [])] },
        ]
        for change in changes {
            var other = signed
            change(&other)
            #expect(await other.objection(trusting: roots, at: clock()) != nil)
        }
    }

    @Test func `a list of another fleet, or that a node signed, is not believed`() async throws {
        let (fleet, stranger) = (try Authorities(), try Authorities())
        let foreign = try list().signed(
            by: stranger.issuing, shown: "", at: clock(), life: .seconds(60))
        let roots = try fleet.trustRoots
        #expect(await foreign.objection(trusting: roots, at: clock()) != nil)
        let key = NodeKey()
        let chain = try fleet.issuing.issueNodeAuthority(
            "n1", site: "harbour", publicKey: key.publicKey, validity: .seconds(900), now: clock())
        let node = try IssuingAuthority(pem: chain + key.pem, name: "n1")
        let own = try list().signed(by: node, shown: "", at: clock(), life: .seconds(60))
        #expect(await own.objection(trusting: roots, at: clock()) != nil)
    }
}
