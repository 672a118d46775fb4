import Foundation
package import Model
package import NIOCore
package import NIOSSL
import SwiftASN1
import Synchronization
@_spi(FixedExpiryValidationTime) import X509

/// Decides in a handshake whether the certificate of the other side is good. There is one for
/// every listener and dialler: RFC 5280 at the fleet's time, then `PathRules`.
package struct PeerVerifier: Sendable {
    package enum Expectation: Sendable {
        /// A server that holds this DNS name or IP address.
        case hub(name: String)
        /// A client that is a node of this hub.
        case node
        /// A client that is a person or a tool.
        case user
        /// A workload that a node of this hub runs.
        case workload
        /// Whoever asks a workload: another workload, a node or a person, each by its own rules.
        case caller
    }

    let expectation: Expectation
    /// Nil where a digest says which root is trusted.
    private let anchors: TrustAnchors?
    private let clock: FleetClock
    private let admitsOld: Bool
    private let isRevoked: @Sendable (Bearer) -> Bool
    /// The digest of a root that is trusted when it is shown.
    private let pinned: String?

    /// Why a chain is not good that leads to no trusted root.
    package static let unknownAuthority = "it is not signed by the authority this side trusts"

    /// Certificates that one side may show.
    private static let shownMax = 5

    /// - Parameters:
    ///   - admitsOld: accepts also what was issued before nodes had authorities.
    ///   - isRevoked: who is no longer good, though the certificate is.
    package init(
        _ expectation: Expectation, trusting anchors: TrustAnchors, clock: FleetClock,
        admitsOld: Bool = false,
        isRevoked: @escaping @Sendable (Bearer) -> Bool = { _ in false }
    ) {
        self.expectation = expectation
        self.anchors = anchors
        self.clock = clock
        self.isRevoked = isRevoked
        self.admitsOld = admitsOld
        pinned = nil
    }

    /// One that trusts the same roots for as long as it is there.
    package init(
        _ expectation: Expectation, trustRoots: String, clock: FleetClock, admitsOld: Bool = false,
        isRevoked: @escaping @Sendable (Bearer) -> Bool = { _ in false }
    ) throws(CredentialError) {
        self.init(
            expectation, trusting: try TrustAnchors(trustRoots), clock: clock,
            admitsOld: admitsOld, isRevoked: isRevoked)
    }

    /// For a side that has no root yet, and knows the one that it is to be shown by its SHA-256.
    package init(_ expectation: Expectation, pinning digest: String, clock: FleetClock) {
        self.expectation = expectation
        self.clock = clock
        pinned = digest
        anchors = nil
        admitsOld = false
        isRevoked = { _ in false }
    }

    /// Nil when the chain of PEM certificates, leaf first, is good, else why it is not.
    package func objection(toPEM chain: String) async throws(CredentialError) -> String? {
        await objection(to: try certificates(pem: chain))
    }

    /// Nil when the chain of DER certificates, leaf first, is good, else why it is not.
    package func objection(toDER chain: [[UInt8]]) async -> String? {
        do {
            return await objection(to: try chain.map { try Certificate(derEncoded: $0) })
        } catch {
            return "it cannot be read (\(error))"
        }
    }

    /// Nil when the chain is good, else why it is not.
    func objection(to chain: [Certificate]) async -> String? {
        guard let leaf = chain.first else { return "no certificate was shown" }
        guard chain.count <= PeerVerifier.shownMax else {
            return "\(chain.count) certificates were shown"
        }
        let now = clock.now()
        let time = time(for: leaf, at: now)
        if let objection = validity(of: leaf, at: time) { return objection }
        switch await validate(leaf, intermediates: chain.dropFirst(), at: time) {
        case .validCertificate:
            if let bearer = Bearer(showing: chain), isRevoked(bearer) { return "it was revoked" }
            if time != now { clock.learn(WallTime(leaf.notValidBefore)) }
            return nil
        case .couldNotValidate(let failures):
            if let reason = failures.last?.policyFailureReason { return "\(reason)" }
            return PeerVerifier.unknownAuthority
        }
    }

    /// The time at which a certificate is judged. That of a hub is a statement about time as well:
    /// it cannot be earlier than what a trusted hub signed, and where this side does not know
    /// exactly how late it is, the hub does.
    private func time(for leaf: Certificate, at now: WallTime) -> WallTime {
        guard case .hub = expectation, leaf.notValidBefore <= leaf.notValidAfter else { return now }
        let (begin, end) = (WallTime(leaf.notValidBefore), WallTime(leaf.notValidAfter))
        if now < begin { return begin }
        return now > end && end >= clock.earliest() ? end : now
    }

    private func validate(
        _ leaf: Certificate, intermediates: ArraySlice<Certificate>, at time: WallTime
    ) async -> CertificateValidationResult {
        let roots = anchors?.certificates ?? []
        let same = sameRoots(as: roots, among: intermediates)
        let links: [Certificate]
        // Hubs alone show what one root gave to the next.
        if case .hub = expectation {
            links = TrustRoots.links(from: roots + same, among: intermediates, at: time)
        } else {
            links = []
        }
        let store = CertificateStore(roots + same + links)
        let policy = RFC5280Policy(fixedExpiryValidationTime: Date(time))
        let rules = PathRules(expectation: expectation, admitsOld: admitsOld)
        let others = CertificateStore(intermediates)
        switch expectation {
        case .node, .user, .workload, .caller:
            var verifier = Verifier(rootCertificates: store) {
                policy
                rules
            }
            return await verifier.validate(leaf: leaf, intermediates: others)
        case .hub(let name):
            var verifier = Verifier(rootCertificates: store) {
                policy
                rules
                HostRule(name: name)
            }
            return await verifier.validate(leaf: leaf, intermediates: others)
        }
    }

    /// A root is a name and a key (RFC 5280, section 6.1.1 d): one that its own key signed anew, to
    /// have authorities below it, is still the same.
    private func sameRoots(
        as roots: [Certificate], among shown: ArraySlice<Certificate>
    ) -> [Certificate] {
        if let pinned { return shown.filter { TrustRoots.digest(of: $0) == pinned } }
        guard admitsOld else { return [] }
        return shown.filter { candidate in
            roots.contains {
                $0.subject == candidate.subject && $0.publicKey == candidate.publicKey
            } && candidate.publicKey.isValidSignature(candidate.signature, for: candidate)
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
}

/// The name under which this side connected must be among those of the hub.
private struct HostRule: VerifierPolicy, Sendable {
    let name: String

    var verifyingCriticalExtensions: [ASN1ObjectIdentifier] { [] }

    func chainMeetsPolicyRequirements(
        chain: UnverifiedCertificateChain
    ) -> PolicyEvaluationResult {
        do {
            let address = addressBytes(name)
            let holds = try chain.leaf.extensions.subjectAlternativeNames?.contains {
                switch $0 {
                case .dnsName(let dns): dns == name
                case .ipAddress(let shown): address == Array(shown.bytes)
                default: false
                }
            }
            if holds == true { return .meetsPolicy }
            return .failsToMeetPolicy(
                reason: "it is not for \(name), which is the name this side connected to")
        } catch {
            return .failsToMeetPolicy(reason: "its names cannot be read (\(error))")
        }
    }
}

extension PeerVerifier {
    /// As BoringSSL asks. Why it said no goes to `report`; the other side hears an alert only.
    package func callback(
        report: @escaping @Sendable (String) -> Void
    ) -> @Sendable ([NIOSSLCertificate], EventLoopPromise<NIOSSLVerificationResult>) -> Void {
        callback(accepting: nil, report: report)
    }

    /// - Parameter shown: where what was accepted is left.
    func callback(
        accepting shown: ShownChain?,
        report: @escaping @Sendable (String) -> Void
    ) -> @Sendable ([NIOSSLCertificate], EventLoopPromise<NIOSSLVerificationResult>) -> Void {
        { certificates, promise in
            promise.completeOnLoop {
                let chain: [Certificate]
                do {
                    chain = try certificates.map { try Certificate(derEncoded: $0.toDERBytes()) }
                } catch {
                    report("it cannot be read (\(error))")
                    return .failed
                }
                guard let objection = await objection(to: chain) else {
                    shown?.accept(chain)
                    return .certificateVerified
                }
                report(objection)
                return .failed
            }
        }
    }
}

extension Bearer {
    /// Nil where the leaf does not name exactly one.
    init?(showing chain: [Certificate]) {
        guard let leaf = chain.first else { return nil }
        do {
            guard let uri = try leaf.onlyURI else { return nil }
            // A node dates its own leaves as it likes, but not the authority that it has for them.
            let node = CallerIdentity(uri: uri)?.nodeSubject
            let dated = node == nil ? leaf : chain.dropFirst().first ?? leaf
            self.init(
                // What a node vouches for is as good as the node.
                subject: node ?? uri, device: leaf.issuer.device,
                issuedAt: WallTime(dated.notValidBefore))
        } catch {
            return nil
        }
    }
}

extension WallTime {
    init(_ date: Date) {
        self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }
}
