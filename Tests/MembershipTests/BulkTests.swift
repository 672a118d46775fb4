import Membership
import Model
import Testing

@Suite struct BulkTests {
    /// Carries a content from one end to the other; answers with the time and the pieces that it took.
    private func carry(
        _ content: [UInt8], loss: Double, seed: UInt64, delay: Duration = .milliseconds(1)
    ) throws -> (took: Duration, pieces: Int)? {
        var chance = Random(seed: seed)
        var now = Instant.seconds(0)
        var sender = BulkSender(
            id: 7, content: content, bytesPerSecond: 500_000, loss: loss, at: now)
        var receiver: BulkReceiver?
        var onTheWay: [(at: Instant, bytes: [UInt8])] = []
        var answers: [(at: Instant, bytes: [UInt8])] = []
        while now < .seconds(30) {
            while let first = onTheWay.first, first.at <= now {
                onTheWay.removeFirst()
                if receiver == nil { receiver = try BulkReceiver(first.bytes) }
                try receiver?.receive(first.bytes)
            }
            if let answer = receiver?.acknowledgement(at: now), !chance.chance(loss) {
                answers.append((now + delay, answer))
            }
            while let first = answers.first, first.at <= now {
                answers.removeFirst()
                try sender.receive(first.bytes, at: now)
            }
            switch sender.step(at: now) {
            case .done:
                #expect(receiver?.content == content)
                return (now - .seconds(0), sender.sentPieces)
            case .send(let bytes):
                if !chance.chance(loss) { onTheWay.append((now + delay, bytes)) }
            case .wait: now = now + .milliseconds(1)
            }
        }
        return nil
    }

    @Test(arguments: [0, 1, 1120, 65_536, 300_000])
    func `what arrives is what was sent, whatever its length`(size: Int) throws {
        var chance = Random(seed: 3)
        let content = (0..<size).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
        for loss in [0.0, 0.45] { #expect(try carry(content, loss: loss, seed: 4) != nil) }
    }

    @Test func `64 KiB at half loss take less than half a second and little more than they must`()
        throws
    {
        let content = [UInt8](repeating: 9, count: 65_536)
        for seed in 1...5 {
            let (took, pieces) = try #require(try carry(content, loss: 0.45, seed: UInt64(seed)))
            #expect(took <= .milliseconds(500))
            #expect(pieces <= 170, "59 pieces, of which 55 in 100 arrive, are 107")
        }
    }

    @Test func `pieces that lie about their place are refused`() throws {
        var sender = BulkSender(
            id: 1, content: [1, 2, 3], bytesPerSecond: 500_000, loss: 0, at: .seconds(0))
        guard case .send(let piece) = sender.step(at: .seconds(0)) else {
            Issue.record("a new sender has something to send")
            return
        }
        var receiver = try BulkReceiver(piece)
        for spot in [5, 6, 9, 10, 11] {
            var bent = piece
            bent[spot] = 0xFF
            #expect(throws: FrameError.self) { try receiver.receive(bent) }
        }
        #expect(throws: FrameError.self) { try receiver.receive(Array(piece.dropLast())) }
        #expect(throws: FrameError.self) { try BulkReceiver([]) }
        #expect(!receiver.isWhole)
    }
}
