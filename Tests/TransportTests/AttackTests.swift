import Foundation
import Model
import SwiftASN1
import Synchronization
import Testing
import Transport
import X509

/// What a thief of one node's keys can show, and what becomes of it. The names A05 and so on are
/// those of the threat model.
@Suite(.timeLimit(.minutes(1))) struct AttackTests {
    private let authorities: Authorities
    private let thief: Forge

    init() throws {
        authorities = try Authorities()
        thief = try Forge(of: "n1", in: authorities)
    }

    private func objection(
        to chain: String, as expectation: PeerVerifier.Expectation = .node,
        admitsOld: Bool = false, at time: WallTime = clock()
    ) async throws -> String? {
        try await PeerVerifier(
            expectation, trustRoots: authorities.trustRoots,
            clock: FleetClock(certain: { time }), admitsOld: admitsOld
        ).objection(toPEM: chain)
    }

    @Test func `what a node signs for itself is good`() async throws {
        #expect(try await objection(to: thief.sign(Forge.Leaf()).chain) == nil)
    }

    @Test func `a node that policy does not let in gets no session, and is told why`() async throws
    {
        try await withHarbour { harbour in
            harbour.hub.unwanted.withLock { _ = $0.insert("n1") }
            let agent = Agent()
            agent.say.yield(hello("n1"))
            let end = await agent.run(try harbour.client(try harbour.identity("n1")))
            #expect(end.map { "\($0)" }?.contains("test/no forbids it") == true)
            #expect(harbour.hub.asked.withLock { $0 } == ["n1"])
        }
    }

    // MARK: - Names

    private static let unnamed = "it does not name exactly one node"

    @Test(arguments: [
        ("A05: another node", "spiffe://n2.harbour.skerry/node/n2"),
        ("another site", "spiffe://n1.quarry.skerry/node/n1"),
    ])
    func `A05 a node's authority signs for no other name`(name: String, uri: String) async throws {
        let leaf = Forge.Leaf(names: [.uniformResourceIdentifier(uri)])
        #expect(try await objection(to: thief.sign(leaf).chain) != nil, "\(name)")
    }

    @Test func `A05 an authority confined to one node does not pass with another's name`()
        async throws
    {
        // One that no hub issues: RFC 5280 would let it sign for both.
        let issuing = try Forge(pem: authorities.issuing.pem)
        let wide = try issuing.authority(
            Forge.Leaf(
                basic: .isCertificateAuthority(maxPathLength: 0),
                constraints: NameConstraints(
                    permittedURIDomains: ["n1.harbour.skerry", "n2.harbour.skerry"])))
        let reason = try await objection(to: wide.sign(Forge.Leaf()).chain)
        #expect(reason?.contains("the authority that signed it is another's") == true)
    }

    @Test(arguments: [
        ["spiffe://x.n1.harbour.skerry/node/n1"], ["spiffe://n2@n1.harbour.skerry/node/n1"],
        ["spiffe://N1.HARBOUR.skerry/node/n1"], ["spiffe://n1.harbour.skerry/node/N1"],
        ["spiffe://n1.harbour.skerry/node/n2"], ["spiffe://n1.harbour.skerry:443/node/n1"],
        ["https://n1.harbour.skerry/node/n1"], ["spiffe://n1.harbour.skerry/user/admin"],
        ["spiffe://n1.harbour.skerry/node/n1", "spiffe://n1.harbour.skerry/node/n1"],
    ])
    func `a name that is not of the one form is refused inside its own host too`(
        uris: [String]
    ) async throws {
        let leaf = Forge.Leaf(names: uris.map { .uniformResourceIdentifier($0) })
        #expect(try await objection(to: thief.sign(leaf).chain) == AttackTests.unnamed)
    }

    @Test(arguments: [
        GeneralName.dnsName("n1.harbour.skerry"), .dnsName("*.n1.harbour.skerry"),
        .dnsName("n2.harbour.skerry"), .rfc822Name("n1@harbour.skerry"),
        .ipAddress(ASN1OctetString(contentBytes: [10, 0, 0, 1])),
    ])
    func `A06 a name of another kind is refused, alone and beside the right one`(
        name: GeneralName
    ) async throws {
        let right = GeneralName.uniformResourceIdentifier("spiffe://n1.harbour.skerry/node/n1")
        for names in [[name], [right, name], [name, right]] {
            #expect(try await objection(to: thief.sign(Forge.Leaf(names: names)).chain) != nil)
        }
    }

    @Test func `A06 a leaf with a common name and nothing else is refused`() async throws {
        let chain = try thief.sign(Forge.Leaf(names: [])).chain
        #expect(try await objection(to: chain) == AttackTests.unnamed)
    }

    // MARK: - Time

    @Test func `a leaf that outlives its issuer is refused while both are good`() async throws {
        let short = try Forge(of: "n1", in: authorities, validity: .seconds(300))
        let reason = try await objection(to: short.sign(Forge.Leaf()).chain)
        #expect(reason == "it outlives the authority that signed it")
    }

    @Test func `a leaf that lives for a year, or an hour, is refused`() async throws {
        for life in [3_600.0, 86_400] {
            let reason = try await objection(to: thief.sign(Forge.Leaf(life: life)).chain)
            #expect(reason == "it lives longer than anything of its kind")
        }
    }

    @Test func `a leaf is refused before its time and after it`() async throws {
        let chain = try thief.sign(Forge.Leaf()).chain
        #expect(try await objection(to: chain, at: clock() + .seconds(840)) == nil)
        for shift in [960, -7_200] {
            let reason = try await objection(to: chain, at: clock() + .seconds(shift))
            #expect(reason?.contains("the clock here reads") == true)
        }
    }

    // MARK: - Form and purpose

    @Test func `A04 a leaf that is an authority is refused`() async throws {
        for basic in [BasicConstraints.isCertificateAuthority(maxPathLength: nil), nil] {
            let reason = try await objection(to: thief.sign(Forge.Leaf(basic: basic)).chain)
            #expect(reason != nil)
        }
    }

    @Test(arguments: [
        KeyUsage(keyCertSign: true), KeyUsage(digitalSignature: true, keyCertSign: true),
        KeyUsage(digitalSignature: true, keyAgreement: true),
    ])
    func `a leaf whose key may do more than sign is refused`(uses: KeyUsage) async throws {
        let reason = try await objection(to: thief.sign(Forge.Leaf(uses: uses)).chain)
        #expect(reason == "its key is for other uses than to sign a handshake")
    }

    @Test(arguments: [
        [ExtendedKeyUsage.Usage.serverAuth], [.clientAuth, .serverAuth], [.any], [],
    ])
    func `a leaf for another purpose is refused`(purposes: [ExtendedKeyUsage.Usage]) async throws {
        let reason = try await objection(to: thief.sign(Forge.Leaf(purposes: purposes)).chain)
        #expect(reason == "it is not that of a node")
    }

    @Test func `a critical extension that nobody here knows is a reason to refuse`() async throws {
        let other = Certificate.Extension(oid: [2, 25, 99], critical: true, value: [5, 0])
        #expect(try await objection(to: thief.sign(Forge.Leaf(others: [other])).chain) != nil)
    }

    // MARK: - The path

    @Test func `a node makes no authorities`() async throws {
        let below = try thief.authority(
            Forge.Leaf(basic: .isCertificateAuthority(maxPathLength: 0)))
        #expect(try await objection(to: below.sign(Forge.Leaf()).chain) != nil)
    }

    @Test func `a leaf signs nothing`() async throws {
        let (chain, key) = try thief.sign(Forge.Leaf())
        let leaf = try Forge(
            certificate: Certificate(pemEncoded: Forge.first(of: chain)), key: key,
            above: thief.chain)
        #expect(try await objection(to: leaf.sign(Forge.Leaf(life: 60)).chain) != nil)
    }

    @Test func `what the hub's authority or the root signs itself is no node`() async throws {
        let issuing = try Forge(pem: authorities.issuing.pem)
        #expect(
            try await objection(to: issuing.sign(Forge.Leaf()).chain)
                == "it is not signed by the authority of its node")
        let root = try Forge(pem: authorities.root.pem, isRoot: true)
        #expect(try await objection(to: root.sign(Forge.Leaf()).chain) != nil)
    }

    @Test func `an authority of a node that is not confined is none`() async throws {
        let issuing = try Forge(pem: authorities.issuing.pem)
        let free = try issuing.authority(
            Forge.Leaf(basic: .isCertificateAuthority(maxPathLength: 0)))
        #expect(try await objection(to: free.sign(Forge.Leaf()).chain) != nil)
    }

    @Test func `a hub's certificate does not come from a node, and a user's neither`() async throws
    {
        let hub = GeneralName.uniformResourceIdentifier("spiffe://skerry/hub/test")
        let own = GeneralName.uniformResourceIdentifier("spiffe://n1.harbour.skerry/node/n1")
        for names in [[hub, .dnsName("hub.example")], [own, .dnsName("hub.example")], [own]] {
            var leaf = Forge.Leaf(names: names, purposes: [.serverAuth])
            #expect(
                try await objection(to: thief.sign(leaf).chain, as: .hub(name: "hub.example"))
                    != nil)
            leaf.purposes = [.clientAuth]
            #expect(try await objection(to: thief.sign(leaf).chain, as: .user) != nil)
        }
    }

    @Test func `more certificates than a path has are not looked at`() async throws {
        let chain = try thief.sign(Forge.Leaf()).chain + thief.chain + thief.chain
        #expect(try await objection(to: chain) == "7 certificates were shown")
    }

    @Test func `a certificate of old is good only where it is said to be`() async throws {
        let root = try Forge(pem: authorities.root.pem, isRoot: true)
        let leaf = Forge.Leaf(
            names: [.uniformResourceIdentifier("spiffe://skerry/site/harbour/node/n1")],
            life: 86_400)
        let chain = try root.sign(leaf).chain
        #expect(try await objection(to: chain, admitsOld: true) == nil)
        #expect(try await objection(to: chain) != nil)
        // Nor does a node get one by itself.
        #expect(try await objection(to: thief.sign(leaf).chain, admitsOld: true) != nil)
    }

    // MARK: - All of it

    /// Every form in which one node's keys can name another, by every way to sign, for every role.
    @Test func `one node's keys speak for no other name in a thousand ways`() async throws {
        let below = try thief.authority(
            Forge.Leaf(basic: .isCertificateAuthority(maxPathLength: 0)))
        var cells = 0
        var allowed: [String] = []
        for target in (2...15).map({ "n\($0)" }) {
            for (form, names) in AttackTests.forms(of: target) {
                for (way, forge) in [("own", thief), ("below", below)] {
                    for purpose in [ExtendedKeyUsage.Usage.clientAuth, .serverAuth] {
                        let leaf = Forge.Leaf(names: names, purposes: [purpose])
                        let chain = try forge.sign(leaf).chain
                        let roles: [PeerVerifier.Expectation] =
                            purpose == .serverAuth
                            ? [.hub(name: "\(target).harbour.skerry"), .hub(name: "10.0.0.1")]
                            : [.node, .user]
                        for role in roles {
                            cells += 1
                            if try await objection(to: chain, as: role) == nil {
                                allowed.append("\(target) \(form) \(way) \(role)")
                            }
                        }
                    }
                }
            }
        }
        #expect(cells >= 1_000)
        #expect(allowed == [])
    }

    private static func forms(of node: String) -> [(String, [GeneralName])] {
        let uri = { (text: String) in [GeneralName.uniformResourceIdentifier(text)] }
        let host = "\(node).harbour.skerry"
        let address = GeneralName.ipAddress(ASN1OctetString(contentBytes: [10, 0, 0, 1]))
        return [
            ("URI", uri("spiffe://\(host)/node/\(node)")),
            ("path only", uri("spiffe://n1.harbour.skerry/node/\(node)")),
            ("user info", uri("spiffe://\(node)@n1.harbour.skerry/node/\(node)")),
            ("sub-host", uri("spiffe://\(node).n1.harbour.skerry/node/\(node)")),
            ("user", uri("spiffe://skerry/user/\(node)")),
            ("hub", uri("spiffe://skerry/hub/\(node)") + [.dnsName(host), address]),
            (
                "two",
                uri("spiffe://n1.harbour.skerry/node/n1") + uri("spiffe://\(host)/node/\(node)")
            ),
            ("DNS", [.dnsName(host)]),
            ("wildcard", [.dnsName("*.harbour.skerry")]),
            ("mail", [.rfc822Name("\(node)@harbour.skerry")]),
            ("address", [address]),
            ("none", []),
        ]
    }
}
