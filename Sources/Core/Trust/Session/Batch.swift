/// Messages in the body of a frame, each with its length before it in two bytes.
package struct Batch: Sendable {
    package static let lengthBytes = 2
    /// Messages that share a frame wait for each other no longer than for this many bytes. One that is
    /// larger has a frame of its own.
    package static let sharedMax = 16_384

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
        let limit = isEmpty ? carriage.bodyMax : min(carriage.bodyMax, Batch.sharedMax)
        guard body.count + Batch.lengthBytes + count <= limit else { return false }
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
    package static let lengthBytes = 2
    package static let frameMax = Carriage.stream.bodyMax + PeerSession.overhead
    private var waiting: [UInt8] = []

    package init() {}

    /// What goes before a frame of so many bytes.
    package static func length(_ count: Int) -> [UInt8] {
        precondition(count <= frameMax, "a frame is at most \(frameMax) bytes")
        return UInt16(count).bytes
    }

    /// The frames that are whole with these bytes; none is copied that lies in them whole. What it
    /// keeps is less than one frame.
    package mutating func take(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        let all = waiting.isEmpty ? bytes : waiting + bytes
        var frames: [ArraySlice<UInt8>] = []
        var next = 0
        while next + StreamCutter.lengthBytes <= all.count {
            let start = next + StreamCutter.lengthBytes
            let count = Int(UInt16(all[next..<start]))
            guard start + count <= all.count else { break }
            frames.append(all[start..<(start + count)])
            next = start + count
        }
        waiting = Array(all[next...])
        return frames
    }
}
