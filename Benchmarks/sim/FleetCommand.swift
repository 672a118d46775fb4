import Glibc
import Model
import Simulation

/// Runs one large fleet and prints its figures beside the goals.
struct FleetCommand {
    let options: Options

    /// Whether all were back as they should be.
    func storm(_ nodes: Int) -> Bool {
        let fleet = Fleet(nodes: nodes, sites: max(1, nodes / 20), seed: options.first)
        let begin = ContinuousClock.now
        let result = fleet.storm(outage: .seconds(1_800))
        let wall = ContinuousClock.now - begin
        guard sayFailure(result), let returns = result.returns else { return false }
        let last = returns.lastBack - returns.begin
        let changes = returns.starts + returns.stops
        report(
            """
            \(nodes) nodes, 30 min without a hub, seed \(options.first)
              all back after         \(last.inSeconds) s (goal 120)
              peak to mean accepted  \(hundredths(returns.peakToMean)) (goal 2), \
            \(returns.accepted.max() ?? 0) in the busiest second
              useful handshakes      \(hundredths(returns.usefulShare * 100)) % of \
            \(returns.handshakes); \(returns.slowest) a second at least until 9 of 10 were back
              starts and stops       \(changes) (goal 0)
              \(result.counts.events) events in \(wall.inSeconds) s of wall time

            """)
        return returns.back >= nodes && last <= .seconds(120) && returns.peakToMean <= 2
            && changes == 0
    }

    /// Whether nothing broke.
    func live(_ sites: Int) -> Bool {
        let nodes = sites * options.nodesPerSite
        guard Scenario.nodeCounts.contains(nodes) else {
            report("sim: \(nodes) nodes are too many\n", isError: true)
            return false
        }
        let fleet = Fleet(nodes: nodes, sites: sites, seed: options.first)
        let begin = ContinuousClock.now
        let result = fleet.live(hours: options.hours)
        let wall = ContinuousClock.now - begin
        guard sayFailure(result) else { return false }
        let counts = result.counts
        report(
            """
            \(sites) sites, \(nodes) nodes, \(options.hours) h, seed \(options.first): \
            \(counts.agentCrashes) agent crashes, \(counts.hubCrashes) hub crashes, \
            \(counts.reboots) reboots, \(counts.cuts) cuts, \(counts.sessions) sessions, \
            \(counts.starts) starts; nothing broke
              wall time    \(wall.inSeconds) s on one core (goal 60 for 500 sites and 72 h)
              processor    \(processorSeconds.inSeconds) s
              peak memory  \(peakMebibytes) MiB (goal 2048)
              events       \(counts.events)
              certificates at least \(result.leastCertificates) a node (goal \(Int(options.hours * 6)) or more)

            """)
        return true
    }

    private func sayFailure(_ result: Report) -> Bool {
        guard let failure = result.failure else { return true }
        report(
            "seed \(result.seed): \(failure.invariant.rawValue) violated at "
                + "\(failure.time.inSeconds) s: \(failure.message)\n")
        return false
    }

    /// What it took where others share the machine, and the wall says little.
    private var processorSeconds: Duration {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return .seconds(Int64(usage.ru_utime.tv_sec))
            + .microseconds(Int64(usage.ru_utime.tv_usec))
    }

    /// The most memory that this process ever had.
    private var peakMebibytes: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1_024
    }

    private func hundredths(_ value: Double) -> String {
        let whole = Int((value * 100).rounded())
        return "\(whole / 100)." + (whole % 100 < 10 ? "0" : "") + "\(whole % 100)"
    }
}
