/// Messages in the body of a frame, each with its length before it in two bytes.
package struct Batch: Sendable {
    package static let lengthBytes = 2

    package let carriage: Carriage
    package private(set) var body: [UInt8] = []

    package init(for carriage: Carriage) { self.carriage = carriage }

    package var isEmpty: Bool { body.isEmpty }

    /// The longest message that a frame can hold.
    package static func messageMax(on carriage: Carriage) -> Int {
        carriage.bodyMax - lengthBytes
    }

    /// False, and nothing added, where the frame has no room for it.
    package mutating func append(_ message: some Collection<UInt8>) -> Bool {
        let count = message.count
        guard body.count + Batch.lengthBytes + count <= carriage.bodyMax else { return false }
        body.append(UInt8(truncatingIfNeeded: count >> 8))
        body.append(UInt8(truncatingIfNeeded: count))
        body.append(contentsOf: message)
        return true
    }

    /// The messages of a body; nil where it is no batch.
    package static func messages(in body: [UInt8]) -> [ArraySlice<UInt8>]? {
        var messages: [ArraySlice<UInt8>] = []
        var next = 0
        while next < body.count {
            guard next + lengthBytes <= body.count else { return nil }
            let start = next + lengthBytes
            let end = start + Int(body[next]) << 8 + Int(body[next + 1])
            guard end <= body.count else { return nil }
            messages.append(body[start..<end])
            next = end
        }
        return messages
    }
}

/// Frames and handshake messages in a stream of bytes, each with its length before it in two bytes.
package struct StreamCutter: Sendable {
    package static let frameMax = Carriage.stream.bodyMax + PeerSession.overhead
    private var waiting: [UInt8] = []

    package init() {}

    package static func framed(_ frame: [UInt8]) -> [UInt8] {
        precondition(frame.count <= frameMax, "a frame is at most \(frameMax) bytes")
        return UInt16(frame.count).bytes + frame
    }

    /// The frames that are whole now. What it keeps is less than one frame.
    package mutating func take(_ bytes: some Collection<UInt8>) throws(Drop) -> [[UInt8]] {
        waiting += bytes
        var frames: [[UInt8]] = []
        var start = 0
        while start + 2 <= waiting.count {
            let count = Int(UInt16(waiting[start..<(start + 2)]))
            guard count <= StreamCutter.frameMax else { throw .size }
            guard start + 2 + count <= waiting.count else { break }
            frames.append(Array(waiting[(start + 2)..<(start + 2 + count)]))
            start += 2 + count
        }
        waiting.removeFirst(start)
        return frames
    }
}
