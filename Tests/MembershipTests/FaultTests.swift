import Membership
import MeshLab
import Model
import Testing

/// The fault cases of networks that a mesh has to live through, and its outer sizes.
@Suite struct FaultTests {
    private func running(
        _ nodes: Int, loss: Double, seed: UInt64, for time: Duration = .seconds(60)
    ) -> MeshLab {
        var lab = MeshLab(nodes, seed: seed)
        lab.loss = loss
        lab.startAll()
        lab.run(for: time)
        lab.forget()
        return lab
    }

    @Test func `F12: eight nodes live through half an hour at 45 % loss`() throws {
        var lab = MeshLab(8, seed: 61)
        lab.loss = 0.45
        lab.startAll()
        let start = lab.run(atMost: .seconds(60)) { $0.allSee(Array(0..<8)) }
        #expect(try #require(start) <= .seconds(15))
        lab.forget()
        lab.run(for: .seconds(1800))
        #expect(lab.falseFailures.isEmpty)
        for bytes in lab.sentBytes { #expect(bytes / 1800 <= 1000) }
    }

    @Test func `F13: what comes twice and out of order by five seconds counts once`() throws {
        var lab = MeshLab(8, seed: 62)
        lab.doubling = 0.5
        lab.jitter = .seconds(5)
        lab.startAll()
        lab.run(for: .seconds(60))
        lab.forget()
        for turn in 0..<20 {
            try lab.publish("key \(turn % 4)", at: turn % 8, value: [UInt8(turn)])
            lab.run(for: .seconds(3))
        }
        lab.run(for: .seconds(40))
        let once = Dictionary(grouping: lab.received) {
            [String($0.by), $0.record.origin.text, String($0.record.sequence)]
        }
        #expect(once.values.allSatisfy { $0.count == 1 })
        #expect(once.count == 20 * 8)
        #expect(lab.falseFailures.isEmpty, "what is late is not lost")
        lab.forget()
        lab.kill(7)
        let known = lab.run(atMost: .seconds(60)) { $0.nobodySees(7) }
        #expect(try #require(known) <= .seconds(25))
        let first = try #require(lab.nodes[0]).logs.registers
        for node in lab.nodes.prefix(7) { #expect(node?.logs.registers == first) }
    }

    @Test func `F15: a link that comes and goes every twenty seconds for an hour costs no more`() {
        var lab = running(8, loss: 0, seed: 63)
        for _ in 0..<90 {
            lab.group[7] = 1
            lab.run(for: .seconds(20))
            lab.group[7] = 0
            lab.run(for: .seconds(20))
        }
        for bytes in lab.sentBytes { #expect(bytes / 3600 <= 2 * 352) }
        let others = lab.falseFailures.filter {
            $0.observer != 7 && $0.change.node != lab.members[7].id
        }
        #expect(others.isEmpty, "only the one that was gone was called so")
        #expect(lab.allSee(Array(0..<8)))
    }

    @Test(arguments: [0.0, 0.45])
    func `all that start again at once see each other again, and nobody is taken for a copy`(
        loss: Double
    ) throws {
        var lab = running(24, loss: loss, seed: 64)
        for node in 0..<24 { lab.kill(node) }
        lab.run(for: .seconds(3))
        lab.startAll()
        let back = lab.run(atMost: .seconds(60)) { $0.allSee(Array(0..<24)) }
        #expect(try #require(back) <= .seconds(loss == 0 ? 4 : 10))
        lab.run(for: .seconds(30))
        #expect(lab.cloned.isEmpty)
        #expect(lab.falseFailures.isEmpty)
    }

    @Test func `two halves of one hour apart are one mesh within ten seconds`() throws {
        var lab = running(6, loss: 0.3, seed: 65)
        for node in 3..<6 { lab.group[node] = 1 }
        lab.run(for: .seconds(3600))
        try lab.publish("late", at: 1)
        for node in 3..<6 { lab.group[node] = 0 }
        let heal = lab.run(atMost: .seconds(60)) {
            $0.allSee(Array(0..<6)) && $0.holders(of: "late") == 6
        }
        #expect(try #require(heal) <= .seconds(10))
    }

    @Test func `a mesh of 64 starts, knows of a death, and keeps to its budget`() throws {
        let everyone = Array(0..<64)
        var lab = MeshLab(64, seed: 66)
        lab.loss = 0.1
        lab.startAll()
        let start = lab.run(atMost: .seconds(120)) { $0.allSee(everyone) }
        #expect(try #require(start) <= .seconds(30))
        lab.run(for: .seconds(30))
        lab.forget()
        lab.run(for: .seconds(30))
        #expect(lab.falseFailures.isEmpty)
        #expect(lab.sentBytes.reduce(0, +) / 64 / 30 <= 1000)
        lab.kill(50)
        let known = lab.run(atMost: .seconds(60)) { $0.nobodySees(50) }
        #expect(try #require(known) <= .seconds(15))
        #expect(lab.falseFailures.allSatisfy { $0.change.node == lab.members[50].id })
    }
}
