import Synchronization

/// Those who want to know that something changed: told at most once until they look.
package final class Observers: Sendable {
    private struct State {
        var next = 0
        var bells: [Int: AsyncStream<Void>.Continuation] = [:]
    }

    private let state = Mutex(State())

    package init() {}

    package func changes() -> AsyncStream<Void> {
        let (stream, bell) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.next += 1
            state.bells[state.next] = bell
            return state.next
        }
        bell.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.bells.removeValue(forKey: number) }
        }
        return stream
    }

    package func notify() {
        for bell in state.withLock({ Array($0.bells.values) }) { bell.yield() }
    }
}
