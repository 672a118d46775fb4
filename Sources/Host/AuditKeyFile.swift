import Audit
import Model

/// The key that signs an audit log, beside the store that holds it: both belong together, whatever
/// becomes of the identity.
enum AuditKeyFile {
    static func path(in state: String) -> String { state + "/audit.key" }

    /// The key in a state directory, or a new one where there is none.
    static func open(in state: String) throws(HostError) -> AuditKey {
        if let key = try read(in: state) { return key }
        var system = SystemRandomNumberGenerator()
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &system) }
        guard let key = AuditKey(seed: seed) else {
            preconditionFailure("32 bytes are a seed")
        }
        try PrivateFile.write(
            "skerry-audit-key ed25519 \(hexadecimal(key.seed))\n", to: path(in: state))
        return key
    }

    static func read(in state: String) throws(HostError) -> AuditKey? {
        guard let text = try PrivateFile.read(path(in: state)) else { return nil }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 3, words[0] == "skerry-audit-key", words[1] == "ed25519",
            let seed = bytes(hexadecimal: words[2]), let key = AuditKey(seed: seed)
        else {
            throw .identity(
                "\(path(in: state)) holds no key of an audit log; put the right file back, or move it "
                    + "away: what was signed with it can then not be verified any more")
        }
        return key
    }
}
