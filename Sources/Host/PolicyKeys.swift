import Glibc
import Model
import Trust

/// The public keys of those who may sign policy, as a hub or a node is told them.
enum PolicyKeys {
    /// At most so many: each is tried against nothing but its own name.
    private static let countMax = 16

    /// The keys in `files`, one in each.
    static func read(_ files: [String]) throws(HostError) -> [TrustedKey] {
        var keys: [TrustedKey] = []
        var mistakes: [String] = []
        for file in files.prefix(countMax) {
            guard let text = try PrivateFile.read(file) else {
                mistakes.append("setting 'policyKeys': there is no file \(file)")
                continue
            }
            do {
                let key = try TrustedKey(text: text)
                if key.role == TrustedKey.policyRole {
                    keys.append(key)
                } else {
                    mistakes.append(
                        "setting 'policyKeys': the key in \(file) has the role '\(key.role)' and "
                            + "signs no policy")
                }
            } catch {
                mistakes.append("setting 'policyKeys': \(file): \(error)")
            }
        }
        if files.count > countMax {
            mistakes.append(
                "setting 'policyKeys': \(files.count) files, and at most \(countMax) are read")
        }
        guard mistakes.isEmpty else { throw .settings(mistakes) }
        return keys
    }

    /// The hub's: those it was told, or the one that it makes for its operator at its first start.
    ///
    /// The secret half is written beside the operator's certificate and never read again; the public
    /// half under `identity/` says that this was done. Whoever takes the secret away has a hub that
    /// cannot make policy.
    static func hub(_ settings: HubSettings, _ vault: Vault) throws(HostError) -> [TrustedKey] {
        if let files = settings.policyKeys { return try read(files) }
        let file = settings.state + "/identity/policy.pub"
        if try PrivateFile.read(file) == nil {
            let directory = OperatorFiles(directory: settings.state + "/operator").directory
            try PrivateFile.makeDirectory(settings.state + "/identity")
            try PrivateFile.makeDirectory(directory)
            let key = try made()
            try vault.write(key.text + "\n", to: directory + "/policy.key")
            try PrivateFile.write(key.trusted.text + "\n", to: directory + "/policy.key.pub")
            // Last: until it is there the key was told to nobody, and is made anew.
            try PrivateFile.write(key.trusted.text + "\n", to: file)
        }
        return try read([file])
    }

    private static func made() throws(HostError) -> SigningKey {
        do {
            return try SigningKey(role: TrustedKey.policyRole, seed: Entropy.bytes(32))
        } catch {
            throw .identity("the policy key: \(error)")
        }
    }
}
