import Model

/// Makes a failing script short enough to read: fewer mishaps, fewer nodes, fewer things that are
/// always wrong, and still the same invariant broken.
///
/// After Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input" (IEEE TSE 2002):
/// halves first, then ever smaller parts. What is left out changes the draws of what remains, so a
/// shorter script may need luck; a number of events limits the search.
package struct Shrinker: Sendable {
    private let scenario: Scenario
    private let invariant: Invariant
    private var eventsLeft: Int
    private var shortest: Script

    package init(
        scenario: Scenario, script: Script, failure: Report.Failure, events: Int = 15_000_000
    ) {
        self.scenario = scenario
        invariant = failure.invariant
        eventsLeft = events
        shortest = script
        cut(after: failure)
    }

    /// The shortest script found.
    package mutating func shrink() -> Script {
        var before = -1
        while before != shortest.size, eventsLeft > 0 {
            before = shortest.size
            dropMishaps()
            dropRates()
            dropNodes()
        }
        return shortest
    }

    /// What comes after the failure had no part in it.
    private mutating func cut(after failure: Report.Failure) {
        let end = failure.time.nanoseconds / 1_000_000 + 1
        var script = shortest
        script.mishaps.removeAll { $0.time > end }
        script.horizon = min(script.horizon, end)
        attempt(script)
    }

    private mutating func dropMishaps() {
        var part = (shortest.mishaps.count + 1) / 2
        while part > 0, eventsLeft > 0 {
            var begin = 0
            while begin < shortest.mishaps.count {
                var script = shortest
                let end = min(begin + part, script.mishaps.count)
                script.mishaps.removeSubrange(begin..<end)
                if !attempt(script) { begin += part }
            }
            part /= 2
        }
    }

    private mutating func dropRates() {
        for (_, path) in Rates.fields where shortest.rates[keyPath: path] != 0 {
            var script = shortest
            script.rates[keyPath: path] = 0
            attempt(script)
        }
    }

    private mutating func dropNodes() {
        for count in 1..<max(2, shortest.nodes) where count < shortest.nodes {
            var script = shortest
            script.nodes = count
            script.mishaps.removeAll { $0.node >= count }
            if attempt(script) { return }
        }
    }

    @discardableResult
    private mutating func attempt(_ script: Script) -> Bool {
        guard eventsLeft > 0 else { return false }
        let isAboutPaths = invariant == .determinism || invariant == .steadyTime
        let report = isAboutPaths ? scenario.runTwice(script) : scenario.run(script)
        eventsLeft -= report.counts.events
        guard report.failure?.invariant == invariant else { return false }
        shortest = script
        return true
    }
}

extension Script {
    fileprivate var size: Int {
        mishaps.count + nodes + Rates.fields.count { rates[keyPath: $0.path] != 0 }
    }
}
