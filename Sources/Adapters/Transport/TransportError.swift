package import Model

/// Why a link, a stream or a listener could not be had, or ended. The description is for people.
package enum TransportError: Error, Hashable, Sendable {
    /// Who was not believed in a handshake.
    package enum Side: Hashable, Sendable { case hub, node }

    /// Not `host:port`.
    case address(String)
    /// Nothing answers there.
    case unreachable(address: String, reason: String)
    /// The handshake failed because this side's certificate was not accepted by the other.
    case untrusted(Side, reason: String)
    /// The hub has no room at the moment.
    case refused(retryAfter: Interval, reason: String)
    /// The hub knows the node and will not talk to it as it came.
    case denied(reason: String)
    /// The hub does not enrol this node.
    case enrolment(Refusal)
    case token(JoinTokenError)
    /// The certificate or key that was to be used here cannot be.
    case identity(CredentialError)
    /// The other side answers, but not in this protocol.
    case garbled(reason: String)
    /// The link was there and is over.
    case closed(reason: String)
    /// The link was there, and nothing is heard on it any more.
    case silent(reason: String)
    case notConnected(NodeID)
    case streamLimit(NodeID, limit: Int)
    case stream(reason: String)
    case portTaken(address: String)
    case cannotListen(address: String, reason: String)
    case cancelled
}

extension TransportError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .address(let text):
            "'\(text)' is not an address: write host:port, such as hub.example:7443"
        case .unreachable(let address, let reason):
            "cannot reach \(address): \(reason); check the address and that the hub is running"
        case .untrusted(.hub, let reason):
            "the hub's certificate is not accepted: \(reason)"
        case .untrusted(.node, let reason):
            "the hub does not accept this node's certificate: \(reason)"
        case .refused(let retryAfter, let reason):
            "the hub asks to come back in \(retryAfter): \(reason)"
        case .denied(let reason): "the hub refuses this node: \(reason)"
        case .enrolment(let refusal): "the hub does not enrol this node: \(refusal.message)"
        case .token(let error): error.description
        case .identity(let error): error.description
        case .garbled(let reason):
            "the other side does not speak Skerry's control protocol: \(reason)"
        case .closed(let reason), .silent(let reason): "the link to the hub ended: \(reason)"
        case .notConnected(let node):
            "node \(node) is not connected to this hub; try again when it is Ready, or ask on the node"
        case .streamLimit(let node, let limit):
            "node \(node) has \(limit) exec and log streams open already; close one and try again"
        case .stream(let reason): "the stream to the node broke: \(reason)"
        case .portTaken(let address):
            "cannot listen on \(address): another process has that port; stop it or choose another"
        case .cannotListen(let address, let reason): "cannot listen on \(address): \(reason)"
        case .cancelled: "cancelled"
        }
    }
}
