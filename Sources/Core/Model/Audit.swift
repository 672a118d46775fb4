/// A SHA-256. Coded as 64 hexadecimal digits.
package struct AuditHash: Hashable, Sendable, CustomStringConvertible {
    /// The bytes as they lie in memory: no allocation for each of many.
    private let words: SIMD4<UInt64>

    /// - Parameter bytes: 32 of them.
    package init(_ bytes: UnsafeRawBufferPointer) {
        precondition(bytes.count == 32, "a SHA-256 has 32 bytes")
        words = bytes.loadUnaligned(as: SIMD4<UInt64>.self)
    }

    /// Nil for anything but 32 bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        words = bytes.withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) }
    }

    package init?(_ text: String) {
        guard let bytes = Model.bytes(hexadecimal: text) else { return nil }
        self.init(bytes)
    }

    package func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) rethrows
        -> Value
    {
        try withUnsafeBytes(of: words, body)
    }

    package var bytes: [UInt8] { withBytes { Array($0) } }
    package var description: String { hexadecimal(bytes) }
}

extension AuditHash: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decoder.text(AuditHash.init, as: "a SHA-256 in 64 hexadecimal digits")
    }
    package func encode(to encoder: any Encoder) throws { try encoder.text(description) }
}

/// What came of asking whether something may be done.
package enum AuditDecision: String, Codable, Sendable { case allow, deny }

/// Whether the process that decided was in contact with what it gets policy from.
package enum AuditMode: String, Codable, Sendable { case online, offline }

/// Something that was asked for and decided, before it has a place in a log.
package struct AuditAct: Hashable, Sendable {
    /// `user/ann`, `console/local`, `node/rural-1`, `hub/hub` or `agent/rural-1`.
    package var who: String
    /// A verb of access, or one word for what a process did by itself.
    package var action: String
    /// `Workload/shop`, or `fleet`.
    package var target: String
    package var decision: AuditDecision
    /// The ids of the policies that decided.
    package var reasons: [String]
    /// Policies that could not be worked out.
    package var errors: [String]
    package var policies: [PolicyReference]
    /// Names the request in whose course it was decided; the answer carries it as `X-Request-Id`.
    package var request: String
    /// Names the approval that it rests on; nil where it needs none.
    package var approval: String?
    package var note: String?

    package init(
        who: String, action: String, target: String, decision: AuditDecision = .allow,
        reasons: [String] = [], errors: [String] = [], policies: [PolicyReference] = [],
        request: String = "", approval: String? = nil, note: String? = nil
    ) {
        self.who = AuditAct.bounded(who)
        self.action = AuditAct.bounded(action)
        self.target = AuditAct.bounded(target)
        self.decision = decision
        self.reasons = AuditAct.bounded(reasons)
        self.errors = AuditAct.bounded(errors)
        self.policies = Array(policies.prefix(AuditAct.listMax))
        self.request = AuditAct.bounded(request)
        self.approval = approval.map(AuditAct.bounded)
        self.note = note.map(AuditAct.bounded)
    }

    /// Who showed nothing that says who it is.
    package static let stranger = "unknown"

    // A record is at most some 20 kB, however hostile what it tells of.
    private static let textMax = 512
    private static let listMax = 16

    private static func bounded(_ text: String) -> String {
        guard text.utf8.count > textMax else { return text }
        return String(decoding: text.utf8.prefix(textMax), as: UTF8.self) + "…"
    }

    private static func bounded(_ texts: [String]) -> [String] {
        let kept = texts.prefix(listMax).map(bounded)
        return texts.count > listMax ? kept + ["and \(texts.count - listMax) more"] : kept
    }
}

/// One entry of a log that only grows: what was asked for, by whom, and what was decided.
///
/// It lies in the store and leaves it as one text, the canonical one, which `Audit` makes.
package struct AuditRecord: Hashable, Codable, Sendable {
    /// Counts from 1 without a gap.
    package var index: UInt64
    /// The first 16 digits of the hash of the record before it.
    package var after: String
    package var at: WallTime
    package var who: String
    package var action: String
    package var target: String
    package var decision: AuditDecision
    package var reasons: [String]
    package var errors: [String]
    /// The versions that it was decided by, and how old they were known to be.
    package var policies: [PolicyReference]
    package var policyAge: Interval
    package var staleness: Staleness
    package var mode: AuditMode
    package var request: String
    package var approval: String?
    package var note: String?

    package init(
        _ act: AuditAct, index: UInt64, after: String, at: WallTime,
        staleness: Staleness = .fresh, policyAge: Interval = .seconds(0), mode: AuditMode = .online
    ) {
        self.index = index
        self.after = after
        self.at = at
        who = act.who
        action = act.action
        target = act.target
        decision = act.decision
        reasons = act.reasons
        errors = act.errors
        policies = act.policies
        self.policyAge = policyAge
        self.staleness = staleness
        self.mode = mode
        request = act.request
        approval = act.approval
        note = act.note
    }
}

/// A record as it lies in the store: its canonical text, and the hash of the chain up to it.
package struct AuditEntry: Hashable, Codable, Sendable {
    package var index: UInt64
    package var hash: AuditHash
    package var text: String

    package init(index: UInt64, hash: AuditHash, text: String) {
        self.index = index
        self.hash = hash
        self.text = text
    }
}

/// The word of a log's owner that its chain has this hash at this record, signed.
package struct AuditCheckpoint: Hashable, Codable, Sendable {
    /// Whose log: a node, or a hub by its name.
    package var log: String
    package var index: UInt64
    package var head: AuditHash
    package var at: WallTime
    /// Ed25519 over the canonical text, in 128 hexadecimal digits.
    package var signature: String

    package init(
        log: String, index: UInt64, head: AuditHash, at: WallTime, signature: String = ""
    ) {
        self.log = log
        self.index = index
        self.head = head
        self.at = at
        self.signature = signature
    }
}

/// What is wrong with a log, and from which record on it cannot be relied on.
package struct AuditFault: Error, Hashable, Codable, Sendable {
    package enum Kind: String, Codable, Sendable {
        /// The record is not the one that was appended.
        case edited
        /// It is not there.
        case removed
        /// Another record stands in its place.
        case reordered
        /// The log ends before a record that was signed.
        case truncated
        /// It follows from what is before it, and is not what was signed.
        case rewritten
        /// Nobody signed it.
        case unsigned
        /// A checkpoint does not bear the signature of the log's key.
        case forged
    }

    package var kind: Kind
    /// The first bad record.
    package var index: UInt64
    package var message: String

    package init(_ kind: Kind, at index: UInt64, _ message: String) {
        self.kind = kind
        self.index = index
        self.message = message
    }
}

/// What came of going through a whole log.
package struct AuditVerdict: Hashable, Codable, Sendable {
    package var log: String
    /// The first record that is kept; those before it were pruned.
    package var first: UInt64
    package var last: UInt64
    package var checkpoints: Int
    /// The newest checkpoint, which also covers the last record where nothing is wrong.
    package var newest: AuditCheckpoint?
    package var fault: AuditFault?
    /// How far the hub has witnessed it; nil where it was never said.
    package var witnessed: UInt64?
    /// Up to where neighbours hold it, by their names; nil where none was asked.
    package var neighbours: [String: UInt64]?

    package init(
        log: String, first: UInt64, last: UInt64, checkpoints: Int,
        newest: AuditCheckpoint?, fault: AuditFault?, witnessed: UInt64? = nil,
        neighbours: [String: UInt64]? = nil
    ) {
        self.neighbours = neighbours
        self.log = log
        self.first = first
        self.last = last
        self.checkpoints = checkpoints
        self.newest = newest
        self.fault = fault
        self.witnessed = witnessed
    }
}

/// A stretch of a log, oldest first, as it is kept.
package struct AuditPage: Hashable, Codable, Sendable {
    package var log: String
    package var items: [AuditEntry]
    package var asOf: WallTime

    package init(log: String, items: [AuditEntry], asOf: WallTime) {
        self.log = log
        self.items = items
        self.asOf = asOf
    }
}

/// What a store holds of its audit log at start.
package struct AuditTail: Hashable, Sendable {
    /// The last record, and the hash of the chain up to it; zero and nil where there is none.
    package var index: UInt64
    package var head: AuditHash?
    /// Where the log begins since it was pruned; nil where it was not.
    package var start: AuditCheckpoint?
    /// The newest checkpoint.
    package var newest: AuditCheckpoint?
    /// The records at which a checkpoint is kept for good, rising.
    package var kept: [UInt64]

    package init(
        index: UInt64 = 0, head: AuditHash? = nil, start: AuditCheckpoint? = nil,
        newest: AuditCheckpoint? = nil, kept: [UInt64] = []
    ) {
        self.index = index
        self.head = head
        self.start = start
        self.newest = newest
        self.kept = kept
    }
}

/// One change to an audit log in a store.
package enum AuditWrite: Hashable, Sendable {
    case append(AuditEntry)
    /// Covers all records so far. It replaces the one before it, unless that is kept.
    case checkpoint(AuditCheckpoint, isKept: Bool)
    /// Records up to here go; the checkpoint at this record is where the log begins from now on.
    case prune(through: UInt64)
}
