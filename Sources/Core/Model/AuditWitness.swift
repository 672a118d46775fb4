/// The hash of a chain at one of its records.
package struct AuditMark: Hashable, Codable, Sendable {
    package var index: UInt64
    package var head: AuditHash

    package init(index: UInt64, head: AuditHash) {
        self.index = index
        self.head = head
    }
}

/// What the owner of a log says about it to whoever witnesses it, so that it cannot say another thing
/// later.
package struct AuditReport: Hashable, Codable, Sendable {
    /// The public half of the log's key, in 64 hexadecimal digits.
    package var key: String
    package var newest: AuditCheckpoint
    /// The chain at the record that the witness asked for; nil where it is not kept any more.
    package var below: AuditMark?
    /// Where a pruned log begins.
    package var start: AuditCheckpoint?
    /// How many leaves the newest tree head of the witness had that the owner has seen.
    package var seen: UInt64

    package init(
        key: String, newest: AuditCheckpoint, below: AuditMark? = nil,
        start: AuditCheckpoint? = nil, seen: UInt64 = 0
    ) {
        self.key = key
        self.newest = newest
        self.below = below
        self.start = start
        self.seen = seen
    }
}

/// The word of a hub about all that it has witnessed: so many checkpoints, with this root.
package struct AuditTreeHead: Hashable, Codable, Sendable {
    package var log: String
    package var size: UInt64
    package var root: AuditHash
    package var at: WallTime
    /// Ed25519 over the canonical text, in 128 hexadecimal digits.
    package var signature: String

    package init(
        log: String = "", size: UInt64, root: AuditHash, at: WallTime, signature: String = ""
    ) {
        self.log = log
        self.size = size
        self.root = root
        self.at = at
        self.signature = signature
    }
}

/// What a hub answers to a report: that it has it, and that it has forgotten nothing.
package struct AuditReceipt: Hashable, Codable, Sendable {
    /// The public half of the hub's key.
    package var key: String
    package var head: AuditTreeHead
    /// The record up to which it has witnessed the log.
    package var index: UInt64
    /// The number of that checkpoint among all, and the proof that it is there.
    package var leaf: UInt64
    package var inclusion: [AuditHash]
    /// That the tree began with what the owner had seen; nil where the hub cannot show it.
    package var consistency: [AuditHash]?

    package init(
        key: String = "", head: AuditTreeHead, index: UInt64, leaf: UInt64,
        inclusion: [AuditHash], consistency: [AuditHash]?
    ) {
        self.key = key
        self.head = head
        self.index = index
        self.leaf = leaf
        self.inclusion = inclusion
        self.consistency = consistency
    }
}

/// What a witness holds of one log.
package struct AuditWitness: Hashable, Codable, Sendable {
    package var key: String
    package var newest: AuditCheckpoint
    /// The number of that checkpoint among all that the witness holds.
    package var leaf: UInt64
    /// What was said that cannot be true together with what was said before; nil while all fits.
    package var doubt: String?

    package init(key: String, newest: AuditCheckpoint, leaf: UInt64, doubt: String? = nil) {
        self.key = key
        self.newest = newest
        self.leaf = leaf
        self.doubt = doubt
    }
}

/// What a neighbour holds of the log of a node.
package struct AuditTestimony: Hashable, Codable, Sendable {
    package var node: NodeID
    package var checkpoint: AuditCheckpoint

    package init(node: NodeID, checkpoint: AuditCheckpoint) {
        self.node = node
        self.checkpoint = checkpoint
    }
}

/// One checkpoint in the log of a hub over all logs.
package struct AuditLeaf: Hashable, Sendable {
    package var number: UInt64
    package var hash: AuditHash
    package var checkpoint: AuditCheckpoint

    package init(number: UInt64, hash: AuditHash, checkpoint: AuditCheckpoint) {
        self.number = number
        self.hash = hash
        self.checkpoint = checkpoint
    }
}

/// What a hub's store holds of its log over all logs.
package struct AuditTree: Hashable, Codable, Sendable {
    /// How many leaves are no more than part of a root, and those roots.
    package var pruned: UInt64
    package var roots: [AuditHash]
    /// The hashes of the leaves after them.
    package var leaves: [AuditHash]

    package init(pruned: UInt64 = 0, roots: [AuditHash] = [], leaves: [AuditHash] = []) {
        self.pruned = pruned
        self.roots = roots
        self.leaves = leaves
    }
}

/// The newest receipt of its hub that a node has, and for which of its checkpoints.
package struct AuditSeen: Hashable, Codable, Sendable {
    package var receipt: AuditReceipt
    package var checkpoint: AuditCheckpoint

    package init(receipt: AuditReceipt, checkpoint: AuditCheckpoint) {
        self.receipt = receipt
        self.checkpoint = checkpoint
    }
}

/// How a record is tied to what was signed: the records from it to the next checkpoint, and what the
/// hub has of it.
package struct AuditProof: Hashable, Codable, Sendable {
    package var log: String
    /// The public half of the log's key.
    package var key: String
    /// The hash of the chain before the first of `entries`.
    package var before: AuditHash
    /// The record in question, and those after it up to the checkpoint.
    package var entries: [AuditEntry]
    package var checkpoint: AuditCheckpoint
    /// The proof that a checkpoint of this log at or behind the record is among those of the hub.
    package var receipt: AuditReceipt?
    /// The checkpoint that `receipt` is about.
    package var witnessed: AuditCheckpoint?

    package init(
        log: String, key: String, before: AuditHash, entries: [AuditEntry],
        checkpoint: AuditCheckpoint, receipt: AuditReceipt? = nil,
        witnessed: AuditCheckpoint? = nil
    ) {
        self.log = log
        self.key = key
        self.before = before
        self.entries = entries
        self.checkpoint = checkpoint
        self.receipt = receipt
        self.witnessed = witnessed
    }
}
