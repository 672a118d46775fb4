import Foundation
import Model
import Testing
import Trust

/// One handshake and some frames, as a second implementation made them
/// (`Fixtures/session-vectors.py`).
private struct Vector: Decodable, Sendable {
    let what: String
    let initiator: NodeID
    let responder: NodeID
    let master: String
    let keyDay: UInt32
    let key: String
    let keyName: String
    let day: UInt32
    let offered: UInt8
    let suite: UInt8
    let carriage: UInt8
    let sentAt: Int64
    let nearSecret: String
    let farSecret: String
    let nearID: UInt32
    let farID: UInt32
    let first: String
    let second: String
    let madeKey: String?
    let forth: [[String]]
    let forthFrames: [String]
    let back: [[String]]
    let backFrames: [String]

    static func all() throws -> [Vector] {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/session-vectors.json")
        return try JSONDecoder().decode([Vector].self, from: Data(contentsOf: file))
    }
}

/// Gives these bytes and no more.
private struct FixedEntropy: RandomNumberGenerator {
    var rest: [UInt8]

    mutating func next() -> UInt64 {
        precondition(rest.count >= 8, "more entropy was asked for than the vector has")
        defer { rest.removeFirst(8) }
        return rest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

@Suite struct SessionVectorTests {
    @Test func `another implementation made the same bytes`() throws {
        let vectors = try Vector.all()
        #expect(vectors.count == 3)
        for vector in vectors { try check(vector) }
    }

    private func check(_ vector: Vector) throws {
        let keyDay = KeyDay(vector.keyDay)
        let master = try #require(DayMaster(day: keyDay, entropy: bytes(vector.master)))
        let secret = master.secret(between: vector.initiator, and: vector.responder)
        #expect(secret == bytes(vector.key), "\(vector.what)")
        let (near, far) = try (
            key(secret, vector.initiator, vector.responder, keyDay),
            key(secret, vector.responder, vector.initiator, keyDay)
        )
        #expect(near.name == UInt64(vector.keyName, radix: 16) && far.name == near.name)

        let now = Instant.seconds(1)
        var entropy = FixedEntropy(rest: bytes(vector.nearSecret))
        let attempt = Attempt(
            under: near, from: vector.initiator, for: KeyDay(vector.day),
            id: DataSessionID(rawValue: vector.nearID), suites: Suites(rawValue: vector.offered),
            carriage: try #require(Carriage(rawValue: vector.carriage)),
            at: WallTime(milliseconds: vector.sentAt), entropy: &entropy)
        #expect(attempt.message == bytes(vector.first), "\(vector.what)")

        entropy = FixedEntropy(rest: bytes(vector.farSecret))
        let first = try FirstMessage(bytes(vector.first))
        #expect(first.keyName == far.name && first.isMade(with: far))
        let answer = try first.answer(
            under: far, from: vector.responder, id: DataSessionID(rawValue: vector.farID),
            preferring: Suites(rawValue: vector.suite), at: now, entropy: &entropy)
        #expect(answer.message == bytes(vector.second), "\(vector.what)")

        var ends = (near: try attempt.finish(bytes(vector.second), at: now), far: answer.session)
        #expect(ends.near.made?.bytes == vector.madeKey.map(bytes))
        #expect(ends.far.made?.bytes == vector.madeKey.map(bytes))
        for (messages, frame) in zip(vector.forth, vector.forthFrames) {
            try expect(frame, of: messages, from: &ends.near, to: &ends.far)
        }
        for (messages, frame) in zip(vector.back, vector.backFrames) {
            try expect(frame, of: messages, from: &ends.far, to: &ends.near)
        }
    }

    private func expect(
        _ frame: String, of messages: [String], from sender: inout PeerSession,
        to receiver: inout PeerSession
    ) throws {
        var batch = Batch(for: sender.carriage)
        let fit = messages.map { batch.append(bytes($0)) }
        #expect(fit.allSatisfy { $0 })
        let sealed = try sender.seal(batch.body, at: .seconds(1))
        #expect(sealed == bytes(frame))
        let body = try receiver.open(bytes(frame), at: .seconds(1))
        #expect(Batch.messages(in: body)?.map(Array.init) == messages.map(bytes))
    }

    private func key(
        _ secret: [UInt8], _ node: NodeID, _ peer: NodeID, _ day: KeyDay
    ) throws -> PairKey {
        try #require(PairKey(secret, node: node, peer: peer, day: day))
    }

    private func bytes(_ text: String) -> [UInt8] {
        let digits = text.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}
