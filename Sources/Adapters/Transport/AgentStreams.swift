package import Model
import Synchronization

/// The logs and commands that a node serves to its hub, whatever session carries them at the moment.
///
/// A stream begins on the session on which the hub asked for it, and goes over to the next one as soon
/// as the hub has welcomed that.
package final class AgentStreams: Sendable {
    /// Answers one request for a log or a command. It is cancelled when the hub or the link is gone;
    /// when it returns without `exit` or `failed`, the hub sees a broken stream.
    package typealias Answer =
        @Sendable (
            StreamRequest, AsyncStream<StreamFrame>,
            _ output: @escaping @Sendable (StreamFrame) async throws -> Void
        ) async throws -> Void

    private struct State {
        var lastCarrier: UInt64 = 0
        /// The session that was welcomed last.
        var newest: StreamCarrier?
        var open: [UInt64: AgentStream] = [:]
    }

    private let state = Mutex(State())
    private let openings: Pipe<AgentStream>
    private let limits: Limits

    package init(limits: Limits = .production) {
        self.limits = limits
        openings = Pipe(countMax: limits.streamsPerSession)
    }

    /// Serves until the task is cancelled.
    package func run(_ answer: @escaping Answer) async {
        await withDiscardingTaskGroup { group in
            while let stream = await openings.next() {
                group.addTask {
                    await stream.answer(with: answer)
                    self.state.withLock { $0.open[stream.id] = nil }
                }
            }
            group.cancelAll()
        }
    }

    func carrier(_ control: StreamCarrier.Control) -> StreamCarrier {
        state.withLock { state in
            state.lastCarrier += 1
            return StreamCarrier(number: state.lastCarrier, control: control)
        }
    }

    /// What is open goes on there.
    func move(to carrier: StreamCarrier) {
        let streams = state.withLock { state in
            state.newest = carrier
            return Array(state.open.values)
        }
        for stream in streams { stream.move(to: carrier) }
    }

    /// A hub that asks for more than it may is not answered.
    func open(
        _ open: Skerry_Control_V1_OpenStream, on carrier: StreamCarrier, _ reader: RecordReader
    ) {
        let stream = AgentStream(open, on: carrier, limits: limits, reader: reader)
        let newest = state.withLock { state -> StreamCarrier? in
            // Twice, since those that end leave the table after the hub has counted them.
            guard state.open.count < 2 * limits.streamsPerSession, openings.offer(stream) else {
                return nil
            }
            state.open[stream.id] = stream
            return state.newest
        }
        if let newest { stream.move(to: newest) }
    }

    /// Waits until nothing is carried there any longer, where there is another to carry it.
    func vacate(_ carrier: StreamCarrier) async {
        guard state.withLock({ $0.newest.map { $0.number > carrier.number } ?? false }) else {
            return
        }
        await carrier.vacated()
    }
}

/// One connection to the hub, as far as streams run on it.
final class StreamCarrier: Sendable {
    typealias Control = Skerry_Control_V1_Control.Client<Dialer.Transport>

    /// Later connections have higher ones.
    let number: UInt64
    let control: Control
    private let calls = Mutex((count: 0, isClosing: false))
    private let isEmpty = Pipe<Void>(countMax: 1)

    init(number: UInt64, control: Control) {
        self.number = number
        self.control = control
    }

    func enter() { calls.withLock { $0.count += 1 } }

    func leave() {
        let isLast = calls.withLock { calls in
            calls.count -= 1
            return calls.isClosing && calls.count == 0
        }
        if isLast { isEmpty.finish() }
    }

    /// Waits until no call is left, or the task is cancelled.
    func vacated() async {
        let hasCalls = calls.withLock { calls in
            calls.isClosing = true
            return calls.count > 0
        }
        if hasCalls { await isEmpty.next() }
    }
}
