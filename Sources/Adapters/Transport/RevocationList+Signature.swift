import Crypto
import Foundation
package import Model
import SwiftASN1
@_spi(FixedExpiryValidationTime) import X509

extension RevocationList {
    /// The list as a hub's authority says it at this time.
    package func signed(
        by authority: IssuingAuthority, shown links: String, at now: WallTime, life: Duration
    ) throws(CredentialError) -> RevocationList {
        var list = self
        list.issuedAt = now
        list.expiresAt = now + life
        do {
            list.certificateChain = try pemText(of: authority.issuer.certificate) + links
            list.signature = Array(
                try authority.issuer.key.signature(for: list.message).derRepresentation)
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .key(reason: "\(error)")
        }
        return list
    }

    /// Nil where a hub's authority below one of these roots signed it, else why it is not believed.
    package func objection(
        trusting roots: String, at now: WallTime
    ) async -> String? {
        do {
            let chain = try certificates(pem: certificateChain)
            guard chain.count <= RevocationList.shownMax else { return "it shows too much" }
            // What a hub signed just now is good, though the clock here be a little behind.
            let time = max(now, WallTime(chain[0].notValidBefore))
            let roots = try certificates(pem: roots)
            let store = CertificateStore(
                roots + TrustRoots.links(from: roots, among: chain.dropFirst(), at: time))
            let policy = RFC5280Policy(fixedExpiryValidationTime: Date(time))
            var verifier = Verifier(rootCertificates: store) {
                policy
                IssuingRule()
            }
            let result = await verifier.validate(
                leaf: chain[0], intermediates: CertificateStore(chain.dropFirst()))
            guard case .validCertificate = result else {
                return "it is not signed by an authority that this side trusts"
            }
            guard let key = P256.Signing.PublicKey(chain[0].publicKey),
                key.isValidSignature(
                    try P256.Signing.ECDSASignature(derRepresentation: signature), for: message)
            else { return "its signature is not that of the authority it shows" }
            return nil
        } catch {
            return "it cannot be read (\(error))"
        }
    }

    private static let shownMax = 1 + TrustRoots.linksMax

    /// Each part behind its length, so that no two lists read the same.
    private var message: [UInt8] {
        var message = Array("skerry revocations 1".utf8)
        func add(_ bytes: [UInt8]) {
            message += withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) }
            message += bytes
        }
        func add(_ text: String) { add(Array(text.utf8)) }
        for number in [
            Int64(bitPattern: version), issuedAt.milliseconds, expiresAt.milliseconds,
            Int64(fleet), Int64(entries.count), Int64(warrants.count),
        ] {
            add(withUnsafeBytes(of: number.bigEndian) { Array($0) })
        }
        for entry in entries {
            add(entry.subject)
            add(entry.device.map { "device " + $0 } ?? "any")
            add(withUnsafeBytes(of: entry.at.milliseconds.bigEndian) { Array($0) })
            add(entry.reason)
        }
        for warrant in warrants {
            add(warrant.key)
            add(warrant.signature)
            add(withUnsafeBytes(of: Int64(warrant.payload.count).bigEndian) { Array($0) })
            for line in warrant.payload { add(line) }
        }
        return message
    }
}

/// The path from a hub's authority, as if that were the first above a leaf.
private struct IssuingRule: VerifierPolicy, Sendable {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [.X509ExtensionID.keyUsage]

    func chainMeetsPolicyRequirements(
        chain: UnverifiedCertificateChain
    ) -> PolicyEvaluationResult {
        do {
            let path = Array(chain)
            guard let objection = try PathRules.issued([path[0]] + path) else {
                return .meetsPolicy
            }
            return .failsToMeetPolicy(reason: objection)
        } catch {
            return .failsToMeetPolicy(reason: "its extensions cannot be read (\(error))")
        }
    }
}
