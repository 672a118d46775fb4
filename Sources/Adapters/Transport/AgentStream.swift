import GRPCCore
import Model
import SwiftProtobuf

/// One exec or log stream as the node serves it: a call that the agent opens on its own connection
/// because the hub asked.
struct AgentStream: Sendable {
    typealias Answer =
        @Sendable (
            StreamRequest, AsyncStream<StreamFrame>,
            _ output: @escaping @Sendable (StreamFrame) async throws -> Void
        ) async throws -> Void

    let id: UInt64
    let reader: RecordReader
    private let input: Pipe<StreamFrame>
    private let output: Pipe<StreamFrame>
    private let limits: Limits

    init(id: UInt64, limits: Limits, reader: RecordReader) {
        self.id = id
        self.reader = reader
        self.limits = limits
        input = Pipe(countMax: limits.streamFrames)
        output = Pipe(countMax: limits.streamFrames)
    }

    /// Runs until the answer is complete, the hub hangs up or the link is gone.
    func answer<Transport: ClientTransport>(
        _ record: Skerry_Control_V1_Record,
        on control: Skerry_Control_V1_Control.Client<Transport>, with answer: @escaping Answer
    ) async {
        let request = reader.value(StreamRequest.self, from: record)
        do {
            try await control.stream(options: CallOptions(limits)) { writer in
                try await writer.write(.with { $0.id = id })
                while let frame = await output.next() {
                    try await writer.write(Skerry_Control_V1_StreamPart(frame))
                }
            } onResponse: { response in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await run(request, answer) }
                    try await receive(response.messages)
                    // The call is over: whoever still answers does so for nobody, and is told by
                    // cancellation before it is by the end of its input.
                    group.cancelAll()
                    input.finish()
                }
            }
        } catch {
            // The hub hung up or the link is gone. The hub tells its reader; here nobody waits.
            input.finish()
            output.finish()
        }
    }

    private func run(_ request: StreamRequest?, _ answer: Answer) async {
        do {
            guard let request else {
                throw TransportError.garbled(
                    reason: "this node's version does not know this kind of stream")
            }
            try await answer(request, input.elements) { frame in
                guard await output.send(frame) else {
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

    private func receive(
        _ parts: RPCAsyncSequence<Skerry_Control_V1_StreamPart, any Error>
    ) async throws {
        for try await part in parts {
            guard let frame = reader.frame(from: part) else { continue }
            // After the answer is complete what still comes in is read and dropped, or the call
            // would never end.
            _ = await input.send(frame)
        }
    }
}
