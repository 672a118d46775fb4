import Hummingbird
import Model
import NIOCore

extension Interface {
    /// The whole body. The connection of one that does not arrive in time is closed: a client that
    /// sends a byte now and then would hold it for ever.
    func body(of call: Call) async throws -> ByteBuffer {
        let channel = call.channel
        let deadline = channel.eventLoop.scheduleTask(in: TimeAmount(limits.arrival)) {
            channel.close(promise: nil)
        }
        defer { deadline.cancel() }
        return try await call.request.body.collect(upTo: limits.bodyBytesMax)
    }
}
