/// What happens next, by virtual time and then by the order in which it was asked for.
///
/// A binary heap of small entries; the occurrences themselves lie still in slots that are used
/// again.
struct EventQueue<Occurrence> {
    private struct Entry {
        var time: Int64
        var order: UInt64
        var slot: Int

        func isBefore(_ other: Entry) -> Bool {
            time != other.time ? time < other.time : order < other.order
        }
    }

    private var heap: [Entry] = []
    private var slots: [Occurrence?] = []
    private var free: [Int] = []
    private var lastOrder: UInt64 = 0

    var count: Int { heap.count }
    var nextTime: Int64? { heap.first?.time }

    mutating func add(_ occurrence: Occurrence, at time: Int64) {
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            slots[slot] = occurrence
        } else {
            slot = slots.count
            slots.append(occurrence)
        }
        lastOrder += 1
        heap.append(Entry(time: time, order: lastOrder, slot: slot))
        rise(from: heap.count - 1)
    }

    /// What is next; nil where nothing is. Its time is `nextTime` before the call.
    mutating func next() -> Occurrence? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        guard let occurrence = slots[first.slot].take() else {
            preconditionFailure("an entry of the heap has its occurrence until it is taken")
        }
        free.append(first.slot)
        return occurrence
    }

    private mutating func rise(from start: Int) {
        var child = start
        let entry = heap[child]
        while child > 0 {
            let parent = (child - 1) / 2
            guard entry.isBefore(heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = entry
    }

    private mutating func sink() {
        var parent = 0
        let entry = heap[0]
        while true {
            var child = 2 * parent + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].isBefore(heap[child]) { child += 1 }
            guard heap[child].isBefore(entry) else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = entry
    }
}
