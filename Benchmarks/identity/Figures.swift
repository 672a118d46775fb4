import Foundation

/// Processor time of the whole process, of all its threads, in microseconds.
func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1000
}

/// A time that only differences mean something of, in microseconds.
func elapsedTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1000
}

/// Figures of one thing that was done many times.
struct Sample {
    private(set) var figures: [Double] = []

    mutating func add(_ figure: Double) { figures.append(figure) }

    var median: Double { quantile(0.5) }
    var mean: Double { figures.reduce(0, +) / Double(max(1, figures.count)) }

    func quantile(_ share: Double) -> Double {
        let sorted = figures.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, Int((Double(sorted.count) * share).rounded(.down)))]
    }
}

func text(_ figure: Double, _ places: Int = 2) -> String { String(format: "%.\(places)f", figure) }

/// One line: what, how much, and beside what.
func tell(_ what: String, _ figure: String, _ goal: String = "", isReached: Bool = true) -> Bool {
    let name = what + String(repeating: " ", count: max(1, 52 - what.count))
    print(
        "  \(name)\(figure)\(goal.isEmpty ? "" : "  (goal \(goal))")\(isReached ? "" : "  MISSED")")
    return isReached
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
