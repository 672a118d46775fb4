package import Model

/// The sites, nodes and workloads of a fleet that is in order when its story begins.
package struct Cast: Sendable {
    package struct Member: Sendable {
        package var node: NodeID
        package var site: SiteID

        package init(node: NodeID, site: SiteID) {
            self.node = node
            self.site = site
        }
    }

    package var sites: [Site]
    package var nodes: [Member]
    package var workloads: [Workload]

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
