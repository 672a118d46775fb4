import Foundation
import Model
import SwiftASN1
import Testing
import Transport
import X509

/// What a workload is given proves that it is this workload of this node, and nothing more.
@Suite struct WorkloadIdentityTests {
    private let authorities: Authorities
    private let own: NodeAuthority

    init() throws {
        authorities = try Authorities()
        own = try authorities.authority(of: "n1", at: "harbour")
    }

    @Test func `a workload's certificate is good for whoever trusts the fleet, under its one name`()
        async throws
    {
        let now = TransportTests.clock()
        let (identity, end) = try own.issueWorkload("shop", now: now)
        let chain = try PEMDocument.parseMultiple(pemString: identity.certificateChain).map {
            try Certificate(pemDocument: $0)
        }
        let roots = try PEMDocument.parseMultiple(pemString: authorities.trustRoots).map {
            try Certificate(pemDocument: $0)
        }
        let names = try chain[0].extensions.subjectAlternativeNames.map { Array($0) }
        #expect(
            names == [.uniformResourceIdentifier("spiffe://n1.harbour.skerry/wl/shop")])
        var verifier = Verifier(rootCertificates: CertificateStore(roots)) {
            PurposePolicy()
            RFC5280Policy()
        }
        let result = await verifier.validate(
            leaf: chain[0], intermediates: CertificateStore(chain.dropFirst()))
        guard case .validCertificate = result else {
            Issue.record("\(result)")
            return
        }
        // Certificates count whole seconds.
        #expect(end - now <= .seconds(901))
    }

    /// A row of the containment matrix: each workload of a node against everything that checks who
    /// somebody is.
    @Test func `no workload passes for a node, a hub or a person`() async throws {
        for name in ["shop", "n1", "node", "hub", "admin", "127-0-0-1", "localhost"] {
            let (identity, _) = try own.issueWorkload(WorkloadID(name), now: clock())
            for expectation in [
                PeerVerifier.Expectation.node, .user, .hub(name: "127.0.0.1"), .hub(name: name),
            ] {
                for admitsOld in [false, true] {
                    let reason = try await PeerVerifier(
                        expectation, trustRoots: authorities.trustRoots,
                        clock: FleetClock(certain: { TransportTests.clock() }),
                        admitsOld: admitsOld
                    ).objection(toPEM: identity.certificateChain)
                    #expect(reason != nil, "\(name) as \(expectation)")
                }
            }
            #expect(PeerIdentity(uri: own.name(of: WorkloadID(name))) == nil)
        }
    }

    @Test(arguments: ["", "a/b", "Shop", "shop.evil", "../node/n1", "n1@n2"])
    func `a name that could be read otherwise gets no certificate`(name: String) {
        #expect(throws: CredentialError.self) {
            try own.issueWorkload(WorkloadID(name), now: clock())
        }
    }

    @Test func `no certificate outlives the authority of its node`() throws {
        let late = own.notAfter + .seconds(-120)
        #expect(try own.issueWorkload("shop", now: late).notAfter == own.notAfter)
    }
}

/// The critical extensions that RFC 5280's own rules leave to others.
private struct PurposePolicy: VerifierPolicy {
    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.keyUsage, .X509ExtensionID.nameConstraints,
    ]
    func chainMeetsPolicyRequirements(
        chain: UnverifiedCertificateChain
    ) -> PolicyEvaluationResult { .meetsPolicy }
}
