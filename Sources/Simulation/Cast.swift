package import Model

/// The sites, nodes and workloads of a fleet that is in order when its story begins.
package struct Cast: Sendable {
    package struct Member: Sendable {
        package var node: NodeID
        package var site: SiteID
        package var labels: [String: String]
        package var cordoned: Bool

        package init(
            node: NodeID, site: SiteID, labels: [String: String] = [:], cordoned: Bool = false
        ) {
            self.node = node
            self.site = site
            self.labels = labels
            self.cordoned = cordoned
        }
    }

    package var sites: [Site]
    package var nodes: [Member]
    package var workloads: [Workload]
    /// What people apply in the course of it, and when.
    package var changes: [Change] = []

    /// What somebody applies at the hub, or at a node.
    package struct Change: Sendable {
        package var at: Duration
        package var object: Object
        /// By number; nil for at the hub.
        package var node: Int?
    }

    package init(sites: [Site], nodes: [Member], workloads: [Workload]) {
        self.sites = sites
        self.nodes = nodes
        self.workloads = workloads
    }
}

/// Somebody who looks at a world from outside.
protocol Watcher: AnyObject {
    /// Whether it wants to look at this virtual time.
    func isDue(_ time: Int64) -> Bool
    func look(_ world: World)
}
