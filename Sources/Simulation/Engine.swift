import Machines
import Model

/// The containers of one node as they truly are, whatever an agent believes.
///
/// Obeys the rules of an engine: never two for one id; a start of what runs in the same edition
/// returns it; containers outlive the agent and end with the boot.
struct Containers {
    struct Truth {
        var edition: Edition
        var handle: UInt64
        var exit: Exit?
        var startedAt: WallTime
        /// Probes pass from the first to the second virtual time.
        var wellFrom: Int64
        var wellUntil: Int64
        /// Failures in a row, by kind of probe.
        var failures = Failures()
        /// Left over from a node that was given up.
        var isStray = false
        /// The life of the agent that was told that it runs.
        var knownTo: Int?
        /// Lists that one life of the agent heard it in, since it last heard otherwise.
        var sightings = 0
        var sightedBy: Int?
        /// It was to be stopped for a reason once. A stop that failed, or of which the engine lied,
        /// may be asked for again although the reason is gone: nobody can tell how far it came.
        var isCondemned = false
        /// The engine said that it is not there. What it says later may be taken for old.
        var isDenied = false
        /// Large and rarely asked for, so behind the others.
        var spec: ContainerSpec

        var isRunning: Bool { exit == nil }
    }

    struct Failures {
        private(set) var startup = 0
        private(set) var liveness = 0

        mutating func count(_ isWell: Bool, of kind: ProbeKind) {
            switch kind {
            case .startup: startup = isWell ? 0 : startup + 1
            case .liveness: liveness = isWell ? 0 : liveness + 1
            case .readiness: break
            }
        }
    }

    var all: Table<ContainerID, Truth> = Table()
    var images: Set<String> = []
    /// Of which the engine said what is not so: what an agent does with them
    /// later is not held against it.
    var muddled: Set<ContainerID> = []
    var goneUntil: Int64 = 0
    /// Until then nothing is done and nothing said.
    var pausedUntil: Int64 = 0
    private var lanes: Table<ContainerID, Int64> = Table()
    private var lastHandle: UInt64 = 0

    func isAvailable(at time: Int64) -> Bool { time >= goneUntil }

    /// When an action on a container that takes this long will end: one at a time.
    mutating func queue(_ id: ContainerID, at time: Int64, for duration: Int64) -> Int64 {
        let end = max(time, lanes[id] ?? 0) + duration
        lanes.insert(end, for: id)
        return end
    }

    mutating func create(_ truth: Truth, for id: ContainerID) -> Truth {
        lastHandle += 1
        var truth = truth
        truth.handle = lastHandle
        all.insert(truth, for: id)
        return truth
    }

    /// The node stopped without a word. An engine may still know what ended, or not.
    mutating func reboot(remembers: Bool) {
        lanes = Table()
        for id in all.keys {
            guard remembers else {
                all.remove(id)
                continue
            }
            all.update(id) { $0.exit = $0.exit ?? Exit(code: nil) }
        }
    }

    /// The engine dies and takes all its containers with it, but not what it knew of them.
    mutating func crash() {
        for id in all.keys { all.update(id) { $0.exit = $0.exit ?? Exit(code: 137) } }
    }

    /// The node's store is gone: what runs is nobody's.
    mutating func abandon() {
        for id in all.keys { all.update(id) { $0.isStray = true } }
    }

    mutating func observed(_ id: ContainerID) -> ObservedContainer? {
        all.update(id) { truth in
            ObservedContainer(
                id: id, edition: truth.edition, handle: String(truth.handle),
                state: truth.exit.map { .exited($0) } ?? .running, startedAt: truth.startedAt)
        }
    }
}
