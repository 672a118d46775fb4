import Membership
import MeshLab
import Model
import Testing

@Suite struct LiarTests {
    private static let liar = 6

    private func taken(seed: UInt64) -> (MeshLab, Liar) {
        var lab = MeshLab(8, seed: seed)
        lab.startAll()
        lab.run(for: .seconds(60))
        lab.kill(Self.liar)
        lab.forget()
        return (lab, Liar(lab.members))
    }

    /// Lies for a time, ten times a second, to everybody.
    private func lie(
        _ lab: inout MeshLab, _ liar: inout Liar, seconds: Int, begin: UInt32 = 0,
        vector: (UInt32) -> [UInt8], entry: (String, UInt32)? = nil
    ) {
        for step in begin..<begin + UInt32(seconds * 10) {
            for receiver in 0..<8 where receiver != Self.liar {
                let bytes = liar.frame(
                    to: receiver, counter: step, vector: vector(step), entry: entry)
                lab.inject(bytes, from: Self.liar, to: receiver)
            }
            lab.run(for: .milliseconds(100))
        }
    }

    @Test func `whoever speaks the protocol as it is written is heard`() {
        var (lab, liar) = taken(seed: 41)
        lie(&lab, &liar, seconds: 30, vector: { _ in Array(repeating: 250, count: 8) })
        #expect(lab.falseFailures.isEmpty)
        for node in [0, 1, 2, 3, 4, 5, 7] {
            #expect(lab.liveness(of: Self.liar, at: node) == .alive)
            let view = lab.nodes[node]?.view(at: lab.now).first { $0.node.text == "n006" }
            #expect(view?.incarnation == 90)
        }
    }

    /// What a member says once by a fault of its memory, and then goes on as before.
    enum Slip: CaseIterable { case counter, sequence, incarnation, all }

    @Test(arguments: Slip.allCases)
    func `a member that was once far ahead of itself is heard as before`(slip: Slip) {
        var (lab, liar) = taken(seed: 44)
        let honest: (UInt32) -> [UInt8] = { _ in Array(repeating: 250, count: 8) }
        lie(&lab, &liar, seconds: 20, vector: honest)
        for _ in 0..<2 {
            for receiver in 0..<8 where receiver != Self.liar {
                let far: UInt32 = 4_000_000_000
                let bytes = liar.frame(
                    to: receiver, counter: slip == .counter || slip == .all ? far : 200,
                    vector: honest(0), ahead: slip == .sequence || slip == .all ? far : 0,
                    incarnation: slip == .incarnation || slip == .all ? far : 90)
                lab.inject(bytes, from: Self.liar, to: receiver)
            }
            lab.run(for: .milliseconds(100))
        }
        lie(&lab, &liar, seconds: 40, begin: 202, vector: honest)
        #expect(lab.falseFailures.isEmpty)
        for node in [0, 1, 2, 3, 4, 5, 7] {
            #expect(lab.liveness(of: Self.liar, at: node) == .alive)
            let view = lab.nodes[node]?.view(at: lab.now).first { $0.node.text == "n006" }
            #expect(view?.incarnation == 90)
            #expect(view?.age.map { $0 < .seconds(5) } == true, "by its own word")
        }
        #expect(lab.cloned.isEmpty)
    }

    @Test func `one voice keeps a dead node alive for some minutes and not for ever`() {
        var (lab, liar) = taken(seed: 42)
        lab.kill(5)
        // The run of node 5 began with the lab, so its counter is the lab's time.
        lie(
            &lab, &liar, seconds: 260,
            vector: { step in
                var vector = [UInt8](repeating: 250, count: 8)
                vector[5] = UInt8((600 + step) % 250)
                return vector
            })
        for node in [0, 1, 2, 3, 4, 7] { #expect(lab.liveness(of: 5, at: node) == .failed) }
    }

    @Test func `one voice cannot make a living node fail`() {
        var (lab, liar) = taken(seed: 43)
        lie(
            &lab, &liar, seconds: 30,
            vector: { _ in Array(repeating: 252, count: 8) }, entry: ("n003", 4_000_000_000))
        #expect(lab.falseFailures.isEmpty)
        let honest = [0, 1, 2, 3, 4, 5, 7]
        lab.run(for: .seconds(20))
        #expect(lab.allSee(honest))
        #expect(lab.nodes[3]?.incarnation == 1, "a claim beyond reason is not followed")
    }
}
