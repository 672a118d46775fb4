import Foundation
import Membership
import Model
import Transport
import Trust

/// What a node keeps of its mesh across restarts: its key, the number of its runs, its port, and the
/// roster with the hub's signature.
struct MeshFiles: Sendable {
    private let directory: String
    private let keyFile: String
    private let vault: Vault

    /// `state` is the agent's directory.
    init(state: String, of vault: Vault) throws(HostError) {
        self.vault = vault
        directory = state + "/mesh"
        keyFile = state + "/identity/mesh.key"
        try PrivateFile.makeDirectory(directory)
    }

    /// The key by which the node signs what it says in the mesh; made where there is none.
    func seal() throws(HostError) -> NodeSeal {
        if let text = try vault.read(keyFile) {
            let line = text.split(separator: "\n").first ?? ""
            guard let seed = bytes(hexadecimal: line), let seal = NodeSeal(seed: seed) else {
                throw .identity(
                    "the key in \(keyFile) cannot be read; remove the file: a new one is made, and "
                        + "the hub tells the other nodes of it")
            }
            return seal
        }
        let seed = Entropy.bytes(32)
        guard let seal = NodeSeal(seed: seed) else {
            preconditionFailure("32 bytes are a seed of Ed25519")
        }
        try vault.write(hexadecimal(seed) + "\n", to: keyFile)
        return seal
    }

    /// A number above those of all runs before, on disk before it is used.
    func nextIncarnation() throws(HostError) -> UInt32 {
        // A file that is damaged is no reason to stay away: others tell this node of a higher run.
        let last = try number(in: "incarnation") ?? 0
        let next = UInt32(clamping: last) &+ 1
        try keep(incarnation: next)
        return next
    }

    func keep(incarnation: UInt32) throws(HostError) {
        try PrivateFile.write("\(incarnation)\n", to: directory + "/incarnation")
    }

    /// The port of the last run; nil where there was none.
    func port() throws(HostError) -> Int? { try number(in: "port") }

    func keep(port: Int) throws(HostError) {
        guard try number(in: "port") != port else { return }
        try PrivateFile.write("\(port)\n", to: directory + "/port")
    }

    /// The roster that was kept; nil where there is none.
    func roster(trusting roots: String) throws(HostError) -> Roster? {
        let path = directory + "/roster.json"
        guard let text = try PrivateFile.read(path) else { return nil }
        do {
            return try JSONDecoder().decode(SignedRoster.self, from: Data(text.utf8))
                .opened(trusting: roots)
        } catch {
            throw .identity(
                "the roster in \(path) is not used: \(error); the hub hands out another")
        }
    }

    func keep(_ roster: SignedRoster) throws(HostError) { try write(roster, as: "roster") }

    /// The plan that was kept; nil where there is none.
    func plan(trusting roots: String) throws(HostError) -> KeptPlan? {
        let path = directory + "/plan.json"
        guard let text = try PrivateFile.read(path) else { return nil }
        do {
            let signed = try JSONDecoder().decode(SignedPlan.self, from: Data(text.utf8))
            return KeptPlan(plan: try signed.opened(trusting: roots), signed: signed)
        } catch {
            throw .identity(
                "the plan in \(path) is not used: \(error); the hub or a neighbour has another")
        }
    }

    func keep(_ plan: SignedPlan) throws(HostError) { try write(plan, as: "plan") }

    private func write(_ content: some Encodable, as name: String) throws(HostError) {
        do {
            try PrivateFile.write(json: content, to: directory + "/\(name).json")
        } catch let error as HostError {
            throw error
        } catch {
            throw .identity("the \(name) cannot be written: \(error)")
        }
    }

    // MARK: - The node's own log

    /// A record of this node as it is kept; whose it is the directory says.
    private struct Kept: Codable {
        var sequence: UInt32
        var stamp: UInt64
        var key: String
        var value: [UInt8]
        var isTombstone: Bool
        var signature: [UInt8]
    }

    /// What this node said before it stopped, so that no number is given twice. A last line that a
    /// crash cut off was never sent.
    func log(of node: NodeID) throws(HostError) -> [Record] {
        let text = try PrivateFile.read(directory + "/log") ?? ""
        var records: [Record] = []
        for line in text.split(separator: "\n") {
            do {
                let kept = try JSONDecoder().decode(Kept.self, from: Data(line.utf8))
                records.append(
                    Record(
                        origin: node, sequence: kept.sequence,
                        stamp: HybridStamp(bits: kept.stamp), key: kept.key, value: kept.value,
                        isTombstone: kept.isTombstone, signature: kept.signature))
            } catch {
                break
            }
        }
        // Rewritten whole, which also ends a line that was cut off.
        let kept = records.suffix(MeshFiles.recordsMax)
        try PrivateFile.write(
            try kept.map { (record) throws(HostError) in try MeshFiles.line(record) }.joined(),
            to: directory + "/log")
        return Array(kept)
    }

    func append(_ record: Record) throws(HostError) {
        let path = directory + "/log"
        do {
            guard let file = FileHandle(forWritingAtPath: path) else {
                throw HostError.file(path, doing: "write", "it is gone")
            }
            defer { file.closeFile() }
            try file.seekToEnd()
            try file.write(contentsOf: Data(try MeshFiles.line(record).utf8))
            try file.synchronize()
        } catch let error as HostError {
            throw error
        } catch {
            throw .file(path, doing: "write", error.localizedDescription)
        }
    }

    private static func line(_ record: Record) throws(HostError) -> String {
        do {
            let kept = Kept(
                sequence: record.sequence, stamp: record.stamp.bits, key: record.key,
                value: record.value, isTombstone: record.isTombstone, signature: record.signature)
            return String(decoding: try JSONEncoder().encode(kept), as: UTF8.self) + "\n"
        } catch {
            throw .identity("a record of the mesh cannot be written: \(error)")
        }
    }

    /// As many as the mesh keeps of one origin.
    private static let recordsMax = 1024

    private func number(in file: String) throws(HostError) -> Int? {
        try PrivateFile.read(directory + "/" + file).flatMap {
            Int($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }
}
