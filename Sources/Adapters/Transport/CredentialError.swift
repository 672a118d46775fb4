/// Why a key or certificate could not be made, read or kept. The description is for people.
package enum CredentialError: Error, Hashable, Sendable {
    /// A name that may not stand in a certificate.
    case name(String)
    case key(reason: String)
    case certificate(reason: String)
    case file(path: String, reason: String)
}

extension CredentialError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .name(let name):
            "'\(name)' cannot stand in a certificate: use 1 to 63 of a-z, 0-9 and hyphen"
        case .key(let reason): "the private or public key cannot be used: \(reason)"
        case .certificate(let reason): "the certificate cannot be used: \(reason)"
        case .file(let path, let reason): "cannot use the key file \(path): \(reason)"
        }
    }
}
