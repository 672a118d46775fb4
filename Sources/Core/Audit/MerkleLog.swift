import Crypto
package import Model

/// A log as a Merkle tree (RFC 9162 section 2.1): short proofs that something is in it, and that a
/// longer log begins with a shorter one.
///
/// Leaves that were pruned leave the roots of their subtrees behind, so proofs about what is kept, and
/// from sizes since the pruning, stay possible.
package struct MerkleLog: Equatable, Sendable {
    /// Leaves ever appended.
    package private(set) var size: UInt64
    /// How many of them are no more than part of a root.
    package private(set) var pruned: UInt64
    /// `levels[k]` holds the roots of whole subtrees of 2^k leaves, from number `offset(k)` on.
    private var levels: [[AuditHash]] = []

    package init() {
        size = 0
        pruned = 0
    }

    /// A log again, as it was kept.
    /// - Parameters:
    ///   - roots: those of `pruned` leaves, as `roots(pruning:)` gave them.
    ///   - leaves: the hashes of those after them.
    package init?(pruned: UInt64, roots: [AuditHash], leaves: [AuditHash]) {
        guard roots.count == pruned.nonzeroBitCount else { return nil }
        self.pruned = pruned
        size = pruned
        var rest = roots[...]
        for level in stride(from: 63, through: 0, by: -1) where pruned >> UInt64(level) & 1 == 1 {
            while levels.count <= level { levels.append([]) }
            levels[level].append(rest.removeFirst())
        }
        for leaf in leaves { append(hash: leaf) }
    }

    /// Answers the number of the leaf, counted from 0, and its hash.
    @discardableResult
    package mutating func append(_ leaf: [UInt8]) -> (number: UInt64, hash: AuditHash) {
        let hash = MerkleLog.hash(ofLeaf: leaf)
        append(hash: hash)
        return (size - 1, hash)
    }

    private mutating func append(hash: AuditHash) {
        var hash = hash
        var number = size
        var level = 0
        size += 1
        while true {
            if level == levels.count { levels.append([]) }
            levels[level].append(hash)
            guard number & 1 == 1 else { return }
            hash = MerkleLog.node(subtree(level, number - 1), hash)
            number >>= 1
            level += 1
        }
    }

    /// The roots that stand for the first `count` leaves, the largest first.
    package func roots(pruning count: UInt64) -> [AuditHash] {
        precondition(pruned...size ~= count, "only what is there can be pruned")
        return stride(from: 63, through: 0, by: -1).filter { count >> UInt64($0) & 1 == 1 }
            .map { subtree($0, (count >> UInt64($0)) - 1) }
    }

    package mutating func prune(through count: UInt64) {
        precondition(pruned...size ~= count, "only what is there can be pruned")
        for level in levels.indices {
            let gone = MerkleLog.offset(level, count) - MerkleLog.offset(level, pruned)
            levels[level].removeFirst(min(levels[level].count, Int(gone)))
        }
        pruned = count
    }

    /// The root of the first `size` leaves.
    package func root(of size: UInt64) -> AuditHash {
        size == 0 ? AuditHash(sha256: []) : root(from: 0, to: size)
    }

    package var root: AuditHash { root(of: size) }

    /// That a leaf is among the first `size`; nil where that can no longer be shown.
    package func inclusion(of leaf: UInt64, in size: UInt64) -> [AuditHash]? {
        guard leaf < size, size <= self.size, leaf >= pruned else { return nil }
        return path(leaf, from: 0, to: size)
    }

    /// That the first `size` leaves begin with the first `older`; nil where that can no longer be shown.
    package func consistency(from older: UInt64, to size: UInt64) -> [AuditHash]? {
        guard older <= size, size <= self.size, older >= pruned || older == 0 else { return nil }
        guard older > 0, older < size else { return [] }
        return subproof(older, from: 0, to: size, isWhole: true)
    }

    // MARK: - Within

    private static func offset(_ level: Int, _ pruned: UInt64) -> UInt64 {
        (pruned >> UInt64(level)) & ~1
    }

    private func subtree(_ level: Int, _ number: UInt64) -> AuditHash {
        levels[level][Int(number - MerkleLog.offset(level, pruned))]
    }

    private func root(from start: UInt64, to end: UInt64) -> AuditHash {
        let count = end - start
        if count & (count - 1) == 0 {
            let level = count.trailingZeroBitCount
            return subtree(level, start >> UInt64(level))
        }
        let split = start + MerkleLog.split(count)
        return MerkleLog.node(root(from: start, to: split), root(from: split, to: end))
    }

    private func path(_ leaf: UInt64, from start: UInt64, to end: UInt64) -> [AuditHash] {
        guard end - start > 1 else { return [] }
        let split = start + MerkleLog.split(end - start)
        return leaf < split
            ? path(leaf, from: start, to: split) + [root(from: split, to: end)]
            : path(leaf, from: split, to: end) + [root(from: start, to: split)]
    }

    private func subproof(
        _ older: UInt64, from start: UInt64, to end: UInt64, isWhole: Bool
    ) -> [AuditHash] {
        guard older < end else { return isWhole ? [] : [root(from: start, to: end)] }
        let split = start + MerkleLog.split(end - start)
        return older <= split
            ? subproof(older, from: start, to: split, isWhole: isWhole)
                + [root(from: split, to: end)]
            : subproof(older, from: split, to: end, isWhole: false)
                + [root(from: start, to: split)]
    }

    /// The largest power of two below `count`.
    private static func split(_ count: UInt64) -> UInt64 {
        1 << UInt64(63 - (count - 1).leadingZeroBitCount)
    }

    package static func hash(ofLeaf leaf: [UInt8]) -> AuditHash { AuditHash(sha256: [0] + leaf) }

    fileprivate static func node(_ left: AuditHash, _ right: AuditHash) -> AuditHash {
        var hash = SHA256()
        hash.update(data: [1] as [UInt8])
        left.withBytes { hash.update(bufferPointer: $0) }
        right.withBytes { hash.update(bufferPointer: $0) }
        return AuditHash(hash.finalize())
    }
}

/// Checks proofs, for whoever has no more of a log than two of its roots (RFC 9162 section 2.1.3.2
/// and 2.1.4.2).
package enum MerkleProof {
    package static func includes(
        _ leaf: AuditHash, number: UInt64, in size: UInt64, root: AuditHash, _ path: [AuditHash]
    ) -> Bool {
        guard number < size else { return false }
        var (number, last) = (number, size - 1)
        var hash = leaf
        for step in path {
            guard last > 0 else { return false }
            if number & 1 == 1 || number == last {
                hash = MerkleLog.node(step, hash)
                while number & 1 == 0, number != 0 {
                    number >>= 1
                    last >>= 1
                }
            } else {
                hash = MerkleLog.node(hash, step)
            }
            number >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    package static func extends(
        _ older: (size: UInt64, root: AuditHash), to newer: (size: UInt64, root: AuditHash),
        _ proof: [AuditHash]
    ) -> Bool {
        guard older.size <= newer.size else { return false }
        if older.size == newer.size { return proof.isEmpty && older.root == newer.root }
        if older.size == 0 { return proof.isEmpty }
        var rest = proof[...]
        if older.size & (older.size - 1) == 0 { rest = ([older.root] + proof)[...] }
        guard var left = rest.popFirst() else { return false }
        var right = left
        var (number, last) = (older.size - 1, newer.size - 1)
        while number & 1 == 1 {
            number >>= 1
            last >>= 1
        }
        for step in rest {
            guard last > 0 else { return false }
            if number & 1 == 1 || number == last {
                left = MerkleLog.node(step, left)
                right = MerkleLog.node(step, right)
                while number & 1 == 0, number != 0 {
                    number >>= 1
                    last >>= 1
                }
            } else {
                right = MerkleLog.node(right, step)
            }
            number >>= 1
            last >>= 1
        }
        return last == 0 && left == older.root && right == newer.root
    }
}
