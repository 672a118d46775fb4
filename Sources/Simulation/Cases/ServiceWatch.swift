import Model

/// Looks at regular times which nodes serve their Tier 1 workload, and weighs what that costs.
final class ServiceWatch: Watcher {
    private let period: Int64
    private let end: Int64
    /// What is asked of each node in a second, at this second of the story.
    private let demand: (Double) -> Double
    private var last = CaseFleet.begin.nanoseconds
    private(set) var asked = 0.0
    private(set) var failed = 0.0

    init(every period: Duration, length: Duration, demand: @escaping (Double) -> Double) {
        self.period = period.nanoseconds
        end = (CaseFleet.begin + length).nanoseconds
        self.demand = demand
    }

    func isDue(_ time: Int64) -> Bool { time >= last + period && last < end }

    func look(_ world: World) {
        let span = Double(min(world.time, end) - last) / 1e9
        let now = Double(last - CaseFleet.begin.nanoseconds) / 1e9
        last = world.time
        guard span > 0 else { return }
        let weight = demand(now) * span
        guard weight > 0 else { return }
        for place in world.places {
            asked += weight
            if !place.serves(at: world.time) { failed += weight }
        }
    }
}

extension Place {
    /// Whether anything runs here and answers.
    func serves(at time: Int64) -> Bool {
        for (_, truth) in containers.all where truth.isWell(at: time) { return true }
        return false
    }

    /// The workloads of what runs here and answers.
    func serving(at time: Int64) -> [WorkloadID] {
        containers.all.filter { $1.isWell(at: time) }.map(\.0.instance.workload)
    }
}

extension Containers.Truth {
    fileprivate func isWell(at time: Int64) -> Bool {
        isRunning && time >= wellFrom && time < wellUntil
    }
}
