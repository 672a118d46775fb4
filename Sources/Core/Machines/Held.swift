import Authority
import Model

/// One instance that the node runs, or is taking down.
struct Held: Equatable, Sendable {
    var record: InstanceRecord
    /// What the hub wants of it; nil once it is not wanted.
    var assignment: Workload? {
        didSet { if let spec = assignment?.spec { grace = spec.stopGrace.duration } }
    }
    /// How long its containers may take to stop: the last word of its workload.
    private(set) var grace: Duration = .seconds(10)
    var units: [Unit]
    /// The record is on disk, so a start needs to wait for nothing.
    var isRecorded: Bool
    /// How it came to be.
    let origin: Origin
    /// The circumstances under which the gate last refused; asked again when they have changed.
    var refusal: Refusal?
    /// The digests of the Secrets that it should have been started with, as far as they are here.
    var secrets: [String: String] = [:]
    /// The circumstances under which no policy let the node run what is wanted.
    var exclusion: Refusal?
    /// When it came to be wanted here.
    var wantedSince = Instant(nanoseconds: .min)
    /// What the log last said of it.
    var reported: InstanceStatus?

    enum Origin: Equatable, Sendable { case assigned, newGeneration, recorded }

    struct Refusal: Equatable, Sendable {
        var staleness: Staleness
        var reach: Reach
        var policyVersion: UInt64
        var policies: [PolicyReference]
        /// What people were told of it.
        var trouble: Unit.Trouble
        /// Of the workload that was not let in; zero where that does not matter.
        var generation: UInt64 = 0

        init(_ circumstances: Gate.Circumstances, _ trouble: Unit.Trouble) {
            staleness = circumstances.staleness
            reach = circumstances.reach
            policyVersion = circumstances.policyVersion
            policies = circumstances.policies
            self.trouble = trouble
        }
    }

    /// A record found on disk: wanted by nobody until an assignment says so.
    init(record: InstanceRecord) {
        self.record = record
        units = Held.units(of: record, haveRun: true)
        isRecorded = true
        origin = .recorded
    }

    init(new record: InstanceRecord, for workload: Workload, origin: Origin = .assigned) {
        self.record = record
        assignment = workload
        grace = workload.spec.stopGrace.duration
        units = Held.units(of: record, haveRun: false)
        isRecorded = false
        self.origin = origin
    }

    /// Where a unit of this instance is. By index, since a walk over the units copies each of them.
    func index(of id: ContainerID) -> Int? {
        for index in units.indices where units[index].id.name == id.name { return index }
        return nil
    }

    var tier: Tier { assignment?.spec.tier ?? .optional }
    var isReady: Bool { !has { !$0.isReady } }
    var isSettled: Bool { !has { !$0.isSettled } }
    var mayExist: Bool { has(\.mayExist) }
    var isWaiting: Bool { has { $0.state == .waiting } }
    /// Whether its workload says that silence may stop it.
    var mayBeShelved: Bool { assignment?.spec.disconnect?.stopAfter != nil }

    /// Whether what runs is not what is wanted.
    var isOutdated: Bool {
        guard let assignment else { return true }
        return assignment.spec.containers != record.containers || hasOldSecrets
    }

    private static func units(of record: InstanceRecord, haveRun: Bool) -> [Unit] {
        record.containers.map {
            Unit(
                id: ContainerID(instance: record.id, name: $0.name), spec: $0, hasRun: haveRun)
        }
    }

    /// The instance in the words of `InstanceStatus`, as far as `configuration`'s node knows.
    func status(on configuration: AgentConfiguration, at now: WallTime) -> InstanceStatus {
        let trouble = units.indices.first { units[$0].trouble != nil }.flatMap { units[$0].trouble }
        return InstanceStatus(
            id: record.id, node: configuration.node, site: configuration.site, tier: tier,
            observedGeneration: assignment?.metadata.generation ?? record.generation, phase: phase,
            ready: isReady, restarts: record.restarts,
            startedAt: latestStart, ports: record.ports,
            reason: trouble?.reason ?? "", message: trouble?.message ?? "", observedAt: now,
            decision: record.decision?.id)
    }

    /// By the order of the runs: wall clocks jump.
    private var latestStart: WallTime? {
        var latest: Int?
        for index in units.indices where units[index].startedAt != nil {
            if let known = latest, units[known].attempt >= units[index].attempt { continue }
            latest = index
        }
        return latest.flatMap { units[$0].startedAt }
    }

    private var phase: Phase {
        if has({ $0.state == .backingOff && $0.trouble?.isAboutImage == true }) {
            return .imagePullBackOff
        }
        if has({ $0.state == .backingOff && $0.failures > 1 }) { return .crashLoopBackOff }
        if !has({ !$0.hasEnded }) { return has(\.hasFailed) ? .failed : .succeeded }
        // A part that has done its work is as good as one that does it.
        return has({ !$0.isRunning && !$0.hasEnded }) ? .pending : .running
    }

    /// Whether any unit is as asked. By index, for the same reason.
    private func has(_ isSo: (Unit) -> Bool) -> Bool {
        for index in units.indices where isSo(units[index]) { return true }
        return false
    }
}

extension Unit.Trouble {
    var isAboutImage: Bool {
        reason == EngineFailure.Reason.imagePull.rawValue
            || reason == EngineFailure.Reason.imageMissing.rawValue
    }

    init(_ failure: EngineFailure) {
        self.init(reason: failure.reason.rawValue, message: failure.message)
    }

    init(_ exit: Exit) {
        if exit.outOfMemory {
            self.init(reason: "OutOfMemory", message: "killed at its memory limit")
        } else if let code = exit.code {
            self.init(reason: "Exited", message: "ended with code \(code)")
        } else {
            self.init(reason: "Exited", message: "ended while no agent was there to see the code")
        }
    }
}
