import Crypto
import Foundation
package import Model
import X509

extension IssuingAuthority {
    /// Signs a roster for those who trust the root that this authority is below.
    package func sign(_ roster: Roster) throws(CredentialError) -> SignedRoster {
        let lines = roster.lines
        let (signature, chain) = try seal(lines)
        return SignedRoster(lines: lines, signature: signature, chain: chain)
    }

    /// The signature of lines in hexadecimal, and what proves whose it is.
    func seal(_ lines: [String]) throws(CredentialError) -> (signature: String, chain: String) {
        do {
            let signature = try issuer.key.signature(for: Data(text(of: lines)))
            return (
                hexadecimal(signature.derRepresentation), try pemText(of: issuer.certificate)
            )
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }
}

extension SignedRoster {
    /// The roster, where an authority signed it that one of these roots made for signing.
    ///
    /// Whether that authority has ended since does not count: who belongs to a site is known until
    /// somebody says otherwise, however long a node was away.
    package func opened(trusting roots: String) throws(CredentialError) -> Roster {
        guard lines.count <= 3 + Roster.membersMax, let roster = Roster(lines: lines) else {
            throw .certificate(reason: "it is no roster")
        }
        try verify(lines, signature, by: chain, trusting: roots)
        return roster
    }
}

/// Throws unless an authority that one of these roots made for signing signed the lines.
func verify(
    _ lines: [String], _ signature: String, by chain: String, trusting roots: String
) throws(CredentialError) {
    guard chain.utf8.count <= 65_536, signature.utf8.count <= 512,
        let bytes = bytes(hexadecimal: signature)
    else { throw .certificate(reason: "its signature is none") }
    let signer = try certificates(pem: chain)[0]
    guard try signer.isAuthority,
        try certificates(pem: roots).contains(where: {
            $0.subject == signer.issuer
                && $0.publicKey.isValidSignature(signer.signature, for: signer)
        })
    else { throw .certificate(reason: "none of the trusted roots made its signer") }
    do {
        let signature = try P256.Signing.ECDSASignature(derRepresentation: bytes)
        guard let key = P256.Signing.PublicKey(signer.publicKey),
            key.isValidSignature(signature, for: Data(text(of: lines)))
        else { throw CredentialError.certificate(reason: "its signature is wrong") }
    } catch let error as CredentialError {
        throw error
    } catch {
        throw .certificate(reason: "its signature is none")
    }
}

extension Certificate {
    /// Whether it may sign authorities of nodes, which no node's own authority may.
    fileprivate var isAuthority: Bool {
        get throws(CredentialError) {
            do {
                guard case .isCertificateAuthority(let length)? = try extensions.basicConstraints
                else { return false }
                return length.map { $0 > 0 } ?? true
            } catch {
                throw .certificate(reason: "\(error)")
            }
        }
    }
}

/// Every line with its end, so that no two lists of lines have the same bytes.
private func text(of lines: [String]) -> [UInt8] { lines.flatMap { Array($0.utf8) + [10] } }
