import Audit
import Membership
package import Model
import Trust

/// Neighbours as witnesses: each node says in the mesh where its audit log stands, and two others hold
/// the newest of that against it, in records of their own, which its owner cannot take back.
extension NodeMesh {
    /// Who holds the log of a node: those behind it in the roster, which begins anew at its end. Two, so
    /// that one may be away; more would cost each node a record for every other.
    private static let witnessCount = 2
    private static let logName = "log"

    /// What this node holds of the log of another.
    struct HeldLog: Equatable {
        /// The key in the roster of who said so: one that is enrolled anew begins a new log.
        var seal: String
        var witness: AuditWitness
    }

    /// At most so often does a node say it: each of these words goes to every member.
    private static let attestPause = Duration.seconds(120)

    /// Says where the audit log of this node stands, now or as soon as it may again.
    package func attest(_ checkpoint: AuditCheckpoint, key text: String) {
        unattested =
            CheckpointWord(
                checkpoint: checkpoint, key: text, seal: NodeMesh.mark(ofSeal: seal.publicKey)
            ).bytes
        attest()
    }

    func attest() {
        guard let word = unattested else { return }
        let now = now().monotonic
        if let attestedAt, now - attestedAt < NodeMesh.attestPause { return }
        (unattested, attestedAt) = (nil, now)
        state([key(.audit, NodeMesh.logName): word], from: .audit)
    }

    private static func mark(ofSeal key: String) -> String { String(key.prefix(16)) }

    /// What others hold of this node's audit log: by whose word, up to where. Only what bears the
    /// signature of that key counts, or a neighbour could say of this node whatever it likes.
    package func witnessed(by key: String) -> [AuditTestimony] {
        mesh.logs.registers.rows.map(\.record).compactMap { record in
            guard !record.isTombstone, record.origin != place.node, keys[record.origin] != nil,
                let fact = FactKey(record), fact.source == .witness,
                fact.name == place.node.text,
                let word = CheckpointWord(record.value, of: place.node), word.key == key,
                AuditVerifyingKey(text: key)?.verifies(word.checkpoint) == true
            else { return nil }
            return AuditTestimony(node: record.origin, checkpoint: word.checkpoint)
        }
    }

    /// What this node held before it stopped, so that it is not taken back.
    static func heldLogs(in own: [Record], of node: NodeID) -> [NodeID: HeldLog] {
        var held: [NodeID: HeldLog] = [:]
        for record in own where record.origin == node {
            guard let fact = FactKey(record), fact.source == .witness else { continue }
            let other = NodeID(fact.name)
            // In the order in which they were written: the last word counts.
            held[other] =
                record.isTombstone
                ? nil
                : CheckpointWord(record.value, of: other).map {
                    HeldLog(seal: $0.seal, witness: $0.witness)
                }
        }
        return held
    }

    /// What a source said before this node stopped.
    static func said(
        _ source: Source, in own: [Record], by node: NodeID
    ) -> [String: [UInt8]] {
        var facts: [String: [UInt8]] = [:]
        for record in own where record.origin == node {
            guard FactKey(record)?.source == source else { continue }
            facts[record.key] = record.isTombstone ? nil : record.value
        }
        return facts
    }

    /// A neighbour says where its log stands.
    func witness(_ record: Record) {
        let node = record.origin
        guard node != place.node, isWitness(of: node),
            let seal = keys[node].map(NodeMesh.mark(ofSeal:)),
            let word = CheckpointWord(record.value, of: node)
        else { return }
        let known = held[node].flatMap { $0.seal == seal ? $0 : nil }
        if let doubt = word.checkpoint.contradiction(signedBy: word.key, to: known?.witness) {
            // What was held before stays: it is what shows the lie.
            guard var known, known.witness.doubt == nil else { return }
            known.witness.doubt = doubt
            held[node] = known
            outlook.yield(.doubted(node, doubt))
            return
        }
        guard known?.witness.newest.index != word.checkpoint.index else { return }
        var witness = word.witness
        witness.doubt = known?.witness.doubt
        held[node] = HeldLog(seal: seal, witness: witness)
        state(words(of: held), from: .witness)
    }

    private func words(of held: [NodeID: HeldLog]) -> [String: [UInt8]] {
        NodeMesh.words(of: held, by: place.node)
    }

    static func words(of held: [NodeID: HeldLog], by owner: NodeID) -> [String: [UInt8]] {
        var facts: [String: [UInt8]] = [:]
        for (node, log) in held {
            facts[key(.witness, node.text, of: owner)] =
                CheckpointWord(
                    checkpoint: log.witness.newest, key: log.witness.key, seal: log.seal
                ).bytes
        }
        return facts
    }

    private func isWitness(of node: NodeID) -> Bool {
        let members = roster.members.map(\.node).sorted()
        guard let place = members.firstIndex(of: node) else { return false }
        return (1...NodeMesh.witnessCount).contains {
            members[(place + $0) % members.count] == self.place.node
        }
    }
}

/// A checkpoint as it travels in the mesh: `INDEX HEAD MILLISECONDS SIGNATURE KEY SEAL`.
struct CheckpointWord {
    var checkpoint: AuditCheckpoint
    var key: String
    var seal: String

    init(checkpoint: AuditCheckpoint, key: String, seal: String) {
        self.checkpoint = checkpoint
        self.key = key
        self.seal = seal
    }

    /// Nothing of it is believed before its signature is checked.
    init?(_ bytes: [UInt8], of node: NodeID) {
        guard bytes.count <= 512 else { return nil }
        let words = String(decoding: bytes, as: UTF8.self)
            .split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 6, let index = UInt64(words[0]), index > 0,
            let head = AuditHash(words[1]), let time = Int64(words[2])
        else { return nil }
        checkpoint = AuditCheckpoint(
            log: "node/\(node)", index: index, head: head, at: WallTime(milliseconds: time),
            signature: words[3])
        (key, seal) = (words[4], words[5])
    }

    var bytes: [UInt8] {
        Array(
            ("\(checkpoint.index) \(checkpoint.head) \(checkpoint.at.milliseconds) "
                + "\(checkpoint.signature) \(key) \(seal)").utf8)
    }

    var witness: AuditWitness { AuditWitness(key: key, newest: checkpoint, leaf: 0) }
}
