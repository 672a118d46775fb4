import GRPCCore
import Model
import SwiftProtobuf
import Synchronization

/// One exec or log stream as the node serves it: what answers it, and the call that carries it, which
/// the agent opens on its own connection because the hub asked.
///
/// A connection ends with the certificate that opened it, and a stream need not: before that a call on
/// the next connection takes it over. The agent says so by the stream's id as the last part of the old
/// call; the hub ends that, and what it has read by then comes first. So nothing is lost or doubled in
/// either direction.
final class AgentStream: Sendable {
    private struct State {
        var carrier: StreamCarrier
        /// Where it is to go on.
        var next: StreamCarrier?
    }

    let id: UInt64
    private let request: Skerry_Control_V1_Record
    private let reader: RecordReader
    private let input: Pipe<StreamFrame>
    private let output: Pipe<StreamFrame>
    private let limits: Limits
    private let state: Mutex<State>

    init(
        _ open: Skerry_Control_V1_OpenStream, on carrier: StreamCarrier, limits: Limits,
        reader: RecordReader
    ) {
        id = open.id
        request = open.request
        self.reader = reader
        self.limits = limits
        input = Pipe(countMax: limits.streamFrames)
        output = Pipe(countMax: limits.streamFrames)
        state = Mutex(State(carrier: carrier))
    }

    /// Asks for the stream to go on there.
    func move(to carrier: StreamCarrier) {
        state.withLock { state in
            guard carrier.number > state.carrier.number else { return }
            state.next = carrier
        }
        output.interrupt()
    }

    /// Runs until the answer is complete, the hub hangs up or the link is gone.
    func answer(with answer: @escaping AgentStreams.Answer) async {
        await withTaskGroup { group in
            group.addTask { await self.run(answer) }
            await carry()
            // Whoever still answers does so for nobody, and is told by cancellation before it is by
            // the end of its input.
            group.cancelAll()
            input.finish()
            output.finish()
        }
    }

    private func run(_ answer: AgentStreams.Answer) async {
        do {
            guard let request = reader.value(StreamRequest.self, from: request) else {
                throw TransportError.garbled(
                    reason: "this node's version does not know this kind of stream")
            }
            try await answer(request, input.elements) { frame in
                guard await self.output.send(frame) else {
                    throw TransportError.closed(reason: "nobody reads this stream any longer")
                }
            }
        } catch {
            // False only where the call is over and nobody is left to be told.
            _ = await output.send(.failed("\(error)"))
        }
        output.finish()
        input.finish()
    }

    private func carry() async {
        while await call() {
            let hasNext = state.withLock { state in
                guard let next = state.next else { return false }
                state.carrier = next
                state.next = nil
                return true
            }
            guard hasNext else { return }
        }
    }

    /// One call. Answers whether another is to go on where it ended.
    private func call() async -> Bool {
        let carrier = state.withLock { $0.carrier }
        let (id, reader, input) = (id, reader, input)
        let hasMoved = Mutex(false)
        carrier.enter()
        defer { carrier.leave() }
        do {
            try await carrier.control.stream(options: CallOptions(limits)) { writer in
                try await writer.write(.with { $0.id = id })
                guard try await self.write(to: writer) else { return }
                hasMoved.withLock { $0 = true }
                try await writer.write(.with { $0.id = id })
            } onResponse: { response in
                for try await part in response.messages {
                    guard let frame = reader.frame(from: part) else { continue }
                    // After the answer is complete what still comes in is read and dropped, or the
                    // call would never end.
                    _ = await input.send(frame)
                }
            }
            return hasMoved.withLock { $0 }
        } catch {
            // The hub hung up or the link is gone. The hub tells its reader; here nobody waits.
            return false
        }
    }

    /// Answers whether more is to be written elsewhere.
    private func write(
        to writer: RPCWriter<Skerry_Control_V1_StreamPart>
    ) async throws -> Bool {
        while true {
            switch await output.arrival() {
            case .element(let frame): try await writer.write(Skerry_Control_V1_StreamPart(frame))
            case .end: return false
            case .interruption:
                // One that was for an earlier call says nothing to this one.
                if state.withLock({ $0.next != nil }) { return true }
            }
        }
    }
}
