/// A healthy instance of a workload, and where it is reached: what a name stands for.
package struct ServiceEndpoint: Hashable, Codable, Sendable {
    package var service: WorkloadID
    package var instance: InstanceID
    package var node: NodeID
    package var site: SiteID
    /// The address of the node, without a port.
    package var host: String
    /// Port name to port.
    package var ports: [String: Int]
    /// It is on the node that answers.
    package var isLocal: Bool
    /// How busy its node says it is, 0 to 1.
    package var load: Double
    /// Since its node was last heard of; zero for the node itself.
    package var age: Interval

    package init(
        service: WorkloadID, instance: InstanceID, node: NodeID, site: SiteID, host: String,
        ports: [String: Int], isLocal: Bool, load: Double, age: Interval
    ) {
        self.service = service
        self.instance = instance
        self.node = node
        self.site = site
        self.host = host
        self.ports = ports
        self.isLocal = isLocal
        self.load = load
        self.age = age
    }
}

/// The answer to what serves: the best instance of each service first.
package struct ServiceList: Hashable, Codable, Sendable {
    package var items: [ServiceEndpoint]
    package var asOf: WallTime

    package init(items: [ServiceEndpoint], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}

extension ServiceEndpoint {
    /// Nearest first, then least loaded: what is on the node itself is nearest, and loads that differ
    /// by less than an eighth are alike, so that two nodes do not change places all day.
    package static func isPreferred(_ left: ServiceEndpoint, _ right: ServiceEndpoint) -> Bool {
        if left.service != right.service { return left.service < right.service }
        if left.isLocal != right.isLocal { return left.isLocal }
        let (leftLoad, rightLoad) = (Int(left.load * 8), Int(right.load * 8))
        if leftLoad != rightLoad { return leftLoad < rightLoad }
        if left.node != right.node { return left.node < right.node }
        return left.instance < right.instance
    }
}

/// An instance that a node says is healthy, as its neighbours hear of it.
package struct Registration: Hashable, Sendable {
    package var instance: InstanceID
    package var ports: [String: Int]

    package init(instance: InstanceID, ports: [String: Int]) {
        self.instance = instance
        self.ports = ports
    }

    /// `http=8080 metrics=9090`, in the order of names.
    package var text: String {
        ports.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }

    /// Reads what `text` wrote about this instance; nil for anything else.
    package init?(instance name: String, text: String) {
        guard let instance = InstanceID(name) else { return nil }
        var ports: [String: Int] = [:]
        for word in text.split(separator: " ") {
            let parts = word.split(separator: "=", omittingEmptySubsequences: false)
            guard parts.count == 2, isDNSLabel(String(parts[0])), let port = Int(parts[1]),
                (1...65_535).contains(port), ports.count < 16
            else { return nil }
            ports[String(parts[0])] = port
        }
        self.init(instance: instance, ports: ports)
    }
}
