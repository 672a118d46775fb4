/// Iterated local search over tours: 2-opt and Or-opt moves between near stops, until no move
/// helps; then a small random kick, kept only if repairing it gives a tour that is no worse.
///
/// Invariant: `length` and `penalty` belong to `path`; with windows, so does `visits`.
struct TourSearch {
    private let distances: Distances
    private let schedule: Schedule
    private let neighbours: Neighbours
    private let count: Int

    private var path: Path
    private var length = 0.0
    private var penalty = 0.0
    /// The clock at each position, with the penalty of the tour up to it.
    private var visits: [(leave: Double, penalty: Double)] = []

    private var pending: [Int] = []
    private var isPending: [Bool]
    /// The reversals since the last kick, to take them back.
    private var journal: [(Int, Int)] = []
    private var random = Random(state: 0x5EED)
    private var effort: Int

    static func solve(distances: Distances, schedule: Schedule, effort: Int) -> [Int] {
        let nearest = greedy(count: distances.count) { Double(distances[$0, $1]) }
        var start = nearest
        // Windows first, in the order they close: the search is good at moving the other stops into
        // the gaps, and poor at untangling windows.
        if schedule.hasWindows {
            let closing = nearest.dropFirst().filter { schedule.closing($0) < .infinity }
            start = [0] + closing.sorted { schedule.closing($0) < schedule.closing($1) }
            start += nearest.dropFirst().filter { schedule.closing($0) == .infinity }
        }
        var search = TourSearch(
            start: start, distances: distances, schedule: schedule, effort: effort)
        return search.run()
    }

    /// Goes on to the best stop left, by `cost(from, to)`.
    static func greedy(count: Int, cost: (Int, Int) -> Double) -> [Int] {
        var order = [0]
        var left = Array(1..<max(count, 1))
        while !left.isEmpty {
            let from = order[order.count - 1]
            var best = 0
            var bestCost = Double.infinity
            for (index, to) in left.enumerated() {
                let cost = cost(from, to)
                if cost < bestCost { (best, bestCost) = (index, cost) }
            }
            order.append(left[best])
            left.swapAt(best, left.count - 1)
            left.removeLast()
        }
        return order
    }

    private init(start: [Int], distances: Distances, schedule: Schedule, effort: Int) {
        self.distances = distances
        self.schedule = schedule
        self.effort = effort
        count = start.count
        neighbours = Neighbours(distances: distances, schedule: schedule)
        path = Path(order: start, distances: distances)
        isPending = [Bool](repeating: false, count: start.count)
        length = path.length
        if schedule.hasWindows {
            visits = [(leave: Double, penalty: Double)](repeating: (0, 0), count: count)
            retime(from: 0)
        }
    }

    private mutating func run() -> [Int] {
        for stop in path.order { push(stop) }
        improve()
        // A small problem is solved long before the effort is spent.
        for _ in 0..<(count * 500) where effort > 0 { kick() }
        return path.order
    }
}

// MARK: Moves

extension TourSearch {
    /// Differences smaller than this (a tenth of a metre) are rounding.
    private static let tolerance = 1e-4

    /// Takes pending stops until none can be improved or the effort is spent.
    private mutating func improve() {
        while effort > 0, let stop = pending.popLast() {
            isPending[stop] = false
            while effort > 0, let move = improvement(at: stop) { apply(move) }
        }
    }

    /// Swaps two short neighbouring paths, repairs, and takes all of it back if that was worse.
    private mutating func kick() {
        let reach = min(schedule.hasWindows ? 10 : 30, (count - 1) / 2)
        let left = random.below(reach) + 1
        let right = random.below(reach) + 1
        let from = random.below(count - left - right) + 1
        let (length, penalty) = (length, penalty)
        journal.removeAll(keepingCapacity: true)
        apply(Path.Move(from: from, middle: from + left - 1, to: from + left + right - 1))
        improve()
        guard self.length + self.penalty > length + penalty + TourSearch.tolerance else { return }
        for (from, to) in journal.reversed() { path.reverse(from, to) }
        for stop in pending { isPending[stop] = false }
        pending.removeAll(keepingCapacity: true)
        self.length = length
        if schedule.hasWindows { retime(from: 1) }
    }

    /// The first move that puts `stop` beside one of its neighbours and gains by it.
    private mutating func improvement(at stop: Int) -> Path.Move? {
        let place = path.position[stop]
        let before = path.leg(path.previous(to: place), stop)
        let after = path.leg(stop, path.next(to: place))
        for rank in 0..<neighbours.width {
            let neighbour = neighbours.of(stop, rank: rank)
            let near = path.leg(stop, neighbour)
            let target = path.position[neighbour]
            // A move gains only if some new leg is shorter than the old one beside it; trying each
            // stop from both its sides finds them all. Lateness breaks that rule.
            if penalty == 0, near >= max(before, after) {
                if schedule.hasWindows { continue } else { break }
            }
            if penalty > 0 || near < after {
                let move = path.exchange(place, target)
                if let move, gains(move) { return move }
            }
            if penalty > 0 || near < before {
                let move = path.exchangeBefore(place, target)
                if let move, gains(move) { return move }
            }
            if let move = transfer(place, nextTo: target) { return move }
        }
        return nil
    }

    private static let segmentMax = 3

    /// Or-opt: a path that begins or ends at `place` moves next to `target`, so that the stops at
    /// these two places become neighbours.
    private mutating func transfer(_ place: Int, nextTo target: Int) -> Path.Move? {
        for size in 0..<TourSearch.segmentMax {
            let (ahead, back) = (place + size, place - size)
            let move = path.transfer(place, ahead, behind: target, turned: false)
            if let move, gains(move) { return move }
            let turned = path.transfer(place, ahead, behind: target - 1, turned: true)
            if let turned, gains(turned) { return turned }
            let before = path.transfer(back, place, behind: target - 1, turned: false)
            if let before, gains(before) { return before }
            let both = path.transfer(back, place, behind: target, turned: true)
            if let both, gains(both) { return both }
        }
        return nil
    }

    private mutating func gains(_ move: Path.Move) -> Bool {
        effort -= 1
        let longer = path.lengthening(move)
        // Lateness cannot fall below none, which settles most moves without a look at the clock.
        guard longer < penalty - TourSearch.tolerance else { return false }
        guard schedule.hasWindows else { return true }
        let limit = penalty - longer - TourSearch.tolerance
        return penalty(of: move, limit: limit) < limit
    }

    private mutating func apply(_ move: Path.Move) {
        length += path.lengthening(move)
        let places = [
            move.from - 1, move.from, move.middle, min(move.middle + 1, move.to), move.to,
            move.to + 1 == count ? 0 : move.to + 1,
        ]
        for place in places { push(path.order[place]) }
        turn(move.from, move.to)
        let size = move.to - move.middle
        if !move.turnsRight { turn(move.from, move.from + size - 1) }
        if !move.turnsLeft { turn(move.from + size, move.to) }
        if schedule.hasWindows { retime(from: move.from) }
    }

    private mutating func push(_ stop: Int) {
        guard !isPending[stop] else { return }
        isPending[stop] = true
        pending.append(stop)
    }

    private mutating func turn(_ from: Int, _ to: Int) {
        guard from < to else { return }
        journal.append((from, to))
        effort -= 1 + (to - from) / 8
        path.reverse(from, to)
    }
}

// MARK: The clock

extension TourSearch {
    /// Walks the tour from `place` and writes down when each stop is left.
    private mutating func retime(from place: Int) {
        var place = place
        if place == 0 {
            let visit = schedule.start()
            visits[0] = (visit.leave, visit.late * Schedule.kilometresPerLateMinute)
            place = 1
        }
        effort -= (count - place) / 2
        while place < count {
            visits[place] = following(visits[place - 1], path.order[place - 1], path.order[place])
            place += 1
        }
        penalty = visits[count - 1].penalty
    }

    private func following(
        _ clock: (leave: Double, penalty: Double), _ from: Int, _ to: Int
    ) -> (leave: Double, penalty: Double) {
        let visit = schedule.visit(to, after: distances[from, to], leaving: clock.leave)
        return (
            visit.leave, clock.penalty + visit.late * Schedule.kilometresPerLateMinute
        )
    }

    /// The penalty of the tour after `move`, or something above `limit` as soon as that is sure.
    private mutating func penalty(of move: Path.Move, limit: Double) -> Double {
        var clock = visits[move.from - 1]
        var last = path.order[move.from - 1]
        for half in 0...1 {
            let (from, to, turns) =
                half == 0
                ? (move.middle + 1, move.to, move.turnsRight)
                : (move.from, move.middle, move.turnsLeft)
            for step in 0..<(to - from + 1) {
                let stop = path.order[turns ? to - step : from + step]
                clock = following(clock, last, stop)
                effort -= 1
                if clock.penalty >= limit { return clock.penalty }
                last = stop
            }
        }
        var place = move.to + 1
        while place < count, clock.penalty < limit {
            clock = following(clock, last, path.order[place])
            effort -= 1
            // From where the clock shows what it showed before, the rest is as it was.
            if clock.leave == visits[place].leave {
                return clock.penalty + visits[count - 1].penalty - visits[place].penalty
            }
            last = path.order[place]
            place += 1
        }
        return clock.penalty
    }
}

/// The stops most likely to follow or precede each stop in a good tour, best first.
private struct Neighbours {
    private static let limit = 10

    let width: Int
    private let stops: [Int]

    init(distances: Distances, schedule: Schedule) {
        let count = distances.count
        let width = min(Neighbours.limit, count - 1)
        var stops: [Int] = []
        stops.reserveCapacity(count * width)
        for stop in 0..<count {
            var best: [(key: Float, stop: Int)] = []
            for other in 0..<count where other != stop {
                var key = distances[stop, other]
                if schedule.hasWindows {
                    key += min(
                        schedule.mismatch(from: stop, to: other, kilometres: key),
                        schedule.mismatch(from: other, to: stop, kilometres: key))
                }
                if best.count == width, key >= best[width - 1].key { continue }
                let place = best.firstIndex { $0.key > key } ?? best.count
                if best.count == width { best.removeLast() }
                best.insert((key, other), at: place)
            }
            stops += best.map(\.stop)
        }
        self.width = width
        self.stops = stops
    }

    func of(_ stop: Int, rank: Int) -> Int { stops[stop * width + rank] }
}

/// A repeatable source of chance: SplitMix64 (Steele, Lea and Flood 2014).
private struct Random {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)).multipliedFullWidth(by: UInt64(limit)).high)
    }
}
