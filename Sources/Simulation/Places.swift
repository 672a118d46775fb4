import Machines
import Model
import Trust

/// One simulated node: its machine, its agent and all that surrounds it.
///
/// A class, so that a look at one field does not copy all of them; a world owns its places alone.
/// What is touched at each event is not watched for overlapping access, which costs a twelfth of a
/// run: there is one thread, and no closure keeps a place.
final class Place {
    let id: NodeID
    let site: SiteID
    /// Of its machine. One that is made anew has another.
    var deviceKey: [UInt8] { didSet { device = digest(ofDeviceKey: deviceKey) } }
    private(set) var device: String
    var configuration: AgentConfiguration
    @exclusivity(unchecked) var clock: Clock

    // The agent's process.
    @exclusivity(unchecked) var agent: Agent?
    /// Whether there is an agent: to ask the agent itself would copy it.
    @exclusivity(unchecked) var isUp = false
    @exclusivity(unchecked) var life = 0
    /// The first life since the node was made anew: what earlier ones began is nobody's.
    var firstLife = 0
    @exclusivity(unchecked) var store: NodeStore
    @exclusivity(unchecked) var disk: Disk<Ticket, NodeWrite> = Disk()
    /// What this life wishes to be woken for. A few, looked for one by one.
    @exclusivity(unchecked) var wishes: [Wish] = []
    @exclusivity(unchecked) var pausedUntil: Int64 = 0
    /// How often each thing was tried since when. By code: only ever looked up.
    @exclusivity(unchecked) var tries: [UInt64: (Int64, Int)] = [:]
    /// The latest wait before a reconnect, and how often it was the same in a row.
    @exclusivity(unchecked) var wait: (length: Int64, repeats: Int) = (0, 0)
    /// The hub asked this life to stay away until then.
    var unwelcomeUntil: Int64 = 0

    // The machine.
    var boot = 0
    @exclusivity(unchecked) var containers = Containers()

    /// The machine is off until then; for good where that never comes.
    var offUntil: Int64 = 0
    var isGone: Bool { offUntil == .max }

    // Its way to the hub.
    var weather = Weather()
    var cut = 0
    var isCut = false
    var attempt = 0
    /// The attempt at a link that is under way, and the one at a session that is to follow the link.
    var connecting: Int?
    var redialling: Int?
    /// The session that is open at this end, and the one that is to follow it.
    @exclusivity(unchecked) var session: Int?
    var successor: Int?
    /// The latest session that was asked for.
    var latest: Int?
    @exclusivity(unchecked) var papers = Papers()
    var connectedAt: Int64 = .min
    /// Until then an impostor answers, and whether it is the one at the other end.
    var impostorUntil: Int64 = 0
    @exclusivity(unchecked) var isMisled = false

    /// Whose disk this machine began with; nil for what is no clone.
    var original: Int?
    /// Of a clone: since when it and its original are both in talks with the hub.
    var sharedSince: Int64?

    /// Its part in the mesh of its site.
    @exclusivity(unchecked) var neighbour = Neighbour()

    // A hub that was put back.
    /// What the copy says, where the node has seen more of it and no person has chosen yet.
    var rollback: [Document]?
    /// The hub knows the node from before it was given up.
    var isGhost = false

    // Belonging.
    var isEnrolled = false
    var token: String?
    var isTokenIssued = false
    var incarnation = 0
    /// Log entries: shed by agents that are gone, missing in what arrived, and the last to arrive.
    var dropped = 0
    var missing: UInt64 = 0
    /// Two spoke in its name once: the numbers of both mean different things.
    var wasShared = false
    var arrived: UInt64 = 0
    /// Requests of people at the node, and the newest change that they were promised to find.
    var visits: UInt64 = 0
    var promised: UInt64 = 0
    /// It was welcomed by the hub that came back in a storm.
    var hasReturned = false
    /// How far a hub said that it holds the log.
    var acknowledged: UInt64 = 0

    init(
        id: NodeID, site: SiteID, drift: Double, random: inout Random, limits: AgentLimits
    ) {
        self.id = id
        self.site = site
        deviceKey = Array(id.text.utf8)
        device = digest(ofDeviceKey: deviceKey)
        configuration = AgentConfiguration(
            node: id, site: site, version: "0.1.0",
            capacity: Capacity(cpu: CPUShare(millicores: 4_000), memory: ByteCount(8 << 30)),
            portRange: 20_000...20_099, boot: 0, policyKeys: World.policyKeys, limits: limits)
        clock = Clock(drift: drift, using: &random)
        store = NodeStore(logCap: limits.logEntries)
    }
}

extension Place {
    /// Whether the outcome of this very attempt is awaited.
    func isDialling(_ attempt: Int) -> Bool { connecting == attempt || redialling == attempt }

    /// The sessions that this end may still use.
    var sessions: [Int] {
        var all: [Int] = []
        for session in [session, successor, latest] {
            if let session, !all.contains(session) { all.append(session) }
        }
        return all
    }
}

/// What a node's own path does to its messages for a while, on top of what all paths do.
struct Weather {
    private struct Spell {
        var value = 0.0
        var until: Int64 = 0

        func at(_ time: Int64) -> Double { time < until ? value : 0 }
    }

    private var losses = Spell()
    private var delays = Spell()
    private var copies = Spell()

    mutating func lose(_ share: Double, until end: Int64) {
        losses = Spell(value: share, until: end)
    }
    /// By so many seconds.
    mutating func delay(by seconds: Double, until end: Int64) {
        delays = Spell(value: seconds, until: end)
    }
    mutating func double(_ share: Double, until end: Int64) {
        copies = Spell(value: share, until: end)
    }
    mutating func clear() { self = Weather() }

    func loss(at time: Int64) -> Double { losses.at(time) }
    func delay(at time: Int64) -> Double { delays.at(time) }
    func duplication(at time: Int64) -> Double { copies.at(time) }
}

/// A wish of an agent to be woken for a reason, and which wake it is: a later wish replaces an
/// earlier one.
struct Wish {
    let key: UInt64
    var order: UInt64
    let reason: Agent.Wake
}

/// The simulated hub.
final class Centre {
    @exclusivity(unchecked) var hub: Hub?
    var isUp = false
    var life = 0
    @exclusivity(unchecked) var store: HubStore
    var disk: Disk<Ticket, HubWrite> = Disk()
    var clock: Clock
    var wakes: [Hub.Wake: UInt64] = [:]
    /// Sessions that are open or waiting at the hub's end.
    var open: [Int] = []
    var lastRequest: UInt64 = 0
    var pending: Table<RequestID, Demand> = Table()
    var backups: [HubStore] = []
    var commits = 0
    /// The store is a copy, and no hub has made that durable yet.
    var isCopy = false
    /// The copy that was put in place last.
    var copied: HubStore?
    /// The epoch of the hub before, which may still run somewhere.
    var formerEpoch: UInt64 = 0
    /// What people chose when the hub died may have come true or not.
    var isUncertain = false

    init(eventCap: Int, clock: Clock) {
        store = HubStore(eventCap: eventCap)
        self.clock = clock
    }
}

/// One session between a node and the hub, seen from above. In order within each direction.
struct Session {
    enum End { case waiting, open, closed }
    let node: Int
    let nodeLife: Int
    let attempt: Int
    let hubLife: Int
    var nodeEnd: End = .waiting
    var hubEnd: End = .waiting
    var isSeveredToHub = false
    var isSeveredToNode = false
    var lastToHub: Int64 = 0
    var lastToNode: Int64 = 0
    var hasGreeted = false
    /// When something of the node last reached the hub on it.
    var heardAt: Int64 = 0
    /// When the certificate ends that opened it.
    var endsAt: Int64 = 0

    var id: SessionID { SessionID(rawValue: number) }
    let number: UInt64
}
