import Foundation

/// Processor time of this thread, or by another clock, in nanoseconds: other processes on a busy
/// machine count little.
func processorTime(_ clock: clockid_t = CLOCK_THREAD_CPUTIME_ID) -> Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// What one of `count` repetitions takes, in microseconds of processor time.
func microseconds(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
    let start = processorTime()
    for _ in 0..<count { try body() }
    return (processorTime() - start) / Double(count) / 1000
}

/// One way of doing something, measured in rounds side by side with others.
struct Contender {
    let name: String
    let once: () throws -> Void
    var rounds: [Double] = []

    init(_ name: String, _ once: @escaping () throws -> Void) {
        self.name = name
        self.once = once
    }

    var median: Double { rounds.sorted()[rounds.count / 2] }
    var best: Double { rounds.min() ?? 0 }
}

/// Lets each contender take its turn in each round, so that what disturbs one disturbs all.
func takeTurns(_ contenders: inout [Contender], rounds: Int, times: Int) throws {
    for index in contenders.indices { try contenders[index].once() }
    for _ in 0..<rounds {
        for index in contenders.indices {
            let took = try microseconds(times, contenders[index].once)
            contenders[index].rounds.append(took)
        }
    }
}

func text(_ figure: Double, _ places: Int = 1) -> String {
    String(format: "%.\(places)f", figure)
}

func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
}

/// Says whether a goal is reached, and by how much.
func verdict(_ what: String, _ figure: Double, atLeast goal: Double) -> Bool {
    let reached = figure >= goal
    print("  \(what): \(text(figure, 2)) (goal \(text(goal, 1)))\(reached ? "" : "  MISSED")")
    return reached
}

struct Failure: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
