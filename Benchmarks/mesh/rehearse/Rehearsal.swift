import Membership
import MeshLab
import Model

/// The scenarios of the driver, one after the other, each with its figures.
struct Rehearsal {
    struct Mistake: Error { let text: String }

    struct Options {
        var nodes = 24
        var loss = 0.0
        var minutes = 30
        var seed: UInt64 = 1
        var kills = 6
        /// Mean seconds of the blackouts of each node, which hears for 30 s between two; 0 is none.
        var dark = 0.0
        /// Only so many cold starts and joins, each by another seed.
        var starts = 0
        /// Only so many hostile datagrams into one node.
        var fuzz = 0

        init(_ words: ArraySlice<String>) throws(Mistake) {
            var words = words
            while let word = words.popFirst() {
                guard let value = words.popFirst().flatMap(Double.init) else {
                    throw Mistake(text: "\(word) needs a number")
                }
                switch word {
                case "--nodes": nodes = Int(value)
                case "--loss": loss = value / 100
                case "--minutes": minutes = Int(value)
                case "--seed": seed = UInt64(value)
                case "--kills": kills = Int(value)
                case "--dark": dark = value
                case "--starts": starts = Int(value)
                case "--fuzz": fuzz = Int(value)
                default:
                    throw Mistake(
                        text: "\(word) is not known; there are --nodes, --loss (percent), "
                            + "--minutes, --seed, --kills, --dark (seconds), --starts"
                            + " and --fuzz")
                }
            }
        }
    }

    private let options: Options
    private let everyone: [Int]
    private var lab: MeshLab
    private var chance: Random

    init(_ options: Options) {
        self.options = options
        everyone = Array(0..<options.nodes)
        lab = MeshLab(options.nodes, seed: options.seed, isOpen: true)
        lab.loss = options.loss
        chance = Random(seed: options.seed &+ 99)
    }

    mutating func start() {
        for node in everyone.dropLast() { lab.start(node) }
        let first = Array(everyone.dropLast())
        let cold = lab.run(atMost: .seconds(180)) { $0.allSee(first) }
        lab.run(for: .seconds(5))
        lab.start(options.nodes - 1)
        let everyone = everyone
        let last = lab.run(atMost: .seconds(180)) { $0.allSee(everyone) }
        print("cold start \(seconds(cold)), last join \(seconds(last))")
        lab.run(for: .seconds(20))
    }

    /// How long cold starts and joins take, over many seeds, and what a node sends in its first minute.
    static func starts(_ options: Options) {
        var cold: [Duration] = []
        var known: [Duration] = []
        var joins: [Duration] = []
        var bytes = 0
        let newcomer = options.nodes - 1
        let first = Array(0..<newcomer)
        for turn in 0..<options.starts {
            var lab = MeshLab(options.nodes, seed: options.seed &+ UInt64(turn), isOpen: true)
            lab.loss = options.loss
            for node in first { lab.start(node) }
            cold.append(lab.run(atMost: .seconds(180)) { $0.allSee(first) } ?? .seconds(180))
            lab.run(for: .seconds(5))
            lab.start(newcomer)
            let start = lab.now
            known.append(
                lab.run(atMost: .seconds(180)) { lab in
                    first.allSatisfy { lab.liveness(of: newcomer, at: $0) == .alive }
                } ?? .seconds(180))
            _ = lab.run(atMost: .seconds(180)) { $0.allSee(first + [newcomer]) }
            joins.append(lab.now - start)
            lab.forget()
            lab.run(for: .seconds(60))
            bytes += lab.sentBytes.reduce(0, +) / options.nodes / 60
        }
        for (name, times) in [("cold start", cold), ("newcomer known", known), ("join", joins)] {
            print(
                "\(name): p50 \(seconds(quantile(times, 0.5))),",
                "p90 \(seconds(quantile(times, 0.9))), max \(seconds(times.max()))")
        }
        print("the first minute after: \(bytes / max(1, options.starts)) B/s a node")
    }

    /// Gives one node datagrams of chance; throws what should not have come of them.
    static func fuzz(_ options: Options) throws(Mistake) {
        var fuzzer = MeshFuzzer(seed: options.seed)
        if let wrong = fuzzer.run(options.fuzz) {
            throw Mistake(text: "seed \(options.seed), datagram \(fuzzer.runs): \(wrong)")
        }
        let counts = fuzzer.counts
        print("\(fuzzer.runs) hostile datagrams: \(counts.dropped) dropped and counted,")
        print("\(counts.received) read as frames of a member; no bound was broken")
    }

    mutating func hold() {
        lab.forget()
        let before = lab.now
        let end = before + .seconds(60 * options.minutes)
        var due = everyone.map { _ in options.dark > 0 ? lab.now + exponential(30) : end }
        var worst: [Duration] = []
        while lab.now < end {
            lab.run(for: .milliseconds(250))
            for node in everyone where due[node] <= lab.now {
                let hears = lab.deaf.remove(node) != nil
                if !hears { lab.deaf.insert(node) }
                due[node] = lab.now + exponential(hears ? 30 : options.dark)
            }
            worst.append(everyone.map(majorityAge).max() ?? .zero)
        }
        lab.deaf = []
        let span = Double((lab.now - before).nanoseconds) / 1e9
        let rate = Double(lab.sentBytes.reduce(0, +)) / Double(options.nodes) / span
        let quiet = lab.noticed.count { $0.change.to == .quiet }
        print(
            "steady \(options.minutes) min: false failures \(lab.falseFailures.count),",
            "quiet \(quiet), \(Int(rate)) B/s a node; worst age to most observers:",
            "p50 \(seconds(quantile(worst, 0.5))), p99.9 \(seconds(quantile(worst, 0.999))),",
            "max \(seconds(worst.max()))")
        lab.run(for: .seconds(30))
    }

    /// The age that half of the observers of a node are beyond.
    private func majorityAge(of subject: Int) -> Duration {
        let ages = everyone.filter { $0 != subject }.compactMap {
            lab.nodes[$0]?.age(of: lab.members[subject].id, at: lab.now)
        }.sorted()
        return ages.isEmpty ? .zero : ages[ages.count / 2]
    }

    mutating func publish() {
        lab.forget()
        var latencies: [Duration] = []
        for turn in 0..<20 {
            let node = Int(chance.next() % UInt64(options.nodes))
            let start = lab.now
            write("e\(turn)", at: node)
            lab.run(for: .seconds(3))
            latencies += lab.received.filter { $0.record.key == "e\(turn)" && $0.by != node }
                .map { $0.at - start }
        }
        let rate = lab.sentBytes.reduce(0, +) / options.nodes / 60
        lab.run(for: .seconds(30))
        let complete = (0..<20).count { lab.holders(of: "e\($0)") == options.nodes }
        print(
            "records: \(complete) of 20 everywhere, \(rate) B/s a node; within 3 s:",
            "p50 \(seconds(quantile(latencies, 0.5))), p99 \(seconds(quantile(latencies, 0.99))),",
            "\(latencies.count) of \(20 * (options.nodes - 1))")
    }

    private mutating func write(_ key: String, at node: Int) {
        do {
            try lab.publish(key, at: node)
        } catch {
            print("node \(node) could not write \(key): \(error)")
        }
    }

    mutating func split() {
        lab.forget()
        for node in everyone { lab.group[node] = node < options.nodes / 2 ? 0 : 1 }
        let everyone = everyone
        let seen = lab.run(atMost: .seconds(120)) { lab in
            everyone.allSatisfy { observer in
                everyone.allSatisfy {
                    lab.group[observer] == lab.group[$0]
                        || lab.liveness(of: $0, at: observer) == .failed
                }
            }
        }
        lab.run(for: .seconds(60))
        write("left", at: 2)
        write("right", at: options.nodes - 2)
        lab.run(for: .seconds(60))
        let isolated = lab.isolated.count
        let mistaken = everyone.reduce(0) { sum, observer in
            sum
                + everyone.count {
                    lab.group[observer] != lab.group[$0]
                        && lab.liveness(of: $0, at: observer) == .alive
                }
        }
        let healed = lab.now
        for node in everyone { lab.group[node] = 0 }
        let heal = lab.run(atMost: .seconds(180)) { $0.allSee(everyone) }
        lab.run(for: .seconds(30))
        let last = lab.received.map(\.at).max().map { $0 - healed }
        print(
            "split seen \(seconds(seen)), isolated \(isolated) of \(options.nodes),",
            "\(mistaken) pairs mistaken;",
            "heal \(seconds(heal)), records across \(seconds(last)) at",
            "\(min(lab.holders(of: "left"), lab.holders(of: "right"))) of \(options.nodes)")
    }

    mutating func kill() {
        var detections: [String] = []
        for turn in 0..<options.kills {
            let victim = options.nodes - 1 - turn
            lab.run(for: .seconds(5) + chance.duration(upTo: .seconds(2)))
            lab.kill(victim)
            let took = lab.run(atMost: .seconds(120)) { $0.nobodySees(victim) }
            detections.append(seconds(took))
        }
        print("kills, all know after: " + detections.joined(separator: " "))
    }

    private mutating func exponential(_ mean: Double) -> Duration {
        // Geometric in tenths of the mean, which is near enough.
        var tail = 0.0
        while !chance.chance(0.1) { tail += 1 }
        return .nanoseconds(Int64(mean * 1e9 * (tail + 0.5) / 9.5))
    }

    private func seconds(_ duration: Duration?) -> String { Self.seconds(duration) }

    private func quantile(_ values: [Duration], _ part: Double) -> Duration? {
        Self.quantile(values, part)
    }

    private static func seconds(_ duration: Duration?) -> String {
        duration.map { String(Double($0.nanoseconds / 10_000_000) / 100) + " s" } ?? "never"
    }

    private static func quantile(_ values: [Duration], _ part: Double) -> Duration? {
        let sorted = values.sorted()
        return sorted.isEmpty
            ? nil : sorted[min(sorted.count - 1, Int(part * Double(sorted.count)))]
    }
}
