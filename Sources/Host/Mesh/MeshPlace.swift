import Transport

/// Where a node takes what its mesh says, where it says that this goes, and how it is secured.
package struct MeshPlace: Hashable, Sendable {
    /// `address:port`; port 0 takes a free one, and the same again after a restart if it can.
    package var listen: String
    /// `address` or `address:port`; nil for where it listens.
    package var advertise: String?
    package var security: MeshSecurity

    package init(
        listen: String = "127.0.0.1:0", advertise: String? = nil,
        security: MeshSecurity = .sessions
    ) {
        self.listen = listen
        self.advertise = advertise
        self.security = security
    }

    /// What others are told, where the socket came to be bound to `bound`.
    func advertised(boundTo bound: String) -> String {
        guard let advertise else { return security.address(bound) }
        let port = bound.split(separator: ":").last.map(String.init) ?? "0"
        return security.address(
            MeshPlace.hasPort(advertise)
                ? advertise : "\(MeshPlace.bracketed(advertise)):\(port)")
    }

    /// The same with another port.
    func listening(on port: Int) -> String {
        let host = listen.split(separator: ":").dropLast().joined(separator: ":")
        return "\(host):\(port)"
    }

    /// The address in `address:port`, without brackets.
    static func host(of place: String) -> String {
        let host = place.split(separator: ":").dropLast().joined(separator: ":")
        return host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    }

    var takesAnyPort: Bool { listen.hasSuffix(":0") }

    fileprivate static func hasPort(_ text: String) -> Bool {
        text.hasPrefix("[") ? text.contains("]:") : text.split(separator: ":").count == 2
    }

    fileprivate static func bracketed(_ host: String) -> String {
        host.contains(":") && !host.hasPrefix("[") ? "[\(host)]" : host
    }

    /// Reads `address:port`; a name is none, since a node must find its neighbours without a network.
    fileprivate static func place(_ text: String) -> String? {
        do {
            return try DatagramPort.Place(text).description
        } catch {
            return nil
        }
    }
}

extension SettingValues {
    /// Where names are answered. Only here: what a node says of names is for its own workloads.
    mutating func names() -> String? {
        guard self["namesListen"] != "off" else { return nil }
        return read(
            "namesListen", as: "an address of loopback with a port, such as 127.0.0.1:5353, or off"
        ) { (text: String) -> String? in
            guard let place = MeshPlace.place(text),
                place.hasPrefix("127.") || place.hasPrefix("[::1]:")
            else { return nil }
            return place
        }
    }

    /// The settings of the mesh together; nil for a node without one.
    mutating func mesh() -> MeshPlace? {
        let security =
            read("meshSecurity", as: "sessions or mtls", MeshSecurity.init(rawValue:)) ?? .sessions
        guard self["meshListen"] != "off" else { return nil }
        let listen = read(
            "meshListen", as: "an address with a port, such as 0.0.0.0:7443, or off",
            MeshPlace.place)
        let advertise = read(
            "meshAdvertise", as: "an address such as 192.0.2.7 or 192.0.2.7:7443"
        ) { (text: String) -> String? in
            let full = MeshPlace.hasPort(text) ? text : "\(MeshPlace.bracketed(text)):1"
            return MeshPlace.place(full).map { _ in text }
        }
        guard let listen else { return MeshPlace(security: security) }
        if advertise == nil, listen.hasPrefix("0.0.0.0:") || listen.hasPrefix("[::]:") {
            refuse(
                "setting 'meshListen': '\(listen)' is every address of this machine; say with "
                    + "meshAdvertise which one the other nodes of the site use")
        }
        return MeshPlace(listen: listen, advertise: advertise, security: security)
    }
}
