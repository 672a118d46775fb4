import GRPCCore
import Model

/// Stands before every call of the control link: one whose connection shows no certificate of a node is
/// refused, and so is one that the policies of the hub do not permit.
///
/// What the handshake found is the only thing it goes by. Where that is missing, twice there, or not a
/// node's, nothing is let through.
struct PeerGuard: ServerInterceptor {
    let delegate: any ControlDelegate

    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next:
            @Sendable (
                StreamingServerRequest<Input>, ServerContext
            ) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let (node, site) = try PeerGuard.peer(in: request.metadata)
        if let reason = await delegate.objection(to: node, at: site) {
            throw RPCError(code: .permissionDenied, message: reason)
        }
        return try await next(request, context)
    }

    /// Who the connection belongs to, as the handshake found; never what the call says.
    static func peer(in metadata: GRPCCore.Metadata) throws -> (NodeID, SiteID) {
        var stamps = metadata[stringValues: PeerStamp.header].makeIterator()
        guard let stamp = stamps.next(), stamps.next() == nil,
            case .node(let node, let site)? = PeerIdentity(uri: stamp)
        else {
            throw RPCError(
                code: .unauthenticated, message: "the connection shows no certificate of a node")
        }
        return (node, site)
    }
}
