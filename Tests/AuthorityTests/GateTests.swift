import Authority
import Model
import Testing

@Suite struct GateTests {
    private let shop = InstanceID(workload: "shop", ordinal: 0)

    private func circumstances(_ staleness: Staleness, _ reach: Reach) -> Gate.Circumstances {
        Gate.Circumstances(
            site: "rural", policyVersion: 7, policyAge: .seconds(90), staleness: staleness,
            reach: reach)
    }

    private func restart(tier: Tier) -> Gate.Question {
        Gate.Question(
            .start, .instance(shop), tier: tier, in: .recovery, on: .judgement, because: .exited)
    }

    @Test func `what passes makes an order that names its decision`() throws {
        var gate = Gate(seat: .node("rural-1"), nextNumber: 41)
        let stop = Act.stop(ContainerID(instance: shop, name: "main"), grace: .seconds(1))
        let warrant = gate.ask(
            restart(tier: .critical), by: AuthorityTable(.hybrid),
            in: circumstances(.expired, .alone), at: WallTime(milliseconds: 5))
        guard let warrant else {
            Issue.record("Tier 1 was not recovered")
            return
        }
        let order = warrant.order(stop)
        #expect(order.act == stop)
        #expect(order.decision == DecisionID(origin: "rural-1", number: 41))
    }

    @Test func `passed or refused, there is one record with all that it rests on`() {
        var gate = Gate(seat: .node("rural-1"), nextNumber: 1)
        let table = AuthorityTable(.hybrid)
        for tier in [Tier.critical, .reduced] {
            _ =
                gate.ask(
                    restart(tier: tier), by: table, in: circumstances(.expired, .alone),
                    at: WallTime(milliseconds: 5)) == nil
        }
        let records = gate.takeRecords()
        #expect(records.map(\.passed) == [true, false])
        #expect(records.map(\.id.number) == [1, 2])
        #expect(records[1].ruling == Ruling(.hold, by: .local))
        #expect(records[1].policyVersion == 7)
        #expect(records[1].policyAge == .seconds(90))
        #expect(gate.takeRecords().isEmpty)
    }

    @Test func `judgement is for those the table names, intent for whoever stands near`() {
        let table = AuthorityTable(.edgeFirst)
        let here = circumstances(.fresh, .hub)
        func passes(_ seat: Gate.Seat, _ basis: Decision.Basis) -> Bool {
            Gate(seat: seat, nextNumber: 1).wouldPass(
                Gate.Question(
                    .place, .workload("shop"), tier: .reduced, in: .placement, on: basis,
                    because: .applied), by: table, in: here)
        }
        #expect(passes(.node("rural-1"), .judgement))
        #expect(!passes(.hub, .judgement))
        #expect(passes(.hub, .intent))
    }

    @Test func `a person at the node is obeyed there, whatever is held`() {
        let gate = Gate(seat: .node("rural-1"), nextNumber: 1)
        let question = Gate.Question(
            .stop, .instance(shop), tier: .optional, in: .recovery, on: .person, because: .halted)
        #expect(
            gate.wouldPass(
                question, by: AuthorityTable(.hybrid), in: circumstances(.expired, .alone)))
    }
}
