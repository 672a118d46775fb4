import Membership
import MeshLab
import Model
import Testing

@Suite struct RecordTests {
    private func running(
        _ nodes: Int, loss: Double, seed: UInt64, limits: Limits = .production
    ) -> MeshLab {
        var lab = MeshLab(nodes, seed: seed, limits: limits)
        lab.loss = loss
        lab.startAll()
        lab.run(for: .seconds(60))
        lab.forget()
        return lab
    }

    @Test(arguments: [0.0, 0.45, 0.7])
    func `every record reaches every node`(loss: Double) throws {
        var lab = running(24, loss: loss, seed: 21)
        for turn in 0..<20 {
            try lab.publish("key \(turn)", at: turn * 5 % 24)
            lab.run(for: .seconds(3))
        }
        lab.run(for: .seconds(30))
        for turn in 0..<20 { #expect(lab.holders(of: "key \(turn)") == 24) }
        let twice = Dictionary(grouping: lab.received) { [String($0.by), $0.record.key] }
        #expect(twice.values.allSatisfy { $0.count == 1 }, "each node takes each record once")
    }

    @Test func `at half loss 99 of 100 arrive within two and a half seconds`() throws {
        var lab = running(24, loss: 0.45, seed: 22)
        var late = 0
        var all = 0
        for turn in 0..<12 {
            let start = lab.now
            let node = turn * 7 % 24
            try lab.publish("key \(turn)", at: node)
            lab.run(for: .seconds(5))
            let mine = lab.received.filter { $0.record.key == "key \(turn)" && $0.by != node }
            late += 23 - mine.count { $0.at - start <= .milliseconds(2500) }
            all += 23
        }
        #expect(late * 100 <= all * 2)
    }

    @Test func `the later write of a key holds everywhere, and a tombstone is one`() throws {
        var lab = running(8, loss: 0.3, seed: 23)
        for node in 0..<4 { lab.group[node] = 1 }
        try lab.publish("door", at: 0, value: [1])
        lab.run(for: .seconds(5))
        try lab.publish("door", at: 7, value: [2])
        lab.run(for: .seconds(5))
        try lab.publish("lamp", at: 1, value: [3])
        lab.run(for: .seconds(5))
        try lab.publish("lamp", at: 1, value: [], isTombstone: true)
        for node in 0..<4 { lab.group[node] = 0 }
        lab.run(for: .seconds(30))
        for node in lab.nodes {
            #expect(node?.logs.registers["door"]?.record.value == [2])
            #expect(node?.logs.registers["lamp"]?.record.isTombstone == true)
        }
    }

    @Test func `a clock that is an hour ahead neither wins nor pulls others along`() throws {
        var lab = running(8, loss: 0.2, seed: 24)
        lab.ahead[2] = .seconds(3600)
        try lab.publish("door", at: 2, value: [9])
        lab.run(for: .seconds(10))
        try lab.publish("door", at: 5, value: [1])
        lab.run(for: .seconds(10))
        for node in [0, 1, 3, 4, 5, 6, 7] {
            #expect(lab.nodes[node]?.logs.registers["door"]?.record.value == [1])
            #expect(lab.nodes[node]?.logs.quarantined.count == 1)
        }
        for node in 0..<8 { lab.ahead[node] = .seconds(3600) }
        lab.run(for: .seconds(5))
        for node in lab.nodes {
            #expect(node?.logs.quarantined.isEmpty == true, "its time came")
        }
        #expect(lab.nodes[0]?.logs.registers["door"]?.record.value == [9])
    }

    @Test func `a node that lost its log takes it back before it writes again`() throws {
        var lab = running(6, loss: 0.2, seed: 25)
        for turn in 0..<5 { try lab.publish("key \(turn)", at: 2) }
        lab.run(for: .seconds(15))
        lab.kill(2)
        lab.start(2)
        lab.run(for: .seconds(20))
        #expect(lab.nodes[2]?.logs.highest(of: lab.members[2].id) == 5)
        let next = try lab.publish("after", at: 2)
        #expect(next.sequence == 6)
        lab.run(for: .seconds(15))
        #expect(lab.holders(of: "after") == 6)
    }

    @Test func `a hundred records of an absence arrive after it`() throws {
        var lab = running(8, loss: 0.3, seed: 26)
        lab.kill(5)
        lab.run(for: .seconds(10))
        for turn in 0..<100 {
            try lab.publish("key \(turn)", at: turn % 5, value: [UInt8(turn)])
            lab.run(for: .milliseconds(200))
        }
        lab.start(5)
        let took = lab.run(atMost: .seconds(180)) { lab in
            lab.nodes[5]?.logs.registers.count == 100
        }
        #expect(try #require(took) <= .seconds(60))
    }

    @Test func `what is too large is refused by name`() throws {
        var lab = running(2, loss: 0, seed: 27)
        #expect(throws: Mesh.DraftError.tooLarge(bytesMax: 640)) {
            try lab.publish("key", at: 0, value: Array(repeating: 0, count: 641))
        }
    }

    @Test func `who was away for longer than a log lasts goes on from its floor`() throws {
        var lab = running(6, loss: 0.2, seed: 28, limits: .tight)
        try lab.publish("kept", at: 0, value: [7])
        try lab.publish("gone", at: 0, value: [8])
        lab.run(for: .seconds(15))
        lab.group[5] = 1
        try lab.publish("gone", at: 0, value: [], isTombstone: true)
        for turn in 0..<500 {
            try lab.publish("key \(turn % 9)", at: 0, value: [UInt8(turn & 255)])
            lab.run(for: .milliseconds(400))
        }
        let origin = lab.members[0].id
        #expect(lab.nodes[5]?.logs.registers["gone"]?.record.isTombstone == false)
        lab.group[5] = 0
        let took = lab.run(atMost: .seconds(60)) { lab in
            lab.nodes[5]?.logs.highest(of: origin) == lab.nodes[0]?.logs.highest(of: origin)
        }
        #expect(try #require(took) <= .seconds(30))
        for node in lab.nodes {
            #expect(node?.logs.registers["kept"]?.record.value == [7], "it was said again")
            #expect(node?.logs.registers["gone"]?.record.isTombstone ?? true)
            for turn in 491..<500 {
                #expect(
                    node?.logs.registers["key \(turn % 9)"]?.record.value == [UInt8(turn & 255)])
            }
        }
        #expect(lab.nodes[5]?.logs.registers["gone"] == nil, "the floor lies above it")
    }

    @Test func `a log whose origin keeps as much as it may does not say it again for ever`() throws
    {
        var lab = running(2, loss: 0, seed: 29, limits: .tight)
        for turn in 0..<300 {
            try lab.publish("key \(turn % 28)", at: 0, value: [UInt8(turn & 255)])
            lab.run(for: .milliseconds(200))
        }
        let highest = try #require(lab.nodes[0]?.logs.highest(of: lab.members[0].id))
        #expect(highest < 1_200)
    }

    @Test func `numbers beyond reason are refused and crash nobody`() throws {
        var lab = running(3, loss: 0, seed: 30)
        var poison = Record(
            origin: lab.members[1].id, sequence: .max, stamp: HybridStamp(bits: .max),
            key: "~floor",
            value: [255, 255, 255, 255])
        poison.signature = [1]
        lab.give(.checked([poison], from: lab.members[1].id, refused: 0), to: 0)
        #expect(lab.nodes[0]?.logs.highest(of: lab.members[1].id) == 0)
        try lab.publish("after", at: 1)
        lab.run(for: .seconds(10))
        #expect(lab.holders(of: "after") == 3)
    }

    @Test func `a clock that is wrong costs its own node the place in quarantine`() throws {
        var lab = running(4, loss: 0, seed: 31, limits: .tight)
        lab.ahead[1] = .seconds(7200)
        lab.ahead[2] = .seconds(3600)
        try lab.publish("modest", at: 2)
        for turn in 0..<20 { try lab.publish("loud \(turn)", at: 1) }
        lab.run(for: .seconds(30))
        let waiting = lab.nodes[0]?.logs.quarantined.map(\.key) ?? []
        #expect(waiting.count == Limits.tight.quarantineMax)
        #expect(waiting.contains("modest"))
    }
}
