/// The order in which stops are visited, and what a change of it does to the length.
///
/// Invariants: `order[0]` is stop 0; `order` and `position` are inverse.
struct Path {
    /// Replaces the stretch `left right` by `right left`, either of them turned round.
    ///
    /// `left` is `from...middle` and `right` is `middle + 1...to`, which may be empty. One shape
    /// serves 2-opt (only `left`, turned), Or-opt (one side short) and the kick. Stop 0 never
    /// moves: turning the rest of a closed tour has the same effect.
    struct Move {
        var from: Int
        var middle: Int
        var to: Int
        var turnsLeft = false
        var turnsRight = false
    }

    private let distances: Distances
    private(set) var order: [Int]
    private(set) var position: [Int]

    init(order: [Int], distances: Distances) {
        self.distances = distances
        self.order = order
        position = [Int](repeating: 0, count: order.count)
        for (place, stop) in order.enumerated() { position[stop] = place }
    }

    var count: Int { order.count }

    /// The kilometres of the closed tour.
    var length: Double {
        order.indices.reduce(0) { $0 + leg(order[$1], next(to: $1)) }
    }

    func next(to place: Int) -> Int { order[place + 1 == count ? 0 : place + 1] }

    func previous(to place: Int) -> Int { order[place == 0 ? count - 1 : place - 1] }

    /// Sums in Double are exact enough that no cycle of moves can seem to gain all the way round.
    func leg(_ from: Int, _ to: Int) -> Double { Double(distances[from, to]) }

    /// 2-opt that joins the stops at two places, and the two that follow them.
    func exchange(_ first: Int, _ second: Int) -> Move? {
        turned(min(first, second) + 1, max(first, second))
    }

    /// 2-opt that joins the stops at two places, and the two that come before them.
    func exchangeBefore(_ first: Int, _ second: Int) -> Move? {
        let (low, high) = (min(first, second), max(first, second))
        return low == 0 ? turned(high, count - 1) : turned(low, high - 1)
    }

    private func turned(_ from: Int, _ to: Int) -> Move? {
        from < to ? Move(from: from, middle: to, to: to, turnsLeft: true) : nil
    }

    /// Or-opt: the stops `from...to` move to the gap behind the place `target`.
    func transfer(_ from: Int, _ to: Int, behind target: Int, turned: Bool) -> Move? {
        let target = target < 0 ? count - 1 : target
        guard from > 0, to < count else { return nil }
        if target > to {
            return Move(from: from, middle: to, to: target, turnsLeft: turned)
        }
        if target < from - 1 {
            return Move(from: target + 1, middle: from - 1, to: to, turnsRight: turned)
        }
        return nil
    }

    /// How many kilometres `move` adds.
    func lengthening(_ move: Move) -> Double {
        let before = order[move.from - 1]
        let after = next(to: move.to)
        let (first, last) = (order[move.from], order[move.to])
        if move.middle == move.to {
            return leg(before, last) + leg(first, after) - leg(before, first) - leg(last, after)
        }
        let (leftEnd, rightStart) = (order[move.middle], order[move.middle + 1])
        let (left, right) = (
            move.turnsLeft ? (leftEnd, first) : (first, leftEnd),
            move.turnsRight ? (last, rightStart) : (rightStart, last)
        )
        return leg(before, right.0) + leg(right.1, left.0) + leg(left.1, after)
            - leg(before, first) - leg(leftEnd, rightStart) - leg(last, after)
    }

    mutating func reverse(_ from: Int, _ to: Int) {
        var (low, high) = (from, to)
        while low < high {
            order.swapAt(low, high)
            position[order[low]] = low
            position[order[high]] = high
            low += 1
            high -= 1
        }
    }
}
