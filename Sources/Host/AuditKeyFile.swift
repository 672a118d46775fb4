import Audit
import Model

/// The key that signs an audit log, beside the store that holds it: both belong together, whatever
/// becomes of the identity. Its public half lies beside it, for who reads the log of a process that is
/// stopped.
enum AuditKeyFile {
    static func secret(in state: String) -> String { state + "/audit.key" }
    static func open(in state: String) -> String { state + "/audit.pub" }

    /// The key in a state directory, or a new one where there is none.
    static func key(in state: String, of vault: Vault) throws -> AuditKey {
        let text = try vault.claim(secret(in: state)) {
            "skerry-audit-key ed25519 \(hexadecimal(Entropy.bytes(32)))\n"
        }
        guard let bytes = bytes(of: text, named: "skerry-audit-key"),
            let key = AuditKey(seed: bytes)
        else { throw fault(secret(in: state)) }
        let half = "skerry-audit-public-key ed25519 \(key.verifier.text)\n"
        if try PrivateFile.read(open(in: state)) != half {
            try PrivateFile.write(half, to: open(in: state))
        }
        return key
    }

    /// Nil where there is none.
    static func verifier(in state: String) throws(HostError) -> AuditVerifyingKey? {
        guard let text = try PrivateFile.read(open(in: state)) else { return nil }
        guard let bytes = bytes(of: text, named: "skerry-audit-public-key"), bytes.count == 32
        else {
            throw fault(open(in: state))
        }
        return AuditVerifyingKey(bytes: bytes)
    }

    private static func bytes(of text: String, named name: String) -> [UInt8]? {
        let words = text.split(whereSeparator: \.isWhitespace)
        guard words.count == 3, words[0] == name, words[1] == "ed25519" else { return nil }
        return Model.bytes(hexadecimal: words[2])
    }

    private static func fault(_ path: String) -> HostError {
        .identity(
            "\(path) holds no key of an audit log; put the right file back, or move it away: what was "
                + "signed with it can then not be verified any more")
    }
}
