import Model

/// A fleet and everything that goes wrong with it, as data: what a seed draws, what a failing run
/// shrinks to, and what a person may write.
///
/// As text, a line for each number and for each mishap; see `text`.
package struct Script: Equatable, Sendable {
    /// Of all chance that the script itself does not decide.
    package var seed: UInt64
    package var nodes: Int
    /// How many workloads people apply: the first three run on every node and stay.
    package var workloads: Int
    /// How long faults last, in milliseconds; the healed phase comes on top.
    var horizon: Int64
    var rates: Rates
    /// By time.
    var mishaps: [Mishap]

    package var mishapCount: Int { mishaps.count }

    /// Draws the rates, and from them every mishap. Each kind has a source of chance of its own, so
    /// that one more of a kind changes nothing about the others.
    package init(seed: UInt64, scenario: Scenario) {
        self.seed = seed
        nodes = scenario.nodes
        workloads = scenario.workloads
        horizon = scenario.horizon.nanoseconds / 1_000_000
        var random = Random(seed: seed ^ 0x5C21_9700_0000_0000)
        let drawn: [Double] = [1, 1, 2, 6]
        let picked = drawn[Int(random.next() % 4)]
        let intensity = scenario.intensity ?? picked
        let seconds = Double(horizon) / 1_000
        rates = Rates(horizon: seconds, intensity: intensity, using: &random)
        mishaps = []
        for fault in Fault.allCases {
            var own = random.split()
            // One kind in four is absent; the others come up to so many times.
            guard !own.chance(0.25), fault != .hubRestore || scenario.restoresHub else { continue }
            let breadth = fault.isOfNode ? max(1, Double(nodes) / 8) : 1
            let count = max(1, fault.range.count * intensity * own.percent) * breadth
            draw(fault, every: seconds / count, using: &own)
        }
        mishaps.sort { ($0.time, $0.fault.order) < ($1.time, $1.fault.order) }
    }

    private mutating func draw(_ fault: Fault, every mean: Double, using random: inout Random) {
        let longest = min(fault.range.length, Double(horizon) / 1_000)
        var time = 0.0
        while true {
            // A sum of two uniforms, near enough to a memoryless wait and without the logarithm,
            // whose last bit differs between systems.
            time += mean * (random.unit + random.unit) + 0.001
            guard Int64(time * 1_000) < horizon else { return }
            mishaps.append(
                Mishap(
                    time: Int64(time * 1_000), fault: fault,
                    node: Int(random.next() % UInt64(nodes)),
                    length: Script.length(upTo: longest, using: &random),
                    draw: random.next() >> 16))
        }
    }

    /// Each order of magnitude as likely as the next, in milliseconds.
    private static func length(upTo longest: Double, using random: inout Random) -> Int64 {
        var limit = 2.0
        while limit < longest, random.chance(0.75) { limit *= 2 }
        return Int64(min(limit, longest) * 1_000 * random.unit)
    }
}

extension Fault {
    fileprivate var order: Int { Fault.allCases.firstIndex(of: self) ?? 0 }
}

extension Random {
    /// Uniform from 0 up to 1.
    var unit: Double { mutating get { Double(next() >> 11) * 0x1p-53 } }
}

// MARK: - As text

extension Script {
    /// What is wrong with a script, and where.
    package struct Mistake: Error, Equatable, Sendable, CustomStringConvertible {
        package var line: Int
        package var message: String
        package var description: String { "line \(line): \(message)" }
    }

    /// Numbers first, then mishaps as `at SECONDS FAULT nNODE for SECONDS draw NUMBER`.
    package var text: String {
        var lines = [
            "seed \(seed)", "nodes \(nodes)", "workloads \(workloads)",
            "horizon \(seconds(horizon))",
        ]
        for (name, path) in Rates.fields where rates[keyPath: path] != 0 {
            lines.append("rate \(name) \(rates[keyPath: path])")
        }
        for mishap in mishaps {
            lines.append(
                "at \(seconds(mishap.time)) \(mishap.fault.rawValue) n\(mishap.node) for "
                    + "\(seconds(mishap.length)) draw \(mishap.draw)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// Reads what `text` writes. Lines that begin with # are for people. All mistakes at once.
    package init(_ text: String) throws(ScriptMistakes) {
        seed = 1
        nodes = 8
        workloads = 7
        horizon = 7_200_000
        rates = Rates()
        mishaps = []
        var mistakes: [Mistake] = []
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
            .enumerated()
        {
            let words = line.split(separator: " ").map(String.init)
            guard let first = words.first, !first.hasPrefix("#") else { continue }
            if let problem = take(words) {
                mistakes.append(Mistake(line: index + 1, message: problem))
            }
        }
        let count = nodes
        if let stranger = mishaps.first(where: { $0.node >= count }) {
            mistakes.append(
                Mistake(
                    line: 0, message: "there is no n\(stranger.node) among \(nodes) nodes"))
        }
        guard mistakes.isEmpty else { throw ScriptMistakes(all: mistakes) }
        mishaps.sort { ($0.time, $0.fault.order) < ($1.time, $1.fault.order) }
    }

    /// Answers what is wrong with a line, or nil.
    private mutating func take(_ words: [String]) -> String? {
        switch (words[0], words.count) {
        case ("seed", 2):
            guard let value = UInt64(words[1]) else { return "'\(words[1])' is no seed" }
            seed = value
        case ("nodes", 2):
            guard let value = Int(words[1]), Scenario.nodeCounts.contains(value) else {
                return "a fleet has from 1 to \(Scenario.nodeCounts.upperBound) nodes here"
            }
            nodes = value
        case ("workloads", 2):
            guard let value = Int(words[1]), Scenario.workloadCounts.contains(value) else {
                return "a fleet runs from 3 to 100 workloads here"
            }
            workloads = value
        case ("horizon", 2):
            guard let value = milliseconds(words[1]), value > 0 else {
                return "'\(words[1])' is no length in seconds"
            }
            horizon = value
        case ("rate", 3):
            guard let field = Rates.fields.first(where: { $0.name == words[1] }) else {
                return "there is no rate '\(words[1])'; there are "
                    + Rates.fields.map(\.name).joined(separator: ", ")
            }
            guard let value = Double(words[2]), value >= 0, value < 1e9 else {
                return "'\(words[2])' is no rate"
            }
            rates[keyPath: field.path] = value
        case ("at", 8): return mishap(words)
        default:
            return "expected 'seed N', 'nodes N', 'workloads N', 'horizon SECONDS', 'rate NAME "
                + "NUMBER' or 'at SECONDS FAULT nNODE for SECONDS draw NUMBER'"
        }
        return nil
    }

    private mutating func mishap(_ words: [String]) -> String? {
        guard let fault = Fault(rawValue: words[2]) else {
            return "there is no fault '\(words[2])'; there are "
                + Fault.allCases.map(\.rawValue).joined(separator: ", ")
        }
        guard let time = milliseconds(words[1]), words[3].hasPrefix("n"),
            let node = Int(words[3].dropFirst()), node >= 0, words[4] == "for",
            let length = milliseconds(words[5]), words[6] == "draw", let draw = UInt64(words[7])
        else { return "expected 'at SECONDS FAULT nNODE for SECONDS draw NUMBER'" }
        mishaps.append(
            Mishap(time: time, fault: fault, node: node, length: length, draw: draw))
        return nil
    }
}

/// Everything that is wrong with a script.
package struct ScriptMistakes: Error, Equatable, Sendable, CustomStringConvertible {
    package var all: [Script.Mistake]
    package var description: String { all.map(\.description).joined(separator: "\n") }
}

private func seconds(_ milliseconds: Int64) -> String {
    let rest = String(milliseconds % 1_000)
    return "\(milliseconds / 1_000)." + String(repeating: "0", count: 3 - rest.count) + rest
}

private func milliseconds(_ text: String) -> Int64? {
    guard let value = Double(text), value >= 0, value < 1e9 else { return nil }
    return Int64((value * 1_000).rounded())
}
