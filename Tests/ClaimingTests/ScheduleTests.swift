import Claiming
import Model
import Testing

/// Drawn schedules of deaths, restarts, splits, merges and pauses.
@Suite struct ScheduleTests {
    private func field(_ seed: UInt64) -> Field {
        var random = Random(seed: seed)
        let rules = Reconcile.allCases
        let workloads = (0..<4).map { index in
            Field.workload(
                "w\(index)", tier: [.critical, .reduced, .optional, .critical][index],
                replicas: index == 3 ? 2 : 1, reconcile: rules[index])
        }
        return Field(
            Int.random(in: 3...7, using: &random), workloads: workloads,
            loss: Double.random(in: 0...0.45, using: &random), seed: seed)
    }

    /// All are there and hear each other.
    private func heal(_ field: inout Field) {
        for index in field.nodes.indices {
            field.nodes[index].group = 0
            field.nodes[index].isPaused = false
            field.restart(index)
        }
    }

    @Test func `with deaths and restarts alone nothing ever runs twice`() {
        for seed in 1...10 as ClosedRange<UInt64> {
            var field = field(seed)
            var random = Random(seed: seed &* 7919)
            field.run(seconds: 15)
            for _ in 0..<12 {
                let victim = Int.random(in: field.nodes.indices, using: &random)
                if field.nodes[victim].isUp { field.kill(victim) } else { field.restart(victim) }
                field.run(seconds: Double.random(in: 0.5...20, using: &random))
            }
            heal(&field)
            field.run(seconds: 60)
            #expect(field.doubles.isEmpty, "seed \(seed): \(field.doubles.prefix(3))")
            for home in field.plan.homes {
                #expect(
                    field.runners(of: home.instance).count == 1,
                    "seed \(seed): \(home.instance) runs at \(field.runners(of: home.instance))")
            }
        }
    }

    @Test func `whatever happened, once settled each runs at most once in a component`() {
        for seed in 1...15 as ClosedRange<UInt64> {
            var field = field(seed)
            var random = Random(seed: seed &* 104_729)
            field.run(seconds: 15)
            for _ in 0..<15 {
                let victim = Int.random(in: field.nodes.indices, using: &random)
                switch Int.random(in: 0..<6, using: &random) {
                case 0: field.kill(victim)
                case 1: field.restart(victim)
                case 2: field.nodes[victim].group = Int.random(in: 0..<3, using: &random)
                case 3: for index in field.nodes.indices { field.nodes[index].group = 0 }
                case 4: field.nodes[victim].isPaused.toggle()
                default: field.restartAgent(victim)
                }
                field.run(seconds: Double.random(in: 0.2...15, using: &random))
            }
            // As it is, without pauses, until all is settled.
            for index in field.nodes.indices { field.nodes[index].isPaused = false }
            field.run(seconds: 60)
            field.doubles = []
            field.run(seconds: 30)
            #expect(field.doubles.isEmpty, "seed \(seed): \(field.doubles.prefix(3))")
            heal(&field)
            field.run(seconds: 90)
            for home in field.plan.homes {
                #expect(
                    field.runners(of: home.instance).count == 1,
                    "seed \(seed): \(home.instance) runs at \(field.runners(of: home.instance))")
            }
            let settled = field.sentMessages
            field.run(seconds: 30)
            #expect(field.sentMessages == settled, "seed \(seed): they go on talking")
        }
    }
}
