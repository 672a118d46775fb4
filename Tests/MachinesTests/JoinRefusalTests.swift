import Machines
import Model
import Testing

/// A01 to A03: a join token admits one machine, in its time, at its site, under a name that is free.
@Suite struct JoinRefusalTests {
    /// A hub with node n1 and one more token for its site.
    private func hub() -> HubBench {
        var bench = HubBench()
        bench.enrol()
        bench.ask(
            .issue(
                JoinToken(
                    id: "t", secretDigest: "d", site: "urban",
                    expiresAt: bench.now.wall + .seconds(900))))
        return bench
    }

    private func join(
        _ bench: inout HubBench, as node: NodeID = "n2", at site: SiteID? = nil,
        secret: String = "d"
    ) -> Refusal.Code? {
        let reply = bench.ask(
            .enrol(tokenID: "t", secretDigest: secret, node: node, site: site))
        guard case .refused(let refusal)? = reply else { return nil }
        return refusal.code
    }

    @Test func `A02 a token is refused from the moment on at which it ends`() {
        var early = hub()
        early.pass(.seconds(899))
        #expect(join(&early) == nil)
        var late = hub()
        late.pass(.seconds(900))
        #expect(join(&late) == .denied)
    }

    @Test func `A02 a token of one site admits to no other, and with another secret to none`() {
        var bench = hub()
        #expect(join(&bench, at: "rural") == .denied)
        #expect(join(&bench, secret: "e") == .denied)
        #expect(join(&bench, at: "urban") == nil)
    }

    @Test(arguments: ["n1", "N2", "n2/../n1", "", "n1.urban", "n2\u{0}"])
    func `A03 nobody joins under a name that is taken, or that is none`(name: String) {
        var bench = hub()
        #expect(join(&bench, as: NodeID(name)) != nil)
        // The token is not spent by that.
        #expect(join(&bench) == nil)
    }

    @Test func `tokens that admit nobody any more take no room from new ones`() {
        var bench = HubBench(limits: .tight)
        bench.enrol()
        // The answer to n1 may have been lost, so its token still counts.
        for number in 1..<HubLimits.tight.tokens {
            #expect(issue(number, in: &bench) == nil)
        }
        #expect(issue(100, in: &bench) == .conflict)
        bench.greet()
        #expect(issue(101, in: &bench) == nil)
        #expect(issue(102, in: &bench) == .conflict)
        bench.pass(.seconds(900))
        #expect(issue(103, in: &bench) == nil)
    }

    private func issue(_ number: Int, in bench: inout HubBench) -> Refusal.Code? {
        let token = JoinToken(
            id: "t\(number)", secretDigest: "d", site: "urban",
            expiresAt: bench.now.wall + .seconds(900))
        guard case .refused(let refusal)? = bench.ask(.issue(token)) else { return nil }
        return refusal.code
    }
}
