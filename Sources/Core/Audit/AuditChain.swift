import Crypto
package import Model

/// The end of a log that only grows: each hash is over the one before it and the next record, so that
/// nothing in the middle can be changed without changing all that follows.
package struct AuditChain: Equatable, Sendable {
    package let log: String
    package private(set) var index: UInt64
    package private(set) var head: AuditHash

    package init(of log: String) {
        self.log = log
        index = 0
        head = AuditChain.origin(of: log)
    }

    /// Goes on where a log ends.
    package init(of log: String, index: UInt64, head: AuditHash) {
        self.log = log
        self.index = index
        self.head = head
    }

    /// What stands before the first record: another log's records cannot be moved here.
    package static func origin(of log: String) -> AuditHash {
        AuditHash(sha256: Array("skerry-audit 1\n\(log)\n".utf8))
    }

    package mutating func append(
        _ act: AuditAct, at time: WallTime, staleness: Staleness = .fresh,
        policyAge: Interval = .seconds(0), mode: AuditMode = .online
    ) -> AuditEntry {
        let record = AuditRecord(
            act, index: index + 1, after: head.abbreviated, at: time, staleness: staleness,
            policyAge: policyAge, mode: mode)
        let text = record.canonical
        take(text)
        return AuditEntry(index: index, hash: head, text: String(decoding: text, as: UTF8.self))
    }

    /// Goes on by one record, whatever it says.
    mutating func take(_ text: [UInt8]) {
        head = AuditChain.next(head, text)
        index += 1
    }

    /// SHA-256 of the hash before, the length as 8 bytes with the most significant first, and the text.
    package static func next(_ head: AuditHash, _ text: [UInt8]) -> AuditHash {
        var hash = SHA256()
        head.withBytes { hash.update(bufferPointer: $0) }
        withUnsafeBytes(of: UInt64(text.count).bigEndian) { hash.update(bufferPointer: $0) }
        text.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return AuditHash(hash.finalize())
    }
}

extension AuditHash {
    /// What a record says of the one before it: long enough to tell which, and too short to weigh much.
    var abbreviated: String { String(description.prefix(16)) }

    init(sha256 bytes: [UInt8]) { self.init(SHA256.hash(data: bytes)) }

    init(_ digest: SHA256.Digest) {
        self = digest.withUnsafeBytes { AuditHash($0) }
    }
}
