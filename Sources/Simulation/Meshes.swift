import Membership
import Model

/// What lies between the nodes of one site: a path of its own, which no cut of the hub touches.
package struct LocalLinks: Equatable, Sendable {
    /// Of datagrams, in each direction.
    package var loss: Double
    /// One way, in seconds; up to half as much comes on top by chance.
    package var latency: Double

    package init(loss: Double, latency: Double) {
        self.loss = loss
        self.latency = latency
    }
}

/// The meshes of all sites, as far as they are no node's own: the paths between them, what the hub
/// dealt, and what was said.
struct Meshes {
    let links: LocalLinks
    var random: Random
    /// What hubs signed, in the order in which they did.
    var rosters: [Roster] = []
    var plans: [SitePlan] = []
    /// Bytes on the wire, with what the link adds: gossip, claims, and messages on links to the hub.
    var gossipBytes = 0
    var claimBytes = 0
    var linkBytes = 0

    init(_ links: LocalLinks, seed: UInt64) {
        self.links = links
        // Apart from all other chance, so that a mesh changes nothing that was drawn without it.
        random = Random(seed: seed ^ 0x3E54)
    }

    /// After how long a datagram arrives, in nanoseconds; nil where it is lost.
    mutating func passage() -> Int64? {
        guard !random.chance(links.loss) else { return nil }
        return Int64(links.latency * (1 + 0.5 * random.unit) * 1e9)
    }

    /// What a seal and the layers below it add to a datagram.
    static let overhead = Membership.Limits.production.overheadBytes
}

/// A node's part in the mesh of its site. The disk's share of it outlives the process.
struct Neighbour {
    // The process.
    var mesh: Mesh?
    /// Counts the times at which it asked to be woken: only the latest holds.
    var turn = 0
    /// What it says of itself, and whether all of it is said.
    var facts: [String: [UInt8]] = [:]
    var isBehind = false

    // The disk.
    var incarnation: UInt32 = 0
    var log: [Record] = []
    var roster: Roster?
}

/// What a hub dealt, once it is on a node's disk.
enum MeshPaper {
    case roster(Int)
    case plan(Int)
}
