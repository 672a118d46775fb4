import Synchronization

/// A bounded queue between tasks: writers wait for room or are told that there is none, one reader
/// waits for elements.
///
/// Elements arrive in the order in which they were accepted, and all that were accepted before
/// `finish` arrive.
final class Pipe<Element: Sendable>: Sendable {
    private struct State {
        var queue: [(element: Element, cost: Int)] = []
        var cost = 0
        var finished = false
        var interrupted = false
        var nextWaiter: UInt64 = 0
        var writers: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var reader: CheckedContinuation<Void, Never>?

        mutating func wakeAll() -> [CheckedContinuation<Void, Never>] {
            defer {
                writers = [:]
                reader = nil
            }
            return writers.values + (reader.map { [$0] } ?? [])
        }
    }

    private let countMax: Int
    private let costMax: Int
    private let state = Mutex(State())

    init(countMax: Int, costMax: Int = .max) {
        precondition(countMax > 0, "a pipe that holds nothing never passes anything on")
        self.countMax = countMax
        self.costMax = costMax
    }

    /// Accepts the element if there is room; false if there is none or the pipe is finished.
    func offer(_ element: Element, cost: Int = 0) -> Bool {
        let (accepted, woken) = state.withLock { accept(element, cost: cost, in: &$0) }
        for continuation in woken { continuation.resume() }
        return accepted
    }

    /// Waits for room; false if the pipe is finished or the task cancelled before there was any.
    func send(_ element: Element) async -> Bool {
        while !Task.isCancelled {
            if offer(element) { return true }
            if state.withLock({ $0.finished }) { return false }
            await waitForRoom()
        }
        return false
    }

    /// The next element if there is one already.
    func poll() -> Element? {
        let (element, _, woken) = state.withLock { take(from: &$0) }
        for continuation in woken { continuation.resume() }
        return element
    }

    /// Waits for an element; nil when the pipe is finished and empty or the task is cancelled.
    func next() async -> Element? {
        while true {
            switch await arrival() {
            case .element(let element): return element
            case .interruption: continue
            case .end: return nil
            }
        }
    }

    /// What a reader finds who may be asked to stop.
    enum Arrival {
        case element(Element)
        /// Whoever reads shall leave the rest to another.
        case interruption
        /// The pipe is finished and empty, or the task is cancelled.
        case end
    }

    /// As `next`, and heeds `interrupt`, before any element that waits.
    func arrival() async -> Arrival {
        while !Task.isCancelled {
            let interrupted = state.withLock { state in
                defer { state.interrupted = false }
                return state.interrupted
            }
            if interrupted { return .interruption }
            let (element, finished, woken) = state.withLock { take(from: &$0) }
            for continuation in woken { continuation.resume() }
            if let element { return .element(element) }
            if finished { return .end }
            await waitForElement()
        }
        return .end
    }

    /// Asks the reader once to stop. Nothing that waits is lost.
    func interrupt() {
        let reader = state.withLock { state in
            state.interrupted = true
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume()
    }

    /// Accepts nothing more. What is queued still arrives.
    func finish() {
        let woken = state.withLock {
            $0.finished = true
            return $0.wakeAll()
        }
        for continuation in woken { continuation.resume() }
    }

    /// The reading end as a sequence; ending the iteration finishes the pipe.
    var elements: AsyncStream<Element> {
        AsyncStream {
            await self.next()
        } onCancel: {
            self.finish()
        }
    }

    private func accept(_ element: Element, cost: Int, in state: inout State) -> (
        Bool, [CheckedContinuation<Void, Never>]
    ) {
        // An empty pipe takes anything, or an element above the bound could never pass.
        let hasRoom =
            state.queue.isEmpty
            || (state.queue.count < countMax && state.cost + cost <= costMax)
        guard !state.finished, hasRoom else { return (false, []) }
        state.queue.append((element, cost))
        state.cost += cost
        defer { state.reader = nil }
        return (true, state.reader.map { [$0] } ?? [])
    }

    private func take(from state: inout State) -> (
        Element?, finished: Bool, [CheckedContinuation<Void, Never>]
    ) {
        guard !state.queue.isEmpty else { return (nil, state.finished, []) }
        let first = state.queue.removeFirst()
        state.cost -= first.cost
        defer { state.writers = [:] }
        return (first.element, state.finished, Array(state.writers.values))
    }

    private func waitForElement() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state in
                    precondition(state.reader == nil, "a pipe has one reader")
                    if Task.isCancelled || state.finished || state.interrupted
                        || !state.queue.isEmpty
                    {
                        return true
                    }
                    state.reader = continuation
                    return false
                }
                if ready { continuation.resume() }
            }
        } onCancel: {
            let reader = state.withLock { state in
                defer { state.reader = nil }
                return state.reader
            }
            reader?.resume()
        }
    }

    private func waitForRoom() async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let ready = state.withLock { state in
                    if Task.isCancelled || state.finished || state.queue.count < countMax {
                        return true
                    }
                    state.writers[id] = continuation
                    return false
                }
                if ready { continuation.resume() }
            }
        } onCancel: {
            let writer = state.withLock { $0.writers.removeValue(forKey: id) }
            writer?.resume()
        }
    }
}
