/// One hub or node that the verbs can talk to, and with which credentials.
package struct Context: Hashable, Sendable {
    package var name: String
    package var endpoint: Endpoint

    package init(name: String, endpoint: Endpoint) {
        self.name = name
        self.endpoint = endpoint
    }

    /// The node this machine is, whatever the file says.
    package static let localName = "local"

    package static func local(_ environment: [String: String]) -> Context {
        let named = environment["SKERRY_SOCKET"] ?? ""
        return Context(
            name: localName,
            endpoint: .node(socket: named.isEmpty ? "/run/skerry/agent.sock" : named))
    }
}

/// Where requests go.
package enum Endpoint: Hashable, Sendable {
    case hub(HubAddress)
    /// A node answers on a Unix socket; the permissions of the socket say who may ask.
    case node(socket: String)

    /// As messages name it.
    package var text: String {
        switch self {
        case .hub(let address): "\(address.host):\(address.port)"
        case .node(let socket): socket
        }
    }
}

/// A hub, and the files with which both sides prove who they are.
package struct HubAddress: Hashable, Sendable {
    package var host: String
    package var port: Int
    /// PEM.
    package var certificateAuthority: String
    package var proof: Proof

    /// Who this side is, in files.
    package enum Proof: Hashable, Sendable {
        /// Both PEM.
        case certificate(String, key: String)
        /// The text of a token, and nothing else.
        case token(file: String)

        /// As messages name it.
        var file: String {
            switch self {
            case .certificate(let file, _), .token(let file): file
            }
        }
    }

    package init(host: String, port: Int, certificateAuthority: String, proof: Proof) {
        self.host = host
        self.port = port
        self.certificateAuthority = certificateAuthority
        self.proof = proof
    }

    package init(
        host: String, port: Int, certificateAuthority: String, clientCertificate: String,
        clientKey: String
    ) {
        self.init(
            host: host, port: port, certificateAuthority: certificateAuthority,
            proof: .certificate(clientCertificate, key: clientKey))
    }

    /// Reads `https://host:port`, also with an IPv6 address in brackets; nil for anything else.
    package static func parse(server: String) -> (host: String, port: Int)? {
        guard server.hasPrefix("https://") else { return nil }
        var rest = server.dropFirst(8)
        if rest.hasSuffix("/") { rest = rest.dropLast() }
        guard let colon = rest.lastIndex(of: ":"),
            let port = Int(rest[rest.index(after: colon)...]),
            (1...65_535).contains(port)
        else { return nil }
        var host = rest[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty, !host.contains("/"), !host.contains("@") else { return nil }
        return (String(host), port)
    }

    var server: String {
        host.contains(":") ? "https://[\(host)]:\(port)" : "https://\(host):\(port)"
    }
}
