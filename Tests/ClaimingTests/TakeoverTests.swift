import Claiming
import Model
import Testing

@Suite struct TakeoverTests {
    private let web = InstanceID(workload: "web", ordinal: 0)

    @Test func `what the plan gives to a node runs there, and nowhere else`() {
        var field = Field(3, workloads: [Field.workload("web")], seed: 1)
        field.run(seconds: 20)
        #expect(field.runners(of: web) == [0])
        #expect(field.doubles.isEmpty)
    }

    @Test(arguments: [0.0, 0.45])
    func `what a killed node ran is taken over within 15 s by one node alone`(loss: Double) {
        for seed in 1...8 {
            var field = Field(
                seed % 4 == 0 ? 24 : 5, workloads: [Field.workload("web")], loss: loss,
                seed: UInt64(seed))
            field.run(seconds: 30)
            #expect(field.runners(of: web) == [0])
            field.kill(0)
            field.run(seconds: 15)
            #expect(field.runners(of: web).count == 1, "seed \(seed)")
            #expect(field.doubles.isEmpty)
        }
    }

    @Test func `at 45 % loss the shipped membership lets a killed node be replaced within 15 s`() {
        for seed in [3, 4] as [UInt64] {
            var field = Field(
                24, workloads: [Field.workload("web")], loss: 0.45, isReal: true, seed: seed)
            field.run(seconds: 60)
            #expect(field.runners(of: web) == [0])
            field.kill(0)
            field.run(seconds: 15)
            #expect(field.runners(of: web).count == 1, "seed \(seed)")
            field.restart(0)
            field.run(seconds: 40)
            #expect(field.runners(of: web).count == 1 && field.runners(of: web) != [0])
            #expect(field.doubles.isEmpty)
        }
    }

    @Test func `a killed node that comes back leaves it where it is`() {
        for seed in 1...8 {
            var field = Field(
                3, workloads: [Field.workload("web")], loss: 0.45, seed: UInt64(seed))
            field.run(seconds: 30)
            field.kill(0)
            field.run(seconds: 25)
            let heir = field.runners(of: web)
            #expect(heir.count == 1)
            field.restart(0)
            field.run(seconds: 30)
            #expect(field.runners(of: web) == heir, "seed \(seed)")
            #expect(field.doubles.isEmpty, "seed \(seed)")
        }
    }

    @Test func `an agent that is restarted goes on with what it runs`() {
        var field = Field(3, workloads: [Field.workload("web")], loss: 0.3, seed: 4)
        field.run(seconds: 30)
        field.restartAgent(0)
        field.run(seconds: 20)
        #expect(field.runners(of: web) == [0])
        #expect(field.firstRun[web]?.count == 1)
    }

    @Test func `a node cut off from all others takes over nothing, and keeps its own`() {
        let till = InstanceID(workload: "till", ordinal: 0)
        var field = Field(
            3, workloads: [Field.workload("web"), Field.workload("till")], seed: 5)
        field.run(seconds: 20)
        #expect(field.runners(of: till) == [1])
        field.nodes[1].group = 7
        field.run(seconds: 40)
        #expect(field.nodes[1].running == [till])
        // On the other side somebody serves in its place.
        #expect(field.runners(of: till).count == 2)
        #expect(field.runners(of: web) == [0])
    }

    @Test(arguments: Reconcile.allCases)
    func `after a split the rule of the workload says who goes on`(rule: Reconcile) {
        var field = Field(
            3, workloads: [Field.workload("web", reconcile: rule)], loss: 0.2, seed: 6)
        field.run(seconds: 20)
        field.nodes[0].group = 7
        field.run(seconds: 40)
        let both = field.runners(of: web)
        #expect(both.count == 2 && both.first == 0)
        field.nodes[0].group = 0
        field.run(seconds: 30)
        let kept = field.runners(of: web)
        switch rule {
        case .keepOriginal, .longestRunning: #expect(kept == [0])
        case .keepReplacement: #expect(kept == [both[1]])
        // Both have one instance, so the name decides.
        case .bestScore: #expect(kept == [0])
        }
        field.run(seconds: 30)
        #expect(field.runners(of: web) == kept)
    }

    @Test
    func `F31: of two halves of eight that both run it one goes on, and it is the same each time`()
    {
        for seed in [31, 32, 33] as [UInt64] {
            var field = Field(
                8, workloads: [Field.workload("web")], loss: 0.2, isReal: true, seed: seed)
            field.run(seconds: 60)
            #expect(field.runners(of: web) == [0])
            // Who is half of the mesh takes nothing over, so the other half has to be the larger one.
            for node in 0..<3 { field.separate(node, into: 1) }
            field.run(seconds: 40)
            let both = field.runners(of: web)
            #expect(both.count == 2 && both.first == 0, "seed \(seed)")
            for node in 0..<3 { field.separate(node, into: 0) }
            field.run(seconds: 40)
            #expect(field.runners(of: web) == [0], "seed \(seed)")
        }
    }

    @Test func `two equal halves take nothing over from each other, so nothing runs twice`() {
        var field = Field(8, workloads: [Field.workload("web")], loss: 0.2, isReal: true, seed: 34)
        field.run(seconds: 60)
        for node in 0..<4 { field.separate(node, into: 1) }
        field.run(seconds: 60)
        #expect(field.runners(of: web) == [0])
        for node in 0..<4 { field.separate(node, into: 0) }
        field.run(seconds: 30)
        #expect(field.runners(of: web) == [0])
        #expect(field.firstRun[web]?.count == 1)
        #expect(field.doubles.isEmpty)
    }

    @Test(arguments: [0.0, 0.45])
    func `one that is alive and never answers delays a take-over, and does not prevent it`(
        loss: Double
    ) {
        for seed in 1...4 {
            var field = Field(
                5, workloads: [Field.workload("web")], loss: loss, seed: UInt64(seed))
            field.run(seconds: 30)
            field.mute = [1]
            field.kill(0)
            field.run(seconds: 15)
            #expect(field.runners(of: web).isEmpty, "it is asked for a while")
            field.run(seconds: 15)
            #expect(field.runners(of: web).count == 1, "seed \(seed)")
            #expect(field.runners(of: web) != [1])
            field.mute = []
            field.run(seconds: 20)
            #expect(field.runners(of: web).count == 1, "seed \(seed)")
            #expect(field.doubles.isEmpty)
        }
    }

    @Test func `more important work is taken over first`() {
        let names = ["c-sign", "b-log", "a-till"]
        let tiers: [Tier] = [.critical, .reduced, .optional]
        let workloads = zip(names, tiers).map { Field.workload($0, tier: $1) }
        let homes = names.map {
            SitePlan.Home(
                instance: InstanceID(workload: WorkloadID($0), ordinal: 0), node: "node-0",
                epoch: 1)
        }
        for seed in 1...10 {
            var field = Field(
                6, workloads: workloads, homes: homes, loss: 0.45, seed: UInt64(seed))
            field.run(seconds: 30)
            #expect(field.nodes[0].running.count == 3)
            field.kill(0)
            field.run(seconds: 40)
            let ticks = names.compactMap {
                field.firstRun[InstanceID(workload: WorkloadID($0), ordinal: 0)]?.last?.tick
            }
            #expect(ticks.count == 3)
            // A start takes up to half a second, so a few ticks are chance.
            #expect(ticks[0] <= ticks[1] + 10 && ticks[1] <= ticks[2] + 10, "seed \(seed)")
            for name in names {
                let id = InstanceID(workload: WorkloadID(name), ordinal: 0)
                #expect(field.runners(of: id).count == 1)
            }
        }
    }

    @Test func `a plan that moves an instance stops it there before it starts here`() {
        var field = Field(4, workloads: [Field.workload("web")], loss: 0.3, seed: 8)
        field.run(seconds: 20)
        var next = field.plan
        next.version.number = 2
        next.homes[0].node = "node-2"
        next.homes[0].epoch = 2
        // The others hear of it later.
        field.deal(next, to: [2])
        field.run(seconds: 10)
        #expect(field.runners(of: web) == [0])
        field.deal(next, to: [0, 1, 3])
        field.run(seconds: 15)
        #expect(field.runners(of: web) == [2])
        #expect(field.doubles.isEmpty)
    }
}
