/// Takes a text/event-stream apart (HTML Living Standard, section 9.2.6), however it was cut up.
package struct EventStream: Sendable {
    package struct Message: Hashable, Sendable {
        package var event: String
        /// Of the last event that had one: with it one goes on behind it.
        package var id: String?
        package var data: [UInt8]
    }

    /// A server that sends an endless line would fill the memory.
    package struct TooLong: Error {}

    private let bytesMax: Int
    private var line: [UInt8] = []
    private var endedWithReturn = false
    private var event = ""
    private var data: [UInt8]?
    private var id: String?

    package init(bytesMax: Int = 64 << 20) { self.bytesMax = bytesMax }

    /// The messages that `bytes` complete.
    package mutating func append(_ bytes: [UInt8]) throws(TooLong) -> [Message] {
        var messages: [Message] = []
        var rest = bytes[...]
        while let end = rest.firstIndex(where: { $0 == 10 || $0 == 13 }) {
            // The line feed of a pair ends no second line.
            let isSecondHalf =
                endedWithReturn && rest[end] == 10 && end == rest.startIndex && line.isEmpty
            endedWithReturn = rest[end] == 13
            line += rest[..<end]
            rest = rest[(end + 1)...]
            if !isSecondHalf, let message = takeLine() { messages.append(message) }
        }
        if !rest.isEmpty { endedWithReturn = false }
        line += rest
        guard line.count + (data?.count ?? 0) <= bytesMax else { throw TooLong() }
        return messages
    }

    private mutating func takeLine() -> Message? {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return takeMessage() }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[min(colon + 1, line.endIndex)...]
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        switch String(decoding: line[..<colon], as: UTF8.self) {
        case "event": event = String(decoding: value, as: UTF8.self)
        case "data":
            data = data.map { $0 + [10] + value } ?? Array(value)
        case "id":
            if !value.contains(0) { id = String(decoding: value, as: UTF8.self) }
        default: break  // Comments and retry times change nothing here.
        }
        return nil
    }

    private mutating func takeMessage() -> Message? {
        defer {
            event = ""
            data = nil
        }
        return data.map { Message(event: event.isEmpty ? "message" : event, id: id, data: $0) }
    }
}
