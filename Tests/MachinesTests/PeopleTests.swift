import Machines
import Model
import Testing

/// Tokens of people: lent for a while, ended at once.
@Suite struct PeopleTests {
    private func token(
        _ id: String, user: String = "ann", in bench: HubBench, life: Duration = .seconds(3_600)
    ) -> UserToken {
        UserToken(
            id: id, user: user, issuedBy: "admin", issuedAt: bench.now.wall,
            expiresAt: bench.now.wall + life)
    }

    @Test func `a token counts once it is durable and until it is revoked`() throws {
        var bench = HubBench()
        bench.storeIsQuick = false
        #expect(bench.ask(.vouch(token("t", in: bench))) == nil)
        bench.answerStore()
        #expect(bench.replies == [.issued])
        bench.storeIsQuick = true
        #expect(bench.hub.userToken("t")?.fault(at: bench.now.wall) == nil)

        bench.storeIsQuick = false
        #expect(bench.ask(.revokeToken(id: "t", by: "sam")) == nil)
        // At once: nobody profits from a slow disk.
        let fault = try #require(bench.hub.userToken("t")?.fault(at: bench.now.wall))
        #expect(fault.hasPrefix("it was revoked at ") && fault.hasSuffix(" by sam"))
        bench.answerStore()
        let revoked = try #require(bench.hub.userToken("t"))
        #expect(bench.replies == [.revoked(revoked)])
        #expect(bench.stored.contains(.userToken(revoked)))
    }

    @Test func `a token that expired says when`() {
        var bench = HubBench()
        bench.ask(.vouch(token("t", in: bench, life: .seconds(60))))
        bench.pass(.seconds(59))
        #expect(bench.hub.userToken("t")?.fault(at: bench.now.wall) == nil)
        bench.pass(.seconds(1))
        #expect(
            bench.hub.userToken("t")?.fault(at: bench.now.wall)?.hasPrefix("it expired at ") == true
        )
    }

    @Test(arguments: [Duration.zero, .seconds(-1), .seconds(7 * 86_400 + 1)])
    func `no token is for ever, nor for nothing`(life: Duration) {
        var bench = HubBench()
        guard case .refused(let refusal) = bench.ask(.vouch(token("t", in: bench, life: life)))
        else { return #expect(Bool(false)) }
        #expect(refusal.code == .invalid)
        #expect(bench.hub.peopleTokens == [])
    }

    @Test func `one person cannot fill the table, and what is over makes room`() {
        var bench = HubBench(limits: .tight)
        for number in 0..<4 {
            #expect(bench.ask(.vouch(token("t\(number)", in: bench))) == .issued)
        }
        guard case .refused(let refusal) = bench.ask(.vouch(token("t4", in: bench))) else {
            return #expect(Bool(false))
        }
        #expect(refusal.code == .conflict)
        #expect(bench.ask(.vouch(token("b", user: "bob", in: bench))) == .issued)
        bench.ask(.revokeToken(id: "t0", by: "ann"))
        #expect(bench.ask(.vouch(token("t4", in: bench))) == .issued)
    }

    @Test func `what a backup holds as good is not good any more`() {
        var bench = HubBench()
        bench.ask(.vouch(token("t", in: bench)))
        let held = token("t", in: bench)
        let copy = HubBench(snapshot: snapshot(held), at: bench.now, isCopy: true)
        #expect(copy.hub.userToken("t")?.fault(at: bench.now.wall) != nil)
        let same = HubBench(snapshot: snapshot(held), at: bench.now)
        #expect(same.hub.userToken("t")?.fault(at: bench.now.wall) == nil)
    }

    private func snapshot(_ token: UserToken) -> HubSnapshot {
        var snapshot = HubSnapshot()
        snapshot.userTokens = [token]
        return snapshot
    }
}
