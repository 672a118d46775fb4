package import Model

/// Two changes of one spec brought together, field by field.
///
/// A field that one side changed is taken from that side. One that both changed to something else is a
/// conflict; there the favoured side's value stands. Commutes with repetition: merging the result once
/// more with the same change gives the same result.
package struct SpecMerge: Equatable, Sendable {
    package private(set) var spec: WorkloadSpec
    /// What the node changed: `restartPolicy`, `containers[web].image`.
    package private(set) var fields: [String]
    /// Which of these the hub changed as well, to something else.
    package private(set) var conflicts: [String]

    /// Without a base everything in which the two differ is a conflict.
    package init(base: WorkloadSpec?, hub: WorkloadSpec, node: WorkloadSpec, favouring side: Side) {
        var merge = ThreeWay(base: base, hub: hub, node: node, side: side)
        merge.field("tier", \.tier)
        merge.field("replicas", \.replicas)
        merge.field("selector", \.selector)
        merge.field("restartPolicy", \.restartPolicy)
        merge.field("dependsOn", \.dependsOn)
        merge.field("stopGrace", \.stopGrace)
        merge.field("disconnect", \.disconnect)
        let names = hub.containers.map(\.name)
        let isAligned = node.containers.map(\.name) == names
        if isAligned, let base, base.containers.map(\.name) == names {
            for index in names.indices {
                merge.container(
                    at: index, base: base.containers[index], hub: hub.containers[index],
                    node: node.containers[index])
            }
        } else {
            merge.field("containers", \.containers)
        }
        spec = merge.result
        fields = merge.fields
        conflicts = merge.conflicts
    }
}

private struct ThreeWay<Whole> {
    let base: Whole?
    let hub: Whole
    let node: Whole
    let side: Side
    var result: Whole
    var fields: [String] = []
    var conflicts: [String] = []

    init(base: Whole?, hub: Whole, node: Whole, side: Side) {
        self.base = base
        self.hub = hub
        self.node = node
        self.side = side
        result = hub
    }

    mutating func field<Value: Equatable>(_ name: String, _ path: WritableKeyPath<Whole, Value>) {
        let was = base?[keyPath: path]
        let atHub = hub[keyPath: path]
        let atNode = node[keyPath: path]
        guard atNode != was else { return }
        fields.append(name)
        guard atNode != atHub else { return }
        if atHub != was {
            conflicts.append(name)
            guard side == .node else { return }
        }
        result[keyPath: path] = atNode
    }
}

extension ThreeWay<WorkloadSpec> {
    fileprivate mutating func container(
        at index: Int, base: ContainerSpec, hub: ContainerSpec, node: ContainerSpec
    ) {
        var merge = ThreeWay<ContainerSpec>(base: base, hub: hub, node: node, side: side)
        merge.field("image", \.image)
        merge.field("signatures", \.signatures)
        merge.field("command", \.command)
        merge.field("env", \.env)
        merge.field("ports", \.ports)
        merge.field("probes", \.probes)
        merge.field("resources", \.resources)
        merge.field("mounts", \.mounts)
        merge.field("workingDirectory", \.workingDirectory)
        result.containers[index] = merge.result
        let place = "containers[\(hub.name)]."
        fields += merge.fields.map { place + $0 }
        conflicts += merge.conflicts.map { place + $0 }
    }
}
