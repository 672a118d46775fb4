import Model
package import Transport

/// How what goes between nodes of a mesh is kept from others. Those of one kind do not speak with those of the
/// other.
///
/// An address in a roster says which: `192.0.2.7:7443` takes the datagrams of sessions, and
/// `192.0.2.7:7443/mtls` connections of mutual TLS.
package enum MeshSecurity: String, Hashable, Sendable {
    case sessions, mtls

    private static let mark = "/mtls"

    package init(of address: String) {
        self = address.hasSuffix(MeshSecurity.mark) ? .mtls : .sessions
    }

    /// What others are told of a place.
    func address(_ place: String) -> String {
        switch self {
        case .sessions: place
        case .mtls: place + MeshSecurity.mark
        }
    }

    /// The place in an address of either kind.
    static func place(in address: String) throws(TransportError) -> DatagramPort.Place {
        let bare = MeshSecurity(of: address) == .mtls ? address.dropLast(mark.count) : address[...]
        return try DatagramPort.Place(String(bare))
    }

    /// What people should know of members that do otherwise; nil where there are none.
    func remark(on others: [NodeID]) -> String? {
        guard !others.isEmpty else { return nil }
        let other: MeshSecurity = self == .sessions ? .mtls : .sessions
        let names = others.map { "'\($0)'" }.joined(separator: ", ")
        return "meshSecurity is '\(rawValue)' here and '\(other.rawValue)' at \(names): they and "
            + "this node do not hear each other"
    }
}

/// The socket of a mesh, of either kind.
package enum MeshPort: Sendable {
    case sessions(DatagramPort)
    case mtls(PeerPort)

    var place: DatagramPort.Place {
        switch self {
        case .sessions(let port): port.place
        case .mtls(let port): port.place
        }
    }
}
