import Membership
import MeshLab
import Model
import Testing

/// A whole mesh of the shipped machines on virtual time. Every bound is a goal of the mesh; the seeds
/// are fixed, so a change that breaks one breaks it every time.
@Suite struct MeshTests {
    private static let everyone = Array(0..<24)

    private func running(loss: Double, seed: UInt64, nodes: Int = 24) -> MeshLab {
        var lab = MeshLab(nodes, seed: seed)
        lab.loss = loss
        lab.startAll()
        lab.run(for: .seconds(60))
        lab.forget()
        return lab
    }

    @Test(arguments: [(0.0, 4), (0.45, 8), (0.7, 20)])
    func `a killed node is known to all within the bound of its loss`(
        loss: Double, bound: Int
    ) throws {
        var lab = running(loss: loss, seed: 5)
        for victim in [23, 22, 21] {
            lab.kill(victim)
            let took = lab.run(atMost: .seconds(60)) { $0.nobodySees(victim) }
            #expect(try #require(took) <= .seconds(bound), "node \(victim)")
            #expect(lab.falseFailures.allSatisfy { $0.change.node == lab.members[victim].id })
            lab.run(for: .seconds(20))
            lab.forget()
        }
    }

    @Test(arguments: [(0.0, 370), (0.45, 1000), (0.7, 1000)])
    func `nobody fails and nobody sends more than its budget while all live`(
        loss: Double, bytesPerSecond: Int
    ) {
        var lab = running(loss: loss, seed: 6)
        lab.run(for: .seconds(30))
        lab.forget()
        lab.run(for: .seconds(120))
        #expect(lab.falseFailures.isEmpty)
        #expect(lab.allSee(Self.everyone))
        for bytes in lab.sentBytes { #expect(bytes / 120 <= bytesPerSecond + 20) }
    }

    @Test func `loss that sets in at once fails nobody`() {
        var lab = running(loss: 0, seed: 7)
        for _ in 0..<2 {
            lab.loss = 0.45
            lab.run(for: .seconds(20))
            lab.loss = 0
            lab.run(for: .seconds(20))
        }
        #expect(lab.falseFailures.isEmpty)
    }

    @Test func `nodes that are deaf now and then fail nobody`() {
        var lab = running(loss: 0.2, seed: 8)
        for turn in 0..<16 {
            lab.deaf = [turn % 24, turn * 7 % 24]
            lab.run(for: .seconds(Int64(1 + turn % 9)))
        }
        #expect(lab.falseFailures.isEmpty)
    }

    @Test func `a process that stood still blames nobody`() {
        var lab = running(loss: 0.2, seed: 9)
        lab.frozen[4] = lab.now + .seconds(20)
        lab.run(for: .seconds(40))
        let blamed = Set(lab.falseFailures.filter { $0.observer == 4 }.map(\.change.node))
        #expect(blamed.isEmpty)
        #expect(Set(lab.falseFailures.map(\.change.node)) == [lab.members[4].id])
        #expect(lab.allSee(Self.everyone))
    }

    @Test func `a link that is blocked one way is gone round`() {
        var lab = running(loss: 0.2, seed: 10)
        for other in 1..<12 { lab.blocks.insert([0, other]) }
        lab.run(for: .seconds(60))
        #expect(lab.falseFailures.isEmpty)
        #expect(lab.allSee(Self.everyone))
    }

    @Test(arguments: [(0.0, 4), (0.45, 10)])
    func `halves that were apart see each other soon after, whatever the length`(
        loss: Double, bound: Int
    ) throws {
        for (turn, minutes) in [1, 5].enumerated() {
            var lab = running(loss: loss, seed: 11 + UInt64(turn))
            for node in Self.everyone { lab.group[node] = node < 12 ? 0 : 1 }
            lab.run(for: .seconds(60 * minutes))
            #expect(lab.isolated.count == 24, "half the roster is gone for each")
            let key = "of the left"
            try lab.publish(key, at: 3)
            lab.run(for: .seconds(20))
            #expect(lab.holders(of: key) == 12)
            for node in Self.everyone { lab.group[node] = 0 }
            let healed = lab.run(atMost: .seconds(120)) { $0.allSee(Self.everyone) }
            #expect(try #require(healed) <= .seconds(bound), "after \(minutes) min")
            let across = lab.run(atMost: .seconds(60)) { $0.holders(of: key) == 24 }
            #expect(try #require(across) <= .seconds(10))
            #expect(lab.isolated.isEmpty)
        }
    }

    @Test func `when half the roster dies at once the others know and call themselves cut off`() {
        var lab = running(loss: 0.45, seed: 13)
        for victim in 12..<24 { lab.kill(victim) }
        let known = lab.run(atMost: .seconds(60)) { lab in
            (12..<24).allSatisfy { lab.nobodySees($0) }
        }
        #expect(known.map { $0 <= .seconds(20) } == true)
        #expect(lab.isolated == Set(0..<12))
        let living = lab.run(atMost: .seconds(20)) { $0.allSee(Array(0..<12)) }
        #expect(living != nil)
        let dead = Set((12..<24).map { lab.members[$0].id })
        #expect(lab.falseFailures.allSatisfy { dead.contains($0.change.node) })
    }

    @Test func `a node that starts again is the same node, and is seen at once`() throws {
        var lab = running(loss: 0.45, seed: 14)
        lab.kill(7)
        lab.run(for: .milliseconds(300))
        lab.start(7)
        lab.run(for: .seconds(60))
        #expect(lab.falseFailures.isEmpty, "a restart is no failure")
        #expect(lab.cloned.isEmpty)
        #expect(lab.allSee(Self.everyone))
        let view = try #require(lab.nodes[3]).view(at: lab.now)
        #expect(view.first { $0.node == lab.members[7].id }?.incarnation == 2)
    }

    @Test func `a node whose disk was put back raises its incarnation above what others know`() {
        var lab = running(loss: 0.2, seed: 15, nodes: 8)
        lab.kill(7)
        lab.start(7, incarnation: 40)
        lab.run(for: .seconds(30))
        lab.kill(7)
        lab.start(7, incarnation: 2)
        lab.run(for: .seconds(60))
        #expect(lab.nodes[7]?.incarnation == 41)
        #expect(lab.allSee(Array(0..<8)))
    }

    @Test func `two machines with one identity are told from a restart`() {
        var lab = running(loss: 0.2, seed: 16, nodes: 8)
        // The copy runs in a mesh of its own here; what it sends is put on the wire of the first.
        var copy = MeshLab(8, seed: 99)
        copy.start(3, incarnation: 1)
        var sent = 0
        copy.tap = []
        for _ in 0..<200 {
            copy.run(for: .milliseconds(100))
            lab.run(for: .milliseconds(100))
            for datagram in (copy.tap ?? []).dropFirst(sent) where datagram.from == 3 {
                lab.inject(datagram.bytes, from: 3, to: datagram.to)
            }
            sent = copy.tap?.count ?? 0
        }
        let accusers = Set(lab.cloned.filter { $0.node == lab.members[3].id }.map(\.observer))
        #expect(accusers.count >= 4)
        #expect(lab.cloned.allSatisfy { $0.node == lab.members[3].id })
    }

    @Test(arguments: [(0.0, 3, 2), (0.45, 5, 3)])
    func `nodes that know only three seeds find each other within the bound of their loss`(
        loss: Double, start: Int, last: Int
    ) throws {
        for seed in 17..<22 as Range<UInt64> {
            var lab = MeshLab(24, seed: seed, isOpen: true)
            lab.loss = loss
            for node in 0..<23 { lab.start(node) }
            let cold = lab.run(atMost: .seconds(60)) { $0.allSee(Array(0..<23)) }
            #expect(try #require(cold) <= .seconds(start))
            lab.run(for: .seconds(5))
            lab.start(23)
            let join = lab.run(atMost: .seconds(60)) { $0.allSee(Self.everyone) }
            #expect(try #require(join) <= .seconds(last))
        }
    }

    @Test func `a start without loss is cheap twenty seconds later`() {
        var lab = MeshLab(24, seed: 18, isOpen: true)
        lab.startAll()
        lab.run(for: .seconds(20))
        lab.forget()
        lab.run(for: .seconds(60))
        #expect(lab.sentBytes.reduce(0, +) / 24 / 60 <= 370)
    }
}
