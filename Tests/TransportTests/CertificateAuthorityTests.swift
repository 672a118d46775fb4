import Crypto
import Foundation
import Model
import SwiftASN1
import Testing
import Transport
import X509

@Suite struct CertificateAuthorityTests {
    private let now = WallTime("2026-11-22T21:42:39Z")!  // A literal that parses.

    private func authority() throws -> CertificateAuthority {
        try CertificateAuthority(name: "test", validity: .seconds(86_400), now: now)
    }

    @Test func `a node's certificate names the node by one URI and may not sign or serve`() throws {
        let key = NodeKey()
        let pem = try authority().issueNode(
            "till-1", site: "urban", publicKey: key.publicKey, validity: .seconds(900), now: now)
        let leaf = try Certificate(pemEncoded: pem)

        let names = try #require(try leaf.extensions.subjectAlternativeNames)
        #expect(
            Array(names) == [.uniformResourceIdentifier("spiffe://skerry/site/urban/node/till-1")])
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.clientAuth]))
        #expect(
            leaf.notValidAfter.timeIntervalSince1970 * 1000
                == Double((now + .seconds(900)).milliseconds))
        let shown = try P256.Signing.PublicKey(derRepresentation: key.publicKey)
        #expect(leaf.publicKey == Certificate.PublicKey(shown))
    }

    @Test func `no certificate outlives the authority`() throws {
        let authority = try authority()
        let leaf = try Certificate(
            pemEncoded: authority.issueNode(
                "n1", site: "s1", publicKey: NodeKey().publicKey, validity: .seconds(864_000),
                now: now))
        let root = try Certificate(pemEncoded: authority.trustRoots)
        #expect(leaf.notValidAfter == root.notValidAfter)
    }

    @Test func `two certificates never share a serial number`() throws {
        let authority = try authority()
        let serials = try (0..<20).map { _ in
            try Certificate(
                pemEncoded: authority.issueOperator("ada", validity: .seconds(60), now: now)
                    .certificateChain
            ).serialNumber
        }
        #expect(Set(serials).count == 20)
    }

    @Test(arguments: ["", "N1", "n1/../n2", "a.b", "n1\u{0}", String(repeating: "a", count: 64)])
    func `a name that is not a label gets no certificate`(name: String) throws {
        #expect(throws: CredentialError.name(name)) {
            try authority().issueNode(
                NodeID(name), site: "s1", publicKey: NodeKey().publicKey, validity: .seconds(60),
                now: now)
        }
    }

    @Test func `a public key that is not P-256 is refused`() throws {
        let other = Array(P384.Signing.PrivateKey().publicKey.derRepresentation)
        for key in [other, [], [0x30, 0x82, 0xff, 0xff]] {
            #expect(throws: CredentialError.self) {
                try authority().issueNode(
                    "n1", site: "s1", publicKey: key, validity: .seconds(60), now: now)
            }
        }
    }

    @Test func `an authority is made once and read back afterwards`() throws {
        let file = temporary()
        defer { unlink(file) }
        let first = try CertificateAuthority(
            file: file, name: "hub", validity: .seconds(60), now: now)
        let second = try CertificateAuthority(
            file: file, name: "hub", validity: .seconds(60), now: now)

        #expect(try first.trustRoots == second.trustRoots)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions]
        #expect((mode as? NSNumber)?.intValue == 0o600)
    }

    @Test func `hubs that start at once share one authority`() async throws {
        let file = temporary()
        defer { unlink(file) }
        let now = now
        let roots = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try CertificateAuthority(
                        file: file, name: "hub", validity: .seconds(60), now: now
                    ).trustRoots
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(roots.count == 1)
    }

    @Test func `a damaged authority file is an error and stays as it is`() throws {
        let file = temporary()
        defer { unlink(file) }
        try Data("-----BEGIN CERTIFICATE-----\nAAAA".utf8).write(to: URL(filePath: file))
        #expect(throws: CredentialError.self) {
            try CertificateAuthority(file: file, name: "hub", validity: .seconds(60), now: now)
        }
        #expect(FileManager.default.contents(atPath: file)?.count == 32)
    }

    @Test func `a node key survives being written down`() throws {
        let key = NodeKey()
        #expect(try NodeKey(pem: key.pem).publicKey == key.publicKey)
        #expect(throws: CredentialError.self) { try NodeKey(pem: "no key") }
    }

    private func temporary() -> String {
        FileManager.default.temporaryDirectory.appending(path: "authority-\(UUID().uuidString)")
            .path
    }
}

@Suite struct PeerIdentityTests {
    @Test func `an identity reads back from its URI`() {
        for identity in [PeerIdentity.node("n1", site: "s1"), .user("ada")] {
            #expect(PeerIdentity(uri: identity.uri) == identity)
        }
    }

    @Test(arguments: [
        "", "spiffe://skerry/", "spiffe://skerry/site/s1/node/", "spiffe://skerry/site/s1/node/n1/",
        "spiffe://skerry/site/s1/node/N1", "spiffe://skerry/site/s1/node/n%31",
        "spiffe://Skerry/site/s1/node/n1", "spiffe://x@skerry/site/s1/node/n1",
        "spiffe://skerry:1/site/s1/node/n1", "spiffe://skerry/site//node/n1",
        "spiffe://skerry/site/s1/node/n1?x", "spiffe://skerry/user/a/b", "https://skerry/user/a",
    ])
    func `anything but the canonical form names nobody`(uri: String) {
        #expect(PeerIdentity(uri: uri) == nil)
    }
}
