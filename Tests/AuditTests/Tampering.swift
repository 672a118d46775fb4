import Audit
import Model

/// A log as it lies in a store, for tests to bend.
struct Kept {
    static let key: AuditKey = {
        guard let key = AuditKey(seed: [UInt8](repeating: 7, count: 32)) else {
            preconditionFailure("32 bytes are a seed")
        }
        return key
    }()

    struct Row: Equatable {
        var index: UInt64
        var hash: AuditHash
        var text: [UInt8]
    }

    var rows: [Row] = []
    var checkpoints: [AuditCheckpoint] = []
    var start: AuditCheckpoint?
    private var chain = AuditChain(of: "n1")

    /// A checkpoint after each `every` records, and one that covers the last.
    init(_ count: Int, every: Int = 16) {
        for number in 1...count {
            append(act(number))
            if number % every == 0 || number == count { sign() }
        }
    }

    mutating func append(_ act: AuditAct) {
        let entry = chain.append(act, at: WallTime(milliseconds: Int64(chain.index) * 1000))
        rows.append(Row(index: entry.index, hash: entry.hash, text: Array(entry.text.utf8)))
    }

    mutating func sign() {
        let time = WallTime(milliseconds: Int64(chain.index) * 1000)
        checkpoints.append(Kept.key.checkpoint(of: chain, at: time))
    }

    func verdict(key: AuditVerifyingKey = Kept.key.verifier) -> AuditFault? {
        var verifier = AuditVerifier(
            log: "n1", key: key, start: start, checkpoints: checkpoints)
        for row in rows.sorted(by: { $0.index < $1.index }) {
            if verifier.isDone { break }
            verifier.take(index: row.index, hash: row.hash, text: row.text)
        }
        return verifier.finish()
    }

    /// Makes all hashes from a record on as if it had always been so.
    mutating func rehash(from position: Int) {
        var head = position == 0 ? AuditChain.origin(of: "n1") : rows[position - 1].hash
        for later in position..<rows.count {
            head = AuditChain.next(head, rows[later].text)
            rows[later].hash = head
        }
    }
}

func act(_ number: Int) -> AuditAct {
    AuditAct(
        who: "user/ann", action: number % 3 == 0 ? "exec" : "apply",
        target: "Workload/shop-\(number)", decision: number % 5 == 0 ? .deny : .allow,
        reasons: ["roles/operator/0"], policies: [PolicyReference(name: "roles", version: 7)],
        request: "\(number)")
}
