import Audit
import Model

/// The key that signs an audit log, beside the store that holds it: both belong together, whatever
/// becomes of the identity.
enum AuditKeyFile {
    static func path(in state: String) -> String { state + "/audit.key" }

    /// The key in a state directory, or a new one where there is none.
    ///
    /// Its public half lies beside it, since who verifies the log of a stopped hub may be unable to
    /// open what is sealed.
    static func open(in state: String, of vault: Vault) throws(HostError) -> AuditKey {
        let known = try read(in: state, of: vault)
        let key = if let known { known } else { try fresh(in: state, of: vault) }
        let text = "skerry-audit-public-key ed25519 \(hexadecimal(key.verifier.bytes))\n"
        if try PrivateFile.read(publicPath(in: state)) != text {
            try PrivateFile.write(text, to: publicPath(in: state))
        }
        return key
    }

    private static func fresh(in state: String, of vault: Vault) throws(HostError) -> AuditKey {
        var system = SystemRandomNumberGenerator()
        let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &system) }
        guard let key = AuditKey(seed: seed) else {
            preconditionFailure("32 bytes are a seed")
        }
        try vault.write(
            "skerry-audit-key ed25519 \(hexadecimal(key.seed))\n", to: path(in: state))
        return key
    }

    static func publicPath(in state: String) -> String { state + "/audit.pub" }

    /// Whose signatures are good; nil where neither half is there.
    static func verifier(in state: String) throws(HostError) -> AuditVerifyingKey? {
        guard let text = try PrivateFile.read(publicPath(in: state)) else {
            // From before there were public halves, when nothing was sealed.
            return try read(in: state, of: Vault(plain: state))?.verifier
        }
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 3, words[0] == "skerry-audit-public-key", words[1] == "ed25519",
            let bytes = bytes(hexadecimal: words[2]), bytes.count == 32
        else {
            throw .identity("\(publicPath(in: state)) holds no key; put the right file back")
        }
        return AuditVerifyingKey(bytes: bytes)
    }

    private static func read(
        in state: String, of vault: Vault
    ) throws(HostError) -> AuditKey? {
        guard let text = try vault.read(path(in: state)) else { return nil }
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
