import Hummingbird
import Model
import NIOCore

extension Interface {
    /// The whole body. One that does not arrive in time is given up: a client that sends a byte now and
    /// then would hold its connection for ever.
    func body(of request: Request) async throws -> ByteBuffer {
        try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
            let limits = limits
            group.addTask { try await request.body.collect(upTo: limits.bodyBytesMax) }
            group.addTask {
                try await Task.sleep(for: limits.arrival)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let body = first else {
                throw Rejection(
                    .requestTimeout, .invalid,
                    "the body of the request did not arrive within \(limits.arrival)")
            }
            return body
        }
    }
}
