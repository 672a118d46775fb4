import Glibc
import Model
import Simulation

/// Runs the seeds that were asked for, one after the other.
struct Command {
    let options: Options

    /// Whether every seed passed.
    func run() -> Bool {
        let begin = ContinuousClock.now
        var virtual = Duration.zero
        var events = 0
        var failed: [UInt64] = []
        var slowest = Duration.zero
        for script in scripts {
            prepareLastWords(
                "seed \(script.seed): I17 violated: a machine trapped\nreplay: "
                    + "\(options.replay(script.seed))\n")
            let (report, passed) = live(script)
            virtual += report.time * (options.isTwice ? 3 : 1)
            events += report.counts.events * (options.isTwice ? 3 : 1)
            slowest = max(slowest, report.convergence ?? .zero)
            if !passed { failed.append(script.seed) }
        }
        let wall = ContinuousClock.now - begin
        let count =
            options.script.map { "\($0.mishapCount) mishaps" }
            ?? "\(options.seeds) seed" + (options.seeds == 1 ? "" : "s")
        report(
            "\(count)\(options.isTwice ? " twice" : ""), \(virtual.hours) virtual hours in "
                + "\(wall.inSeconds) s of wall time (\(speed(virtual, wall)) virtual hours a second), "
                + "\(events) events, slowest agreement "
                + "\(slowest.inSeconds) s after the last fault: "
                + (failed.isEmpty ? "ok" : "\(failed.count) failed (\(failed))") + "\n")
        return failed.isEmpty
    }

    /// What to live through: the script that was given, or what each seed draws.
    private var scripts: some Sequence<Script> {
        (0..<options.seeds).lazy.map { offset in
            options.script
                ?? Script(
                    seed: options.first + UInt64(offset), scenario: options.scenario)
        }
    }

    private func speed(_ virtual: Duration, _ wall: Duration) -> Int {
        Int(Double(virtual.nanoseconds) / 3_600 / Double(max(1, wall.nanoseconds)))
    }

    private func live(_ script: Script) -> (Report, Bool) {
        let trace: ((Duration, String) -> Void)? =
            options.isTraced ? { report(line($0, $1)) } : nil
        let scenario = options.scenario
        let result =
            options.isTwice
            ? scenario.runTwice(script, trace: trace) : scenario.run(script, trace: trace)
        if let failure = result.failure {
            explain(failure, script)
        } else if options.seeds == 1 {
            report(summary(result))
        }
        return (result, result.failure == nil)
    }

    /// Puts the last events into words, and looks for a shorter story with the same end.
    private func explain(_ failure: Report.Failure, _ script: Script) {
        report(
            "seed \(script.seed): \(failure.invariant.rawValue) violated at "
                + "\(failure.time.inSeconds) s: \(failure.message)\n")
        report("replay: \(options.replay(script.seed))\n")
        guard options.shrinks else { return tellEnd(of: script, at: failure.time) }
        var shrinker = Shrinker(scenario: options.scenario, script: script, failure: failure)
        let short = shrinker.shrink()
        guard let end = options.scenario.run(short).failure else {
            return tellEnd(of: script, at: failure.time)
        }
        tellEnd(of: short, at: end.time)
        report(
            "shrunk from \(script.mishapCount) mishaps to \(short.mishapCount): "
                + "\(end.message). Save what follows and replay it with bin/sim --script FILE:\n"
                + "# \(end.invariant.rawValue): \(end.message)\n" + short.text)
    }

    private func tellEnd(of script: Script, at time: Duration) {
        guard !options.isTraced else { return }
        var last: [String] = []
        let begin = max(.zero, time - .seconds(60))
        _ = options.scenario.run(script, tracedFrom: begin) { time, text in
            if last.count == 30 { last.removeFirst() }
            last.append(line(time, text, width: 160))
        }
        report(last.joined())
    }

    private func summary(_ report: Report) -> String {
        let counts = report.counts
        return "seed \(report.seed): hash \(String(report.hash, radix: 16)); "
            + "\(counts.agentCrashes) agent crashes, \(counts.hubCrashes) hub crashes, "
            + "\(counts.restores) restores, \(counts.resolutions) resolutions, "
            + "\(counts.crashesBetweenEffects) of them between two effects, \(counts.reboots) "
            + "reboots, \(counts.cuts) cuts, \(counts.sessions) sessions, "
            + "\(counts.certificates) certificates, \(counts.starts) starts, "
            + "\(counts.stops) stops, \(counts.exits) exits, \(counts.requestsAcknowledged) requests "
            + "acknowledged, \(counts.requestsUnsettled) left open, \(counts.entriesShed) entries "
            + "shed, agreement "
            + "\(report.convergence?.inSeconds ?? "never") s after the last fault\n"
    }
}

/// One line of a trace. Whole documents in it help nobody who looks for the order of things, so a
/// long line is cut unless it was asked for.
private func line(_ time: Duration, _ text: String, width: Int = .max) -> String {
    let short = text.replacing("Machines.", with: "").replacing("Model.", with: "")
    return "\(time.inSeconds) \(short.prefix(width))\n"
}

/// Prints as it is: the text ends its own lines. Also long traces leave in order.
func report(_ text: String, isError: Bool = false) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
        let count = rest.withUnsafeBytes {
            write(isError ? STDERR_FILENO : STDOUT_FILENO, $0.baseAddress, $0.count)
        }
        guard count > 0 else { return }
        rest = rest.dropFirst(count)
    }
}

extension Duration {
    var inSeconds: String {
        let milliseconds = nanoseconds / 1_000_000
        let rest = String(milliseconds % 1_000)
        return "\(milliseconds / 1_000)." + String(repeating: "0", count: 3 - rest.count) + rest
    }

    fileprivate var hours: Int64 { nanoseconds / 3_600_000_000_000 }
}
