import Crypto
import Foundation
import Model
import SwiftASN1
import Testing
import Transport
import X509

@Suite struct AuthorityTests {
    private let now = WallTime("2026-11-22T21:42:39Z")!  // A literal that parses.

    private func chain(_ pem: String) throws -> [Certificate] {
        try PEMDocument.parseMultiple(pemString: pem).map { try Certificate(pemDocument: $0) }
    }

    @Test func `a node's certificate names the node by one URI and may not sign or serve`() throws {
        let identity = try Authorities(now: now).identity("till-1", at: "urban", issued: now)
        let leaf = try chain(identity.certificateChain)[0]

        let names = try #require(try leaf.extensions.subjectAlternativeNames)
        #expect(
            Array(names) == [.uniformResourceIdentifier("spiffe://till-1.urban.skerry/node/till-1")]
        )
        #expect(try leaf.extensions.basicConstraints == .notCertificateAuthority)
        #expect(try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage([.clientAuth]))
        #expect(WallTime(leaf.notValidAfter) == now + .seconds(900))
    }

    @Test func `a node's authority can sign for its own names and for nobody below it`() throws {
        let own = try Authorities(now: now).authority(of: "till-1", at: "urban", issued: now)
        let certificate = try chain(own.certificateChain)[0]

        #expect(
            try certificate.extensions.basicConstraints
                == .isCertificateAuthority(maxPathLength: 0))
        let constraints = try #require(try certificate.extensions.nameConstraints)
        #expect(Array(constraints.permittedURIDomains) == ["till-1.urban.skerry"])
        #expect(Array(constraints.permittedDNSDomains) == ["till-1.urban.skerry"])
        #expect(
            constraints.excludedIPRanges.map(\.bytes.count) == [8, 32])
        let oid = ASN1ObjectIdentifier.X509ExtensionID.nameConstraints
        #expect(certificate.extensions[oid: oid]?.critical == true)
        #expect(own.notAfter == now + .seconds(345_600))
    }

    @Test func `no certificate outlives what signed it`() throws {
        let authorities = try Authorities(now: now)
        let own = try authorities.authority(
            of: "n1", validity: .seconds(8_640_000), issued: now)
        #expect(own.notAfter == now + .seconds(432_000))

        let near = try authorities.authority(of: "n1", validity: .seconds(300), issued: now)
        let (_, end) = try near.issueLeaf(note: IssuanceNote(mode: .local, boot: 1), now: now)
        #expect(end == near.notAfter)
    }

    @Test func `two certificates never share a serial number or a key`() throws {
        let own = try Authorities(now: now).authority(of: "n1", issued: now)
        let leaves = try (0..<20).map { _ in
            try chain(
                own.issueLeaf(note: IssuanceNote(mode: .local, boot: 1), now: now)
                    .identity.certificateChain)[0]
        }
        #expect(Set(leaves.map(\.serialNumber)).count == 20)
        #expect(Set(leaves.map(\.publicKey)).count == 20)
    }

    @Test func `a certificate says how and in which boot it was issued`() throws {
        let own = try Authorities(now: now).authority(of: "n1", issued: now)
        for note in [
            IssuanceNote(mode: .local, boot: .max), IssuanceNote(mode: .connected, boot: 7),
        ] {
            let (identity, _) = try own.issueLeaf(note: note, now: now)
            #expect(try IssuanceNote(pem: identity.certificateChain) == note)
        }
        #expect(try IssuanceNote(pem: own.certificateChain) == nil)
    }

    @Test(arguments: ["", "N1", "n1/../n2", "a.b", "n1\u{0}", String(repeating: "a", count: 64)])
    func `a name that is not a label gets no certificate`(name: String) throws {
        #expect(throws: CredentialError.name(name)) {
            try Authorities(now: now).authority(of: NodeID(name), issued: now)
        }
    }

    @Test func `a public key that is not P-256 is refused`() throws {
        let other = Array(P384.Signing.PrivateKey().publicKey.derRepresentation)
        for key in [other, [], [0x30, 0x82, 0xff, 0xff]] {
            #expect(throws: CredentialError.self) {
                try Authorities(now: now).issuing.issueNodeAuthority(
                    "n1", site: "s1", publicKey: key, validity: .seconds(60), now: now)
            }
        }
    }

    @Test func `an authority reads back from its text, and not with another's key`() throws {
        let (one, two) = (try Authorities(now: now), try Authorities(now: now))
        #expect(try RootAuthority(pem: one.root.pem).trustRoots == one.trustRoots)
        #expect(try IssuingAuthority(pem: one.issuing.pem, name: "test").isBelow(one.root))
        #expect(!two.issuing.isBelow(one.root))
        let key = try #require(one.root.pem.range(of: "-----BEGIN PRIVATE KEY"))
        let mixed = try two.trustRoots + one.root.pem[key.lowerBound...]
        #expect(throws: CredentialError.self) { try RootAuthority(pem: mixed) }
    }

    @Test func `a key file is made once and read back afterwards`() throws {
        let file = temporary()
        defer { unlink(file) }
        let first = try KeyFile.claim(file) { "one" }
        let second = try KeyFile.claim(file) { "two" }

        #expect(first == "one" && second == "one")
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
                    try KeyFile.claim(file) { () throws(CredentialError) in
                        try RootAuthority(name: "hub", validity: .seconds(60), now: now).pem
                    }
                }
            }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        #expect(roots.count == 1)
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

extension WallTime {
    fileprivate init(_ date: Date) {
        self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
    }
}

@Suite struct PeerIdentityTests {
    @Test func `an identity reads back from its URI`() {
        for identity in [PeerIdentity.node("n1", site: "s1"), .user("ada"), .hub("main")] {
            #expect(PeerIdentity(uri: identity.uri) == identity)
        }
    }

    @Test(arguments: [
        "", "spiffe://n1.s1.skerry/node/", "spiffe://n1.s1.skerry/node/n2",
        "spiffe://n1.s1.skerry/node/n1/", "spiffe://n1.s1.skerry/node/N1",
        "spiffe://N1.s1.skerry/node/n1", "spiffe://n1.s1.skerry/node/n%31",
        "spiffe://n1.s1.Skerry/node/n1", "spiffe://x@n1.s1.skerry/node/n1",
        "spiffe://n1.s1.skerry:1/node/n1", "spiffe://n1..skerry/node/n1",
        "spiffe://x.n1.s1.skerry/node/n1", "spiffe://n1.s1.skerry/node/n1?x",
        "spiffe://n1.s1.other/node/n1", "spiffe://n1.skerry/node/n1",
        "spiffe://skerry/node/n1", "spiffe://skerry/user/a/b", "https://skerry/user/a",
        "spiffe://n1.s1.skerry/user/n1", "spiffe://skerry/site/s1/node/n1",
    ])
    func `anything but the canonical form names nobody`(uri: String) {
        #expect(PeerIdentity(uri: uri) == nil)
    }
}
