import Hummingbird
import Model

// The name is a valid token, so there is one.
let lastEventID = HTTPFields.Element.Name("Last-Event-ID")!

/// How a watcher goes on where its last stream broke: each event names where it stands, and the last name
/// that came is asked with again (HTML Living Standard, section 9.2).
extension Call {
    /// Nil for who begins.
    var resumesBehind: String? {
        get throws {
            guard let text = request.headers[lastEventID], !text.isEmpty else { return nil }
            guard text.utf8.count <= 128, text.utf8.allSatisfy({ (33...126).contains($0) }) else {
                throw Rejection.malformed(
                    "the header Last-Event-ID is the id of an event of this stream")
            }
            return text
        }
    }
}

extension Event {
    /// The same after a restart of the hub. Two events that are equal have one name: who goes on
    /// behind it may hear the second of them twice, and misses none.
    var streamID: String {
        var hash = StableHash()
        for part in [
            "\(at.milliseconds)", node?.text ?? "", severity.rawValue, reason, kind.rawValue, name,
            message,
        ] {
            hash.add(part)
            hash.add(0)
        }
        return String(hash.value, radix: 16)
    }
}

extension Decision {
    var streamID: String { "\(id)" }
}

extension ObjectList {
    /// Says that the list is still what it was, as long as this process runs. Not when it was asked for.
    var streamID: String {
        var hasher = Hasher()
        hasher.combine(items)
        return String(UInt64(bitPattern: Int64(hasher.finalize())), radix: 16)
    }
}

/// What a watcher that goes on is told where it cannot be said what it missed: all that is kept follows.
struct Gap: Codable {
    var after: String
}

extension RandomAccessCollection {
    /// What stands behind the first item of a name; nil where there is none.
    func behind(_ name: String, _ id: (Element) -> String) -> SubSequence? {
        firstIndex { id($0) == name }.map { self[index(after: $0)...] }
    }
}
