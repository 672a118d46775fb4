package import Model

/// A port of this node in front of one port of an instance.
package struct Front: Hashable, Comparable, Sendable {
    package var instance: InstanceID
    /// What the port of the workload is called.
    package var name: String
    /// Where others call.
    package var number: Int
    /// Where the workload listens.
    package var target: Int

    package static func < (left: Front, right: Front) -> Bool {
        (left.number, left.instance, left.name) < (right.number, right.instance, right.name)
    }
}

extension Agent {
    /// The ports that should stand in front of what runs here. Of several that want one number the first
    /// copy has it.
    package func fronts(at now: WallTime) -> [Front] {
        var taken: Set<Int> = []
        return held.rows.flatMap { instance in
            let status = instance.status(on: configuration, at: now)
            guard status.phase == .running || status.phase == .degraded else { return [Front]() }
            let ports = effective[status.id.workload]?.workload.spec.containers.flatMap(\.ports)
            return (ports ?? []).compactMap { port in
                guard let number = port.front, let target = status.ports[port.name] else {
                    return nil
                }
                return Front(
                    instance: status.id, name: port.name, number: number, target: target)
            }
        }.sorted().filter { taken.insert($0.number).inserted }
    }
}
