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

    /// Whether a fleet of more nodes sees more of them.
    var isOfNode: Bool {
        switch self {
        case .hubCrash, .hubReboot, .hubDiskFailure, .hubDiskSlow, .request, .policy: false
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
