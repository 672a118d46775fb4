import Membership
package import Model
import Trust

/// What a node says of itself in the mesh: facts by key, published as far as they differ from what it
/// said before.
extension NodeMesh {
    /// Where facts come from: each source says all of its own at once.
    enum Source: String {
        case policies = "p"
        case site = "d"
        case services = "s"
        case revocations = "r"
        /// Where a node's audit log stands, and what others hold of it.
        case audit = "a"
        case witness = "w"
    }

    /// Every key ends with its owner, so that no two nodes write the same.
    func key(_ source: Source, _ name: String) -> String {
        NodeMesh.key(source, name, of: place.node)
    }

    static func key(_ source: Source, _ name: String, of owner: NodeID) -> String {
        source.rawValue + "/" + NodeMesh.mark(of: owner) + "/" + name
    }

    /// Eight digits for a node. Two that are alike cannot be in one roster.
    private static func mark(of node: NodeID) -> String {
        let digits = String(FactKey.hash(node.text), radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Tells which policies and which generation of the site this node has, and hands them out.
    package func announce(_ bundles: [PolicyBundle], siteGeneration: UInt64) {
        var facts: [String: [UInt8]] = [:]
        contents = [:]
        for bundle in bundles {
            guard let policy = bundle.claimed else { continue }
            let bytes = bundle.bytes
            let digest = contentDigest(of: bytes)
            contents[digest] = bytes
            facts[key(.policies, policy.name)] = Array(
                "\(policy.version) \(bytes.count) \(digest)".utf8)
        }
        state(facts, from: .policies)
        state([key(.site, place.site.text): Array("\(siteGeneration)".utf8)], from: .site)
    }

    /// Puts what a source says in the place of what it said before.
    func state(_ facts: [String: [UInt8]], from source: Source) {
        self.facts[source] = facts
        isBehind = true
        catchUp()
    }

    /// Publishes what differs, each with a signature and on disk before it leaves. What cannot be said
    /// yet is tried again with the next tick.
    func catchUp() {
        guard isBehind else { return }
        let wanted = facts.values.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
        let said = mesh.logs.registers.filter { $1.record.origin == place.node }
        for (key, value) in wanted.sorted(by: { $0.key < $1.key }) {
            if let record = mesh.logs.registers[key]?.record, record.origin == place.node,
                !record.isTombstone, record.value == value
            {
                continue
            }
            guard publish(key, value) else { return }
        }
        for (key, register) in said where wanted[key] == nil && !register.record.isTombstone {
            guard publish(key, [], isTombstone: true) else { return }
        }
        isBehind = false
    }

    private func publish(_ key: String, _ value: [UInt8], isTombstone: Bool = false) -> Bool {
        do {
            let record = try mesh.draft(
                key: key, value: value, isTombstone: isTombstone, at: now())
            guard try publish(record) else { return false }
            while let upkeep = try mesh.draftUpkeep(at: now()) {
                guard try publish(upkeep) else { return false }
            }
            return true
        } catch let error as Mesh.DraftError {
            if case .tooLarge = error { return true }
            // Others hold records of this node that it lost; they are on their way.
            return false
        } catch {
            remark("what this node says of itself is not spread: \(error)")
            return false
        }
    }

    private func publish(_ draft: Record) throws -> Bool {
        var record = draft
        guard let signature = seal.sign(record.signedBytes) else { return false }
        record.signature = signature
        try keep(record)
        give(.publish(record))
        return true
    }

    // MARK: - What others say

    func note(_ record: Record) {
        guard let fact = FactKey(record) else { return }
        if fact.source == .revocations { return moveContent() }
        if fact.source == .audit, !record.isTombstone { witness(record) }
        guard let offer = fact.offer(record) else { return }
        outlook.yield(.offered(offer))
    }

    /// Which node has which revision of what.
    package var holdings: [MeshHolding] {
        mesh.logs.registers.rows.map(\.record).filter { !$0.isTombstone && keys[$0.origin] != nil }
            .compactMap { record in
                guard let fact = FactKey(record) else { return nil }
                let words = String(decoding: record.value, as: UTF8.self).split(separator: " ")
                guard let version = words.first.flatMap({ UInt64($0) }) else { return nil }
                switch fact.source {
                case .policies:
                    return MeshHolding(
                        node: record.origin, subject: "Policy/" + fact.name, version: version)
                case .site:
                    return MeshHolding(
                        node: record.origin, subject: "Site/" + fact.name, version: version)
                case .revocations:
                    return MeshHolding(
                        node: record.origin, subject: "Revocations/" + fact.name, version: version)
                case .services, .audit, .witness: return nil
                }
            }
    }

    /// The records whose keys or origins begin so, and how they came here.
    package func traces(of text: String) -> [MeshTrace] {
        mesh.logs.registers.rows.map(\.record).filter { record in
            let name = FactKey(record)?.name ?? record.key
            return record.key == text || name == text || record.origin.text == text
                || text.isEmpty
        }.map { record in
            let arrival = arrivals[NodeMesh.Arrival(record)]
            return MeshTrace(
                key: record.key, origin: record.origin, sequence: UInt64(record.sequence),
                writtenAt: record.stamp.wall, via: arrival?.via, arrivedAt: arrival?.at,
                isTombstone: record.isTombstone, sizeBytes: record.value.count,
                holders: mesh.holders(of: record))
        }
    }

    /// Which record came.
    struct Arrival: Hashable {
        let origin: NodeID
        let sequence: UInt32

        init(_ record: Record) {
            origin = record.origin
            sequence = record.sequence
        }
    }

    func noteArrivals(_ records: [Record], from sender: NodeID) {
        let wall = now().wall
        for record in records where arrivals[Arrival(record)] == nil {
            // A trace is for people; of very many records the newest are what they ask for.
            if arrivals.count >= NodeMesh.arrivalsMax { arrivals = [:] }
            arrivals[Arrival(record)] = (sender, wall)
        }
    }
}

/// A key of a fact, taken apart. Only its owner may write it.
struct FactKey {
    let source: NodeMesh.Source
    let name: String

    init?(_ record: Record) {
        let parts = record.key.split(
            separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let source = NodeMesh.Source(rawValue: String(parts[0])),
            UInt32(parts[1], radix: 16) == FactKey.hash(record.origin.text),
            FactKey.isName(parts[2])
        else { return nil }
        self.source = source
        name = String(parts[2])
    }

    /// A name of anything, or of an instance with its number.
    private static func isName(_ text: Substring) -> Bool {
        isDNSLabel(String(text)) || InstanceID(String(text)) != nil
    }

    /// FNV-1a in 32 bits, as members are named on the wire.
    static func hash(_ text: String) -> UInt32 {
        text.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
    }

    /// The policy that its owner has; nil where it says no such thing.
    func offer(_ record: Record) -> PolicyOffer? {
        guard source == .policies, !record.isTombstone else { return nil }
        let words = String(decoding: record.value, as: UTF8.self)
            .split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        guard words.count == 3, let version = UInt64(words[0]), let size = Int(words[1]),
            (1...PolicyPayload.bytesMax + 1024).contains(size), words[2].utf8.count == 64
        else { return nil }
        return PolicyOffer(
            policy: PolicyReference(name: name, version: version), digest: words[2],
            sizeBytes: size)
    }
}
