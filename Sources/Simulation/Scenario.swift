package import Machines
package import Model

/// A fleet and a length of time to live through, with everything that goes wrong drawn from a seed.
package struct Scenario: Sendable {
    package var nodes: Int
    /// How many workloads people apply: the first three run on every node and stay, the others come
    /// and go.
    package var workloads: Int
    /// How long faults last; the healed phase comes on top.
    package var horizon: Duration
    /// Scales the number of faults in the horizon; nil lets the seed choose.
    package var intensity: Double?
    /// Wall clocks may jump. A run without must be equal in all but the times it shows.
    package var wallJumps: Bool
    package var sites = 3
    /// How many workloads run on every node of a fleet that is in order.
    package var base = 3
    /// The fleet is in order when the story begins, with the limits of production; else people enrol
    /// and apply, and every bound is tight.
    package var isSettled = false
    /// Whether the hub's store may be lost and put back from an older copy. Then people choose, and what
    /// they were told of before is what there is no more.
    package var restoresHub = false
    /// Who is in a fleet in order, where that is not made up.
    package var cast: Cast?
    /// What lies between the nodes of a site, which form a mesh over it; nil where they form none.
    package var localLinks: LocalLinks?
    /// Changes what machines do, to see that the checks notice.
    package var tampering: Tampering

    package init(
        nodes: Int = 8, workloads: Int = 7, horizon: Duration = .seconds(7_200),
        intensity: Double? = nil,
        wallJumps: Bool = true, tampering: Tampering = Tampering()
    ) {
        precondition(
            Scenario.nodeCounts.contains(nodes), "a fleet has from 1 to 20,000 nodes here")
        precondition(
            Scenario.workloadCounts.contains(workloads),
            "a fleet runs from 3 to 100 workloads here")
        self.nodes = nodes
        self.workloads = workloads
        self.horizon = horizon
        self.intensity = intensity
        self.wallJumps = wallJumps
        self.tampering = tampering
    }

    package static let nodeCounts = 1...20_000
    package static let workloadCounts = 3...100

    /// Lives through it. `trace` gets a line for everything that happens from `tracedFrom` on;
    /// before, and without it, nothing is put into words, which costs more than all the rest.
    package func run(
        seed: UInt64, tracedFrom: Duration = .zero,
        trace: ((_ time: Duration, _ line: String) -> Void)? = nil
    ) -> Report {
        run(Script(seed: seed, scenario: self), tracedFrom: tracedFrom, trace: trace)
    }

    /// Lives through what was written down instead of what a seed draws. Only `wallJumps` and
    /// `tampering` are still the scenario's own.
    package func run(
        _ script: Script, tracedFrom: Duration = .zero,
        trace: ((_ time: Duration, _ line: String) -> Void)? = nil
    ) -> Report {
        var world = World(
            script: script, scenario: self, tracedFrom: tracedFrom.nanoseconds, trace: trace)
        world.run()
        return world.report
    }

    /// Lives through it twice, the second time with wall clocks that do not jump: both must take the
    /// same path. Where they do not, a third run tells chance from outside from a wrong clock.
    package func runTwice(
        seed: UInt64, trace: ((_ time: Duration, _ line: String) -> Void)? = nil
    ) -> Report {
        runTwice(Script(seed: seed, scenario: self), trace: trace)
    }

    package func runTwice(
        _ script: Script, trace: ((_ time: Duration, _ line: String) -> Void)? = nil
    ) -> Report {
        var first = run(script, trace: trace)
        guard first.failure == nil else { return first }
        var calm = self
        calm.wallJumps = false
        guard calm.run(script).hash != first.hash else { return first }
        let isEqual = run(script).hash == first.hash
        first.failure = Report.Failure(
            invariant: isEqual ? .steadyTime : .determinism, time: first.time,
            message: isEqual
                ? "wall clocks that jump changed what happened"
                : "the same seed took two paths")
        return first
    }
}

/// What a test puts between a machine and its world: a planted bug.
package struct Tampering: Sendable {
    package typealias AgentBug =
        @Sendable (_ node: Int, Agent.Input?, Moment, inout [Agent.Effect]) -> Void
    package typealias AgentDeafness = @Sendable (_ node: Int, inout Agent.Input) -> Void
    package typealias HubBug = @Sendable (Hub.Input?, Moment, inout [Hub.Effect]) -> Void

    package var agent: AgentBug?
    /// Changes what the agent hears, where what it does with it is what is broken.
    package var hearing: AgentDeafness?
    package var hub: HubBug?

    package init(
        agent: AgentBug? = nil, hearing: AgentDeafness? = nil, hub: HubBug? = nil
    ) {
        self.agent = agent
        self.hearing = hearing
        self.hub = hub
    }
}

/// What came of one run.
package struct Report: Sendable {
    package struct Failure: Error, Equatable, Sendable {
        package var invariant: Invariant
        /// Virtual time since the begin.
        package var time: Duration
        package var message: String
    }

    package var seed: UInt64
    /// Equal for equal runs.
    package var hash: UInt64
    package var failure: Failure?
    /// Virtual time that passed.
    package var time: Duration
    /// From the end of all faults until hub, nodes and engines agreed.
    package var convergence: Duration?
    package var counts: Counts
    /// The fewest that any node made for itself.
    package var leastCertificates: Int
    /// How nodes came back after the hub was first away.
    package var returns: Returns?

    /// How much of what a run saw: a run that saw nothing proves nothing.
    package struct Counts: Equatable, Sendable {
        package var events = 0
        package var agentCrashes = 0
        package var hubCrashes = 0
        package var restores = 0
        package var resolutions = 0
        package var reboots = 0
        package var crashesBetweenEffects = 0
        package var cuts = 0
        package var sessions = 0
        /// That nodes made for themselves.
        package var certificates = 0
        /// Returns of nodes whose authority had ended.
        package var readmissions = 0
        package var starts = 0
        package var stops = 0
        package var exits = 0
        package var requestsAcknowledged = 0
        package var requestsUnsettled = 0
        package var entriesShed = 0
    }
}

/// What must hold at every moment; the numbers are those of the reliability page.
package enum Invariant: String, Sendable {
    /// What was acknowledged is never lost.
    case durability = "I1"
    /// Effects happen once: intent before, outcome after, never two of one container.
    case onceOnly = "I2"
    /// Versions only grow.
    case growth = "I3"
    /// Loss of contact touches no running container.
    case autonomy = "I5"
    /// Return of contact restarts nothing whose spec did not change.
    case calmReturn = "I6"
    /// What nobody signed takes no effect.
    case security = "I8"
    /// Two machines of one identity are noticed, and the newer one is turned away.
    case oneIdentity = "I9"
    /// Queues, tables and logs stay within their limits, and what is dropped is counted.
    case bounds = "I12"
    /// Nothing is tried again without a wait.
    case patience = "I13"
    /// Lengths of time are measured on monotonic clocks alone.
    case steadyTime = "I15"
    /// Every start is safe, from any state that a crash can leave.
    case safeStart = "I17"
    /// Equal seeds take equal paths.
    case determinism = "I19"
    /// With faults off, all agree within a bound.
    case convergence = "I20"
    /// An agent within its authority has a certificate that is valid, with or without a hub.
    case credentials = "F29"
    /// A restored hub takes no node back by itself.
    case noRollback = "F17"
    /// What honest nodes decided is what their policy lets them.
    case compliance = "H2"
    /// A session ends for a reason of its own. The hub's own promise, on no page.
    case contact = "H1"
}
