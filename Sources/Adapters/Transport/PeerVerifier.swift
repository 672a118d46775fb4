import Foundation
import Model
import NIOCore
import NIOSSL
import SwiftASN1
import Synchronization
@_spi(FixedExpiryValidationTime) import X509

/// Decides in a handshake whether the certificate of the other side is good.
///
/// The clock is the caller's, and what the libraries leave unread is checked here too: both
/// swift-certificates and BoringSSL accept a leaf of any purpose, with any kind of name, and one
/// that outlives its issuer.
struct PeerVerifier: Sendable {
    enum Expectation: Sendable {
        /// A server that holds this DNS name or IP address.
        case hub(name: String)
        /// A client that is a node of this hub.
        case node
    }

    let expectation: Expectation
    private let roots: [Certificate]
    private let now: @Sendable () -> WallTime

    init(
        _ expectation: Expectation, trustRoots: String, now: @escaping @Sendable () -> WallTime
    ) throws(CredentialError) {
        self.expectation = expectation
        self.now = now
        do {
            roots = try PEMDocument.parseMultiple(pemString: trustRoots).map {
                try Certificate(pemDocument: $0)
            }
        } catch {
            throw .certificate(reason: "the trust roots are not certificates in PEM (\(error))")
        }
        guard !roots.isEmpty else { throw .certificate(reason: "there are no trust roots") }
    }

    /// Nil when the chain is good, else why it is not.
    func objection(to chain: [Certificate]) async -> String? {
        guard let leaf = chain.first else { return "no certificate was shown" }
        let time = now()
        if let objection = validity(of: leaf, at: time) ?? purpose(of: leaf) { return objection }
        guard let issuer = roots.first(where: { $0.subject == leaf.issuer }) else {
            return "it is not signed by the authority this side trusts"
        }
        guard leaf.notValidAfter <= issuer.notValidAfter else {
            return "it outlives the authority that signed it"
        }
        switch await validate(leaf, intermediates: chain.dropFirst(), at: time) {
        case .validCertificate: return nil
        case .couldNotValidate(let failures):
            guard let failure = failures.first else {
                return "it is not signed by the authority this side trusts"
            }
            if case .hub(let name) = expectation, !holds(leaf, name: name) {
                return "it is not for \(name), which is the name this side connected to"
            }
            return "\(failure.policyFailureReason)"
        }
    }

    private func validate(
        _ leaf: Certificate, intermediates: ArraySlice<Certificate>, at time: WallTime
    ) async -> CertificateValidationResult {
        let store = CertificateStore(roots)
        let policy = RFC5280Policy(fixedExpiryValidationTime: Date(time))
        switch expectation {
        case .node:
            var verifier = Verifier(rootCertificates: store) { policy }
            return await verifier.validate(
                leaf: leaf, intermediates: CertificateStore(intermediates))
        case .hub(let name):
            let isAddress = addressBytes(name) != nil
            var verifier = Verifier(rootCertificates: store) {
                policy
                ServerIdentityPolicy(
                    serverHostname: isAddress ? nil : name, serverIP: isAddress ? name : nil)
            }
            return await verifier.validate(
                leaf: leaf, intermediates: CertificateStore(intermediates))
        }
    }

    private func validity(of leaf: Certificate, at time: WallTime) -> String? {
        let date = Date(time)
        if date > leaf.notValidAfter {
            return "it expired at \(WallTime(leaf.notValidAfter)), and the clock here reads \(time)"
        }
        if date < leaf.notValidBefore {
            return "it is valid from \(WallTime(leaf.notValidBefore)), and the clock here reads "
                + "\(time); set the clock"
        }
        return nil
    }

    private func purpose(of leaf: Certificate) -> String? {
        do {
            if case .isCertificateAuthority? = try leaf.extensions.basicConstraints {
                return "it is an authority's certificate, not that of a hub or node"
            }
            let usages = try leaf.extensions.extendedKeyUsage
            switch expectation {
            case .hub:
                if usages?.contains(.serverAuth) != true { return "it is not that of a hub" }
            case .node:
                guard usages?.contains(.clientAuth) == true,
                    case .node? = try PeerIdentity(of: leaf)
                else { return "it does not name exactly one node" }
            }
            return nil
        } catch {
            return "its extensions cannot be read (\(error))"
        }
    }

    private func holds(_ leaf: Certificate, name: String) -> Bool {
        do {
            return try leaf.extensions.subjectAlternativeNames?.contains { alternative in
                switch alternative {
                case .dnsName(let dns): dns == name
                case .ipAddress(let address): addressBytes(name) == Array(address.bytes)
                default: false
                }
            } == true
        } catch {
            return false
        }
    }
}

extension PeerVerifier {
    /// As BoringSSL asks. Why it said no goes to `report`; the other side hears an alert only.
    func callback(
        report: @escaping @Sendable (String) -> Void
    ) -> @Sendable ([NIOSSLCertificate], EventLoopPromise<NIOSSLVerificationResult>) -> Void {
        { certificates, promise in
            promise.completeWithTask {
                let chain: [Certificate]
                do {
                    chain = try certificates.map { try Certificate(derEncoded: $0.toDERBytes()) }
                } catch {
                    report("it cannot be read (\(error))")
                    return .failed
                }
                guard let objection = await objection(to: chain) else {
                    return .certificateVerified
                }
                report(objection)
                return .failed
            }
        }
    }
}

extension WallTime {
    init(_ date: Date) {
        self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }
}
