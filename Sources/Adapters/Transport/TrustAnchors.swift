import Synchronization
import X509

/// The roots that one side trusts. Replaced while it runs, for whoever is judged next.
package final class TrustAnchors: Sendable {
    private let roots: Mutex<[Certificate]>

    /// - Parameter pem: certificates of roots.
    package init(_ pem: String) throws(CredentialError) {
        roots = Mutex(try TrustAnchors.read(pem))
    }

    package func replace(with pem: String) throws(CredentialError) {
        let next = try TrustAnchors.read(pem)
        roots.withLock { $0 = next }
    }

    var certificates: [Certificate] { roots.withLock { $0 } }

    private static func read(_ pem: String) throws(CredentialError) -> [Certificate] {
        do {
            return try Transport.certificates(pem: pem)
        } catch {
            throw .certificate(reason: "the trust roots are not certificates in PEM (\(error))")
        }
    }
}
