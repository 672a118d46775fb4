/// A policy as it travels: the exact text that was signed, and the signature.
///
/// Nothing here is believed before `Trust` has checked it.
package struct PolicyBundle: Hashable, Codable, Sendable {
    /// Which key signed it; see `TrustedKey.id`.
    package var key: String
    /// Ed25519 over the payload's bytes, in 128 hexadecimal digits.
    package var signature: String
    /// The lines of the signed text, each of which ends with a line feed there.
    package var payload: [String]

    package init(key: String, signature: String, payload: [String]) {
        self.key = key
        self.signature = signature
        self.payload = payload
    }
}

extension PolicyBundle {
    /// What it says that it is: to be believed of what was checked before, as on a disk.
    package var claimed: PolicyReference? {
        func value(of word: String) -> String? {
            payload.first { $0.hasPrefix(word) }.map { String($0.dropFirst(word.count)) }
        }
        guard let name = value(of: "name "), let version = value(of: "version ") else {
            return nil
        }
        return PolicyReference("\(name)@\(version)")
    }
}

/// A bundle as a hub keeps it.
package struct StoredPolicy: Hashable, Codable, Sendable {
    package var reference: PolicyReference
    package var bundle: PolicyBundle
    package var appliedAt: WallTime

    package init(reference: PolicyReference, bundle: PolicyBundle, appliedAt: WallTime) {
        self.reference = reference
        self.bundle = bundle
        self.appliedAt = appliedAt
    }
}

/// The public half of a signing key, and what it may sign.
package struct TrustedKey: Hashable, Codable, Sendable {
    /// `policy`, or what a later version has keys for.
    package var role: String
    /// Ed25519, 32 bytes.
    package var publicKey: [UInt8]

    package init(role: String, publicKey: [UInt8]) {
        self.role = role
        self.publicKey = publicKey
    }

    package static let policyRole = "policy"
}
