import Model
import Transport
import Trust

/// Asking to become a node without a token, until a person at the hub has answered.
extension NodeIdentity {
    private static let retry = Duration.seconds(30)
    private static let waitMax = Duration.seconds(900)

    /// Goes on asking, whatever is in the way: nobody may be near the machine.
    static func join(
        _ join: JoinSettings, as node: NodeID, device: NodeKey, time: FleetTime,
        log: @escaping @Sendable (String) -> Void
    ) async throws -> (Enrolment, NodeKey) {
        let trust = try trust(join.authority)
        let mark = fingerprint(ofDevice: digest(ofDeviceKey: device.publicKey))
        log(
            "asking \(join.hub) to become node \(node) at site \(join.site); the fingerprint of this "
                + "machine is \(mark); whoever may, lets it in with: skerry approve \(node)")
        var told = ""
        while true {
            let key = NodeKey()
            var wait = retry
            var words: String
            do {
                switch try await ControlClient.join(
                    join.hub, trusting: trust, node: node, site: join.site, key: key,
                    device: device, clock: time.forHandshakes)
                {
                case .enrolled(let enrolment): return (enrolment, key)
                case .wait(let interval, let reason):
                    wait = min(max(interval.duration, .seconds(1)), waitMax)
                    words = reason
                }
            } catch {
                words = "\(error)"
            }
            if words != told { log("not yet a node: \(words); asking again") }
            told = words
            // Spread, so that a shelf of machines that were switched on at once does not ask at once.
            try await Task.sleep(for: wait * Double.random(in: 0.75...1.25))
        }
    }

    private static func trust(_ text: String) throws(HostError) -> ControlClient.HubTrust {
        if text.hasPrefix("sha256:") {
            let digits = text.dropFirst(7).lowercased().filter { $0 != ":" }
            guard digits.utf8.count == 64, bytes(hexadecimal: digits) != nil else {
                throw .settings([
                    "setting 'authority': '\(text)' is not sha256: and 64 hexadecimal digits"
                ])
            }
            return .digest(digits)
        }
        guard let roots = try PrivateFile.read(text) else {
            throw .settings(["setting 'authority': there is no file \(text)"])
        }
        return .roots(roots)
    }
}
