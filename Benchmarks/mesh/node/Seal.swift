import Model

/// The seam where sessions go: a payload for a peer to a datagram, and back to who made it.
///
/// This one protects nothing. It says who sends, and is as long as a session's seal, so that the
/// figures are those of sealed datagrams. Only for namespaces that the benchmark made itself.
struct PlainSeal {
    /// What a sealed datagram is longer than its payload.
    static let bytes = 32

    let me: NodeID

    func seal(_ payload: [UInt8], for peer: NodeID?) -> [UInt8] {
        let name = Array(me.text.utf8.prefix(Self.bytes - 1))
        let rest = [UInt8](repeating: 0, count: Self.bytes - 1 - name.count)
        return [UInt8(name.count)] + name + rest + payload
    }

    func open(_ datagram: [UInt8]) -> (from: NodeID, payload: [UInt8])? {
        guard datagram.count >= Self.bytes, let length = datagram.first,
            (1..<UInt8(Self.bytes)).contains(length),
            let name = String(validating: datagram[1...Int(length)], as: UTF8.self),
            isDNSLabel(name)
        else { return nil }
        return (NodeID(name), Array(datagram[Self.bytes...]))
    }
}
