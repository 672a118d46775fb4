import Crypto
import Foundation
import Model
import SwiftASN1
import Testing
import Transport
import X509

/// Fleets from before nodes had authorities change over by themselves.
@Suite struct SuccessionTests {
    /// What `authority.pem` held then: it signs leaves, and forbids authorities below it.
    private static func authorityOfOld() throws -> (certificate: String, pem: String) {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("hub authority") }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: Date() - 3_600, notValidAfter: Date() + 8_640_000, issuer: name,
            subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                SubjectKeyIdentifier(hash: Certificate.PublicKey(key.publicKey))
            }, issuerPrivateKey: .init(key))
        let text = try certificate.serializeAsPEM().pemString + "\n"
        return (text, text + key.pemRepresentation + "\n")
    }

    private func objection(
        to chain: String, trusting roots: String, admitsOld: Bool
    ) async throws -> String? {
        try await PeerVerifier(
            .hub(name: "localhost"), trustRoots: roots, clock: FleetClock(certain: clock),
            admitsOld: admitsOld
        ).objection(toPEM: chain)
    }

    @Test func `who trusts an authority of old accepts the root that follows it, once shown`()
        async throws
    {
        let old = try SuccessionTests.authorityOfOld()
        let root = try RootAuthority(succeeding: old.pem)
        let hub = try root.issueIssuing(name: "hub", validity: .seconds(86_400), now: clock())
            .issueHub(names: [], validity: .seconds(900), now: clock())
        let shown = try hub.certificateChain + root.trustRoots

        #expect(try await objection(to: shown, trusting: old.certificate, admitsOld: true) == nil)
        #expect(
            try await objection(
                to: hub.certificateChain, trusting: old.certificate, admitsOld: true) != nil)
        #expect(try await objection(to: shown, trusting: old.certificate, admitsOld: false) != nil)
        #expect(
            try await objection(
                to: hub.certificateChain, trusting: root.trustRoots, admitsOld: false) == nil)
    }

    @Test func `a root of the same name and another key follows nobody`() async throws {
        let old = try SuccessionTests.authorityOfOld()
        let stranger = try RootAuthority(succeeding: SuccessionTests.authorityOfOld().pem)
        let hub = try stranger.issueIssuing(name: "hub", validity: .seconds(86_400), now: clock())
            .issueHub(names: [], validity: .seconds(900), now: clock())
        let shown = try hub.certificateChain + stranger.trustRoots
        #expect(try await objection(to: shown, trusting: old.certificate, admitsOld: true) != nil)
        #expect(throws: CredentialError.self) {
            try TrustRoots.extend(old.certificate, with: stranger.trustRoots, at: clock())
        }
    }

    @Test func `a hub adds no root that those of a node do not vouch for`() throws {
        let old = try SuccessionTests.authorityOfOld()
        let root = try RootAuthority(succeeding: old.pem)
        let stranger = try Authorities().trustRoots
        #expect(
            try TrustRoots.extend(old.certificate, with: stranger + root.trustRoots, at: clock())
                == root.trustRoots)
    }
}
