/// What happens next, by virtual time and then by the order in which it was asked for.
///
/// A wheel of short stretches of time: what is due in this one lies in a small heap, what is due in
/// the next minute in a bucket for each stretch, the rest in a large heap. Entries are small; the
/// occurrences themselves lie still in slots that are used again. A wake, the most frequent of all,
/// needs no slot: its entry says it all.
struct EventQueue<Occurrence> {
    /// What is next.
    enum Next {
        case occurrence(Occurrence)
        /// A wish of one node to be woken, by its place among the node's wishes. Its order tells
        /// whether it is the latest.
        case wake(node: Int, wish: Int, order: UInt64)
    }

    fileprivate struct Entry {
        var time: Int64
        var order: UInt64
        /// Of the occurrence; of a wake, the wish.
        var slot: Int32
        /// -1 where it is no wake.
        var node: Int32

        func isBefore(_ other: Entry) -> Bool {
            time != other.time ? time < other.time : order < other.order
        }

        /// The stretch in which it is due: about 17 ms each.
        var stretch: Int64 { time >> 24 }
    }

    /// All that is due in `stretch` or before. Empty only where the whole queue is.
    private var near = Heap()
    private var stretch: Int64 = 0
    /// What is due in the stretches after that, each in the bucket of its last bits.
    private var buckets = [[Entry]](repeating: [], count: Wheel.count)
    private var wheel = Wheel()
    private var far = Heap()

    private var slots: [Occurrence?] = []
    private var free: [Int32] = []
    private var lastOrder: UInt64 = 0

    var nextTime: Int64? { near.first?.time }

    mutating func add(_ occurrence: Occurrence, at time: Int64) {
        let slot: Int32
        if let reused = free.popLast() {
            slot = reused
            slots[Int(slot)] = occurrence
        } else {
            slot = Int32(slots.count)
            slots.append(occurrence)
        }
        push(time, slot: slot, node: -1)
    }

    /// Answers the order of the wake.
    mutating func addWake(node: Int, wish: Int, at time: Int64) -> UInt64 {
        push(time, slot: Int32(wish), node: Int32(node))
        return lastOrder
    }

    /// What is next; nil where nothing is. Its time is `nextTime` before the call.
    mutating func next() -> Next? {
        guard let first = near.pop() else { return nil }
        if near.isEmpty { turn() }
        guard first.node < 0 else {
            return .wake(node: Int(first.node), wish: Int(first.slot), order: first.order)
        }
        guard let occurrence = slots[Int(first.slot)].take() else {
            preconditionFailure("an entry of the queue has its occurrence until it is taken")
        }
        free.append(first.slot)
        return .occurrence(occurrence)
    }

    private mutating func push(_ time: Int64, slot: Int32, node: Int32) {
        lastOrder += 1
        let entry = Entry(time: time, order: lastOrder, slot: slot, node: node)
        if near.isEmpty { stretch = entry.stretch }
        if entry.stretch <= stretch {
            near.push(entry)
        } else if entry.stretch - stretch < Int64(Wheel.count) {
            let bucket = Int(entry.stretch) % Wheel.count
            buckets[bucket].append(entry)
            wheel.mark(bucket)
        } else {
            far.push(entry)
        }
    }

    /// Goes on to the next stretch in which something is due.
    private mutating func turn() {
        let bucket = wheel.first(after: Int(stretch) % Wheel.count)
        let soon = bucket.map { stretch + Int64(Wheel.distance(Int(stretch) % Wheel.count, $0)) }
        guard let next = [soon, far.first?.stretch].compactMap(\.self).min() else { return }
        stretch = next
        if let bucket, next == soon {
            for entry in buckets[bucket] { near.push(entry) }
            buckets[bucket].removeAll(keepingCapacity: true)
            wheel.clear(bucket)
        }
        while let first = far.first, first.stretch <= stretch, let entry = far.pop() {
            near.push(entry)
        }
    }

    /// Four children to a parent: half as deep as two.
    private struct Heap {
        private var entries: [Entry] = []

        var first: Entry? { entries.first }
        var isEmpty: Bool { entries.isEmpty }

        mutating func push(_ entry: Entry) {
            var child = entries.count
            entries.append(entry)
            while child > 0 {
                let parent = (child - 1) / 4
                guard entry.isBefore(entries[parent]) else { break }
                entries[child] = entries[parent]
                child = parent
            }
            entries[child] = entry
        }

        mutating func pop() -> Entry? {
            guard let first = entries.first, let last = entries.popLast() else { return nil }
            if !entries.isEmpty { sink(last) }
            return first
        }

        private mutating func sink(_ entry: Entry) {
            var parent = 0
            while true {
                let begin = 4 * parent + 1
                guard begin < entries.count else { break }
                var child = begin
                for other in begin..<min(begin + 4, entries.count)
                where entries[other].isBefore(entries[child]) { child = other }
                guard entries[child].isBefore(entry) else { break }
                entries[parent] = entries[child]
                parent = child
            }
            entries[parent] = entry
        }
    }
}

/// Which buckets hold anything, a bit each.
private struct Wheel {
    static let count = 4_096
    private var words = [UInt64](repeating: 0, count: Wheel.count / 64)

    mutating func mark(_ bucket: Int) { words[bucket / 64] |= 1 << UInt64(bucket % 64) }
    mutating func clear(_ bucket: Int) { words[bucket / 64] &= ~(1 << UInt64(bucket % 64)) }

    /// The first bucket behind this one that holds anything, all the way round.
    func first(after bucket: Int) -> Int? {
        let start = (bucket + 1) % Wheel.count
        var index = start / 64
        var word = words[index] & (~0 << UInt64(start % 64))
        for _ in 0...words.count {
            if word != 0 { return index * 64 + word.trailingZeroBitCount }
            index = (index + 1) % words.count
            word = words[index]
        }
        return nil
    }

    static func distance(_ from: Int, _ to: Int) -> Int {
        to > from ? to - from : to - from + count
    }
}
