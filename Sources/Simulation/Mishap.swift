import Model

/// What can go wrong at one moment; and, since it happens at its own time as well, what people ask.
enum Fault: String, CaseIterable, Sendable {
    case agentCrash, nodeReboot, hubCrash, hubReboot
    /// No way between a node and its hub, in one direction or both; of one node or of all.
    case partition
    /// A path that comes and goes.
    case flap
    /// One session loses one direction or both.
    case sever
    /// What is under way on a session comes later.
    case stall
    /// The engine's socket closes; it dies and takes all containers with it; it stops answering.
    case engineLoss, engineCrash, enginePause
    /// A disk that is full or fails, and one that is slow.
    case nodeDiskFailure, hubDiskFailure, nodeDiskSlow, hubDiskSlow
    case wallJump
    /// A hub that was given up and does not know it: for a while it answers a node in place of the
    /// true one, with the epoch that it once had.
    case impostor
    /// The agent's process is stopped and goes on later.
    case pause
    case request
    /// Somebody comes to a node and wants something to be different there.
    case visit
    /// Somebody applies a signed policy: a new one, an old one, a broken one.
    case policy
    /// Messages of one node that are lost and sent again, that take longer, or that come twice.
    case loss, latency, duplication
    /// The machine is off for a while, or for good; or all that was on its disk is gone.
    case nodeLoss, storeLoss
    /// Somebody mends every path, and switches everything on.
    case reconnect
    /// A second machine begins with a copy of the node's disk.
    case clone
    /// The hub's store is lost, and what takes its place is a copy of a while ago.
    case hubRestore

    /// Whether a fleet of more nodes sees more of them.
    var isOfNode: Bool {
        switch self {
        case .hubCrash, .hubReboot, .hubDiskFailure, .hubDiskSlow, .hubRestore, .request, .policy,
            .reconnect:
            false
        default: true
        }
    }

    /// How many there are at most in a run of 8 nodes and of intensity 1, and how long each lasts at most, in
    /// seconds.
    var range: (count: Double, length: Double) {
        switch self {
        case .agentCrash: (60, 5)
        case .nodeReboot: (20, 60)
        case .hubCrash: (20, 20)
        case .hubReboot: (6, 300)
        case .partition: (30, 72 * 3_600)
        case .flap: (6, 600)
        case .sever: (60, 0)
        case .stall: (40, 90)
        case .engineLoss: (30, 900)
        case .engineCrash: (4, 300)
        case .enginePause: (10, 200)
        case .nodeDiskFailure: (12, 600)
        case .hubDiskFailure: (6, 600)
        case .nodeDiskSlow: (12, 600)
        case .hubDiskSlow: (6, 600)
        case .wallJump: (30, 0)
        case .impostor: (20, 300)
        case .pause: (12, 600)
        case .request: (150, 0)
        case .visit: (40, 0)
        case .policy: (20, 0)
        case .loss, .latency: (20, 3_600)
        case .duplication: (10, 3_600)
        case .nodeLoss: (4, 24 * 3_600)
        case .storeLoss: (4, 0)
        case .reconnect: (1, 0)
        case .clone: (2, 0)
        case .hubRestore: (3, 60)
        }
    }
}

/// One fault at its moment.
struct Mishap: Equatable, Sendable {
    /// Virtual time in milliseconds, and how long it lasts.
    var time: Int64
    var fault: Fault
    var node: Int
    var length: Int64
    /// A number from which it draws what else it needs: which direction, how far.
    var draw: UInt64

    var begin: Int64 { time * 1_000_000 }
    var duration: Int64 { length * 1_000_000 }
}

extension Mishap {
    /// A node that is lost never comes back.
    static let forGood: UInt64 = 1

    // What a person writes is a small number and taken as it is; what a seed draws is a large one.
    private func value(upTo limit: UInt64, drawn range: UInt64) -> UInt64 {
        draw <= limit ? draw : draw % range
    }

    /// Of a hundred messages.
    var share: Double { Double(value(upTo: 100, drawn: 90)) / 100 }
    /// In milliseconds.
    var delay: Int64 { Int64(value(upTo: 60_000, drawn: 3_000)) }
    /// Of a path that comes and goes, in seconds.
    var period: Int64 { 2 + Int64(value(upTo: 86_400, drawn: 40)) }
    /// Up to three days, forwards or back, in milliseconds.
    var jump: Int64 { (Int64(draw / 2 % 518_401) - 259_200) * 1_000 }

    /// The draw of a jump by so many seconds, of a node's clock.
    static func draw(jump seconds: Int64) -> UInt64 { UInt64(seconds + 259_200) * 2 + 1 }
    /// The draw of a cut of one node alone.
    static func draw(cut way: FaultPlan.Way) -> UInt64 {
        switch way {
        case .toNode: 4
        case .toHub: 5
        case .both: 6
        }
    }
    /// The draw of a flap with so many seconds to a period.
    static func draw(period seconds: Int64) -> UInt64 { UInt64(max(2, seconds) - 2) }
}
