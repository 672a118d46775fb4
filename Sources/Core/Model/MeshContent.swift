/// A signed policy that a node of the mesh has and hands to whoever lacks it.
package struct PolicyOffer: Hashable, Codable, Sendable {
    package var policy: PolicyReference
    /// SHA-256 of the bundle's bytes, in hexadecimal.
    package var digest: String
    package var sizeBytes: Int

    package init(policy: PolicyReference, digest: String, sizeBytes: Int) {
        self.policy = policy
        self.digest = digest
        self.sizeBytes = sizeBytes
    }
}

extension PolicyBundle {
    /// The bundle as it travels between nodes: its lines, the key's name and the signature first. The
    /// same bytes at every node, so that a digest names it.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for line in [key, signature] + payload {
            bytes += line.utf8
            bytes.append(10)
        }
        return bytes
    }

    /// Reads what `bytes` wrote; nil for anything else. Nothing of it is believed before it is checked.
    package init?(bytes: [UInt8]) {
        guard bytes.last == 10, bytes.allSatisfy({ $0 == 10 || (32...126).contains($0) }) else {
            return nil
        }
        let lines = bytes.dropLast().split(separator: 10, omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard lines.count > 2 else { return nil }
        self.init(key: lines[0], signature: lines[1], payload: Array(lines.dropFirst(2)))
    }
}

/// Which revision of something a node of a mesh has, by its own word.
package struct MeshHolding: Hashable, Codable, Sendable {
    package var node: NodeID
    /// `Policy/NAME` or `Site/NAME`.
    package var subject: String
    package var version: UInt64

    package init(node: NodeID, subject: String, version: UInt64) {
        self.node = node
        self.subject = subject
        self.version = version
    }
}

/// The answer to which node has which revision.
package struct MeshHoldings: Hashable, Codable, Sendable {
    package var items: [MeshHolding]
    package var asOf: WallTime

    package init(items: [MeshHolding], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}

/// How one record came to this node, and who else is known to have it.
package struct MeshTrace: Hashable, Codable, Sendable {
    package var key: String
    package var origin: NodeID
    package var sequence: UInt64
    /// When its origin wrote it, by the origin's clock.
    package var writtenAt: WallTime
    /// From whom it came first, and when; nil for one of this node's own, or of before its start.
    package var via: NodeID?
    package var arrivedAt: WallTime?
    package var isTombstone: Bool
    package var sizeBytes: Int
    /// The members that are known to have it.
    package var holders: [NodeID]

    package init(
        key: String, origin: NodeID, sequence: UInt64, writtenAt: WallTime, via: NodeID? = nil,
        arrivedAt: WallTime? = nil, isTombstone: Bool = false, sizeBytes: Int = 0,
        holders: [NodeID] = []
    ) {
        self.key = key
        self.origin = origin
        self.sequence = sequence
        self.writtenAt = writtenAt
        self.via = via
        self.arrivedAt = arrivedAt
        self.isTombstone = isTombstone
        self.sizeBytes = sizeBytes
        self.holders = holders
    }
}

/// The records of a mesh that were asked for.
package struct MeshTraces: Hashable, Codable, Sendable {
    package var items: [MeshTrace]
    package var asOf: WallTime

    package init(items: [MeshTrace], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}
