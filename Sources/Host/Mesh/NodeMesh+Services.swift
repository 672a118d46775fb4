import Membership
package import Model

/// What serves in the mesh: each node says which of its instances are healthy, and is believed for as
/// long as it is heard, in the run in which it said so.
extension NodeMesh {
    /// The healthy instances of this node, all of them.
    package func register(_ registrations: [Registration]) {
        var facts: [String: [UInt8]] = [:]
        for registration in registrations {
            facts[key(.services, registration.instance.description)] = Array(
                "\(mesh.incarnation) \(registration.text)".utf8)
        }
        state(facts, from: .services)
    }

    /// The healthy instances of other nodes. None of a node that is quiet: it is passed over at once,
    /// and comes back as soon as it is heard. None of before a restart of its node, since whoever was
    /// away does not know what still runs.
    package func services() -> [ServiceEndpoint] {
        let time = now().monotonic
        var peers: [NodeID: PeerView] = [:]
        for peer in mesh.view(at: time) where peer.liveness == .alive { peers[peer.node] = peer }
        return mesh.logs.registers.rows.map(\.record).compactMap { record in
            guard let peer = peers[record.origin], !record.isTombstone, keys[record.origin] != nil,
                let fact = FactKey(record), fact.source == .services,
                let host = hosts[record.origin]
            else { return nil }
            let words = String(decoding: record.value, as: UTF8.self)
                .split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard let run = words.first.flatMap({ UInt32($0) }), run == peer.incarnation,
                let registration = Registration(
                    instance: fact.name, text: words.count > 1 ? String(words[1]) : "")
            else { return nil }
            return ServiceEndpoint(
                service: registration.instance.workload, instance: registration.instance,
                node: record.origin, site: place.site, host: host, ports: registration.ports,
                isLocal: false, load: Double(peer.condition.load) / 255,
                age: Interval(peer.age ?? .zero))
        }
    }

    /// The addresses of the members that are here, and of this node.
    package var hosts: [NodeID: String] {
        var hosts = [place.node: MeshPlace.host(of: place.address)]
        for member in roster.members where mesh.liveness(of: member.node) == .alive {
            hosts[member.node] = MeshPlace.host(of: member.address)
        }
        return hosts
    }

    /// How this node does, which others choose by.
    package func feel(load: Double) {
        give(.condition(Condition(health: 255, load: UInt8(max(0, min(1, load)) * 255))))
    }
}
