/// What the nodes of a mesh decide about together, and how it was meant: the workloads with their
/// manifests, where each instance was placed, and the nodes that may have it instead.
///
/// The hub makes it and signs it; anybody may carry it. One of a lower version never replaces one of a
/// higher.
package struct SitePlan: Hashable, Codable, Sendable {
    /// A node that takes part.
    package struct Place: Hashable, Codable, Sendable {
        package var node: NodeID
        package var labels: [String: String]
        package var isCordoned: Bool

        package init(node: NodeID, labels: [String: String] = [:], isCordoned: Bool = false) {
            self.node = node
            self.labels = labels
            self.isCordoned = isCordoned
        }
    }

    /// Where an instance is, by the hub's word.
    package struct Home: Hashable, Codable, Sendable {
        package var instance: InstanceID
        package var node: NodeID
        /// The newest claim that the hub knew of, or one above it where the hub moved the instance.
        package var epoch: UInt64

        package init(instance: InstanceID, node: NodeID, epoch: UInt64) {
            self.instance = instance
            self.node = node
            self.epoch = epoch
        }
    }

    package var site: SiteID
    package var version: RosterVersion
    /// By name.
    package var places: [Place]
    package var workloads: [Workload]
    /// By instance.
    package var homes: [Home]

    package init(
        site: SiteID, version: RosterVersion, places: [Place] = [], workloads: [Workload] = [],
        homes: [Home] = []
    ) {
        self.site = site
        self.version = version
        self.places = places
        self.workloads = workloads
        self.homes = homes
    }

    /// Whether it says the same, whatever its number.
    package func agrees(with other: SitePlan) -> Bool {
        site == other.site && places == other.places && workloads == other.workloads
            && homes == other.homes
    }

    package func workload(_ id: WorkloadID) -> Workload? { workloads.first { $0.id == id } }

    package func home(of instance: InstanceID) -> Home? {
        homes.first { $0.instance == instance }
    }

    /// Whether a node may be given an instance: its labels match, and nobody has cordoned it.
    package func admits(_ node: NodeID, to spec: WorkloadSpec) -> Bool {
        guard let place = places.first(where: { $0.node == node }), !place.isCordoned else {
            return false
        }
        return spec.selector.allSatisfy { key, value in
            switch key {
            case "site": site.text == value
            case "node": node.text == value
            default: place.labels[key] == value
            }
        }
    }
}

/// A plan as it travels: its text, and the hub's signature with the certificates that prove it.
package struct SignedPlan: Hashable, Codable, Sendable {
    package var lines: [String]
    /// ECDSA over the lines, each with a line feed behind it; DER in hexadecimal.
    package var signature: String
    /// PEM of the signer's certificate and of those above it.
    package var chain: String

    package init(lines: [String], signature: String, chain: String) {
        self.lines = lines
        self.signature = signature
        self.chain = chain
    }

    /// The first of its lines: no other text that is signed begins so.
    package static let heading = "skerry.dev/v1 plan"
    /// What its content may take.
    package static let bytesMax = 262_144
}

extension WorkloadSpec {
    /// Whether a mesh decides where its instances run. One that runs on every node is nobody's to take
    /// over, and one whose `disconnect` does not say `replace` stays where it is.
    package var isClaimable: Bool {
        guard case .count = replicas else { return false }
        return disconnect?.replace ?? true
    }
}
