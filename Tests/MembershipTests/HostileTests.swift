import Membership
import MeshLab
import Model
import Testing

/// What a member that lies, or a stranger that sends, can do to a mesh: be counted.
@Suite struct HostileTests {
    private func running(seed: UInt64) -> MeshLab {
        var lab = MeshLab(8, seed: seed)
        lab.startAll()
        lab.run(for: .seconds(60))
        lab.forget()
        return lab
    }

    @Test func `bytes of chance, cut or turned frames change nothing and stop nothing`() {
        var lab = running(seed: 31)
        lab.tap = []
        lab.run(for: .seconds(5))
        let honest = lab.tap ?? []
        lab.tap = nil
        var chance = Random(seed: 1)
        for round in 0..<4000 {
            let sample = honest[Int(chance.next() % UInt64(honest.count))]
            var bytes = sample.bytes
            switch round % 3 {
            case 0:
                bytes = (0..<Int(chance.next() % 300)).map { _ in
                    UInt8(truncatingIfNeeded: chance.next())
                }
            case 1: bytes = Array(bytes.prefix(Int(chance.next() % UInt64(bytes.count))))
            // Behind the header: what its seal would have kept whole.
            default:
                let spot = 32 + Int(chance.next() % UInt64(max(1, bytes.count - 32)))
                if spot < bytes.count { bytes[spot] = UInt8(truncatingIfNeeded: chance.next()) }
            }
            lab.inject(bytes, from: sample.from, to: sample.to)
            if round % 40 == 0 { lab.run(for: .seconds(1)) }
        }
        lab.run(for: .seconds(30))
        #expect(lab.falseFailures.isEmpty)
        #expect(lab.allSee(Array(0..<8)))
        #expect((lab.nodes[0]?.tally.malformed ?? 0) > 50)
    }

    @Test func `what was recorded and sent again is dropped`() {
        var lab = running(seed: 32)
        lab.tap = []
        lab.run(for: .seconds(20))
        let recorded = lab.tap ?? []
        lab.tap = nil
        let before = lab.nodes[1]?.tally.receivedFrames ?? 0
        for datagram in recorded where datagram.to == 1 {
            lab.inject(datagram.bytes, from: datagram.from, to: 1)
        }
        lab.run(for: .milliseconds(5))
        let after = lab.nodes[1]?.tally.receivedFrames ?? 0
        #expect(after - before <= 2, "only what arrives honestly meanwhile")
        #expect((lab.nodes[1]?.tally.replayed ?? 0) >= 20)
    }

    @Test func `a dead node's old frames keep it alive for nobody`() {
        var lab = running(seed: 33)
        lab.tap = []
        lab.run(for: .seconds(20))
        let recorded = (lab.tap ?? []).filter { $0.from == 5 }
        lab.kill(5)
        for _ in 0..<100 {
            for datagram in recorded.suffix(20) {
                lab.inject(datagram.bytes, from: 5, to: datagram.to)
            }
            lab.run(for: .milliseconds(100))
        }
        #expect(lab.nobodySees(5))
    }

    @Test func `a flood of one member costs others nothing`() {
        var lab = running(seed: 34)
        lab.tap = []
        lab.run(for: .seconds(5))
        guard let sample = lab.tap?.first(where: { $0.to == 1 }) else {
            Issue.record("nothing was sent to the node in five seconds")
            return
        }
        lab.tap = nil
        let sent = lab.sentBytes[1]
        for _ in 0..<20 {
            for _ in 0..<500 { lab.inject(sample.bytes, from: sample.from, to: 1) }
            lab.run(for: .seconds(1))
        }
        #expect((lab.nodes[1]?.tally.flooded ?? 0) > 5000)
        #expect((lab.sentBytes[1] - sent) / 20 < 600, "nothing is sent because of it")
        #expect(lab.allSee(Array(0..<8)))
    }

    @Test func `strangers and oversized datagrams are counted`() {
        var mesh = Mesh(
            Member(id: "a", address: "0"), incarnation: 1,
            roster: [Member(id: "b", address: "1")], random: Random(seed: 1), at: .seconds(0))
        let now = Moment(monotonic: .seconds(1), wall: WallTime(milliseconds: 0))
        var effects: [Mesh.Effect] = []
        mesh.handle(.datagram(from: "z", address: "9", bytes: [1, 2]), at: now, into: &effects)
        mesh.handle(
            .datagram(from: "b", address: "1", bytes: Array(repeating: 1, count: 1169)), at: now,
            into: &effects)
        mesh.handle(.unopened, at: now, into: &effects)
        #expect(mesh.tally.malformed + mesh.tally.strangers == 1)
        #expect(mesh.tally.oversized == 1)
        #expect(mesh.tally.unopened == 1)
        #expect(mesh.tally.receivedFrames == 0)
    }

    @Test func `forged records are dropped and counted, and few of many are looked at`() {
        var lab = running(seed: 35)
        lab.kill(6)
        var liar = Liar(lab.members)
        let before = lab.checks[0]
        var brought = 0
        for step in 0..<600 as Range<UInt32> {
            let records = (0..<20 as Range<UInt32>).map {
                Liar.record(of: "n003", sequence: step * 20 + $0 + 1, key: "s/x/\($0)")
            }
            brought += records.count
            let bytes = liar.frame(to: 0, counter: step, records: records)
            lab.inject(bytes, from: 6, to: 0)
            lab.run(for: .milliseconds(100))
        }
        let tally = lab.nodes[0]?.tally
        #expect(lab.checks[0] - before < 200)
        #expect((tally?.forged ?? 0) + (tally?.unchecked ?? 0) == brought)
        #expect(lab.nodes[0]?.logs.registers.isEmpty == true)
        #expect(lab.nodes[0]?.logs.highest(of: lab.members[3].id) == 0)
        #expect(lab.falseFailures.allSatisfy { $0.change.node == lab.members[6].id })
    }

    @Test func `a record that says something else under a number that is known is counted`() throws
    {
        var lab = running(seed: 36)
        try lab.publish("door", at: 3, value: [1])
        lab.run(for: .seconds(10))
        lab.kill(6)
        var liar = Liar(lab.members)
        let record = Liar.record(of: "n003", sequence: 1, key: "door", value: [2])
        lab.inject(liar.frame(to: 0, counter: 1, records: [record]), from: 6, to: 0)
        lab.run(for: .seconds(1))
        #expect(lab.nodes[0]?.tally.contradicted == 1)
        #expect(lab.nodes[0]?.logs.registers["door"]?.record.value == [1])
    }

    @Test
    func `one who claims to hold more of a node's log than there is silences it for a minute`()
        throws
    {
        var lab = running(seed: 37)
        lab.kill(6)
        var liar = Liar(lab.members)
        func lie(_ lab: inout MeshLab, _ step: UInt32) {
            let bytes = liar.frame(
                to: 0, counter: step * 10, versions: [9_000, 0, 0, 0, 0, 0, 0, 0])
            lab.inject(bytes, from: 6, to: 0)
            lab.run(for: .seconds(1))
        }
        lie(&lab, 0)
        #expect(throws: Mesh.DraftError.catchingUp(behind: 9_000)) { try lab.publish("a", at: 0) }
        for step in 1..<62 as Range<UInt32> { lie(&lab, step) }
        try lab.publish("a", at: 0)
        lab.run(for: .seconds(20))
        #expect(lab.holders(of: "a") == 7)
    }

    @Test func `nothing that a fuzzer invents passes uncounted or breaks a bound`() {
        var fuzzer = MeshFuzzer(seed: 7)
        #expect(fuzzer.run(6_000) == nil)
        #expect(fuzzer.counts.received > 0)
        #expect(fuzzer.counts.dropped > 1_000)
    }
}
