import Crypto
import Model
import SwiftASN1
import Testing
import Transport
import X509

/// A root is replaced by another while somebody is away who knows only the first.
@Suite struct RotationTests {
    private let first: RootAuthority
    private let second: RootAuthority
    private let link: String

    init() throws {
        first = try RootAuthority(name: "one", validity: .seconds(864_000), now: clock())
        second = try RootAuthority(name: "two", validity: .seconds(864_000), now: clock())
        link = try first.vouch(for: second, now: clock())
    }

    private func hub(
        below root: RootAuthority, showing links: String
    ) throws -> String {
        try root.issueIssuing(name: "hub", validity: .seconds(432_000), now: clock())
            .issueHub(names: [], validity: .seconds(900), now: clock()).certificateChain + links
    }

    private func objection(to chain: String, trusting root: RootAuthority) async throws -> String? {
        try await PeerVerifier(
            .hub(name: "localhost"), trustRoots: root.trustRoots,
            clock: FleetClock(certain: clock)
        ).objection(toPEM: chain)
    }

    @Test func `who trusts the old root accepts a hub below the new one, if it shows the link`()
        async throws
    {
        let shown = try hub(below: second, showing: link)
        #expect(try await objection(to: shown, trusting: first) == nil)
        #expect(try await objection(to: shown, trusting: second) == nil)
        let bare = try hub(below: second, showing: "")
        #expect(try await objection(to: bare, trusting: first) != nil)
    }

    @Test func `a link of a stranger, or to another root, opens nothing`() async throws {
        let stranger = try RootAuthority(name: "one", validity: .seconds(864_000), now: clock())
        let forged = try hub(below: second, showing: stranger.vouch(for: second, now: clock()))
        #expect(try await objection(to: forged, trusting: first) != nil)
        let other = try hub(below: stranger, showing: link)
        #expect(try await objection(to: other, trusting: first) != nil)
    }

    @Test func `a node takes the new root from its hub by the link alone, and keeps both`() throws {
        let (one, two) = (try first.trustRoots, try second.trustRoots)
        let both = try TrustRoots.extend(one, with: two + one + link, at: clock())
        #expect(both == two + one)
        #expect(try TrustRoots.extend(one, with: two + one, at: clock()) == one)
        #expect(try TrustRoots.extend(both, with: two, at: clock()) == two)
        let later = clock() + .seconds(900_000)
        #expect(throws: CredentialError.self) {
            try TrustRoots.extend(one, with: two + link, at: later)
        }
        let stranger = try RootAuthority(name: "one", validity: .seconds(864_000), now: clock())
        let forged = try stranger.vouch(for: second, now: clock())
        #expect(throws: CredentialError.self) {
            try TrustRoots.extend(one, with: two + forged, at: clock())
        }
        #expect(throws: CredentialError.self) {
            try TrustRoots.extend(one, with: stranger.trustRoots + link, at: clock())
        }
    }

    /// Each below the one before, with the links that lead to it.
    private func roots(
        _ count: Int
    ) throws -> [(root: RootAuthority, links: String)] {
        var all = [(root: first, links: "")]
        for number in 1..<count {
            let (last, links) = all[number - 1]
            let next = try RootAuthority(
                name: "next-\(number)", validity: .seconds(864_000), now: clock())
            let link = try last.vouch(for: next, now: clock())
            all.append(
                (next, try TrustRoots.links(adding: link, to: links, at: clock()).kept))
        }
        return all
    }

    @Test func `after any number of roots a chain is short, and who was away over two comes in`()
        async throws
    {
        let roots = try roots(9)
        for (place, current) in roots.enumerated().dropFirst(2) {
            let shown = try hub(below: current.root, showing: current.links)
            for known in roots[...place].suffix(3) {
                #expect(try await objection(to: shown, trusting: known.root) == nil)
                let offered = try current.root.trustRoots + current.links
                #expect(
                    try TrustRoots.extend(known.root.trustRoots, with: offered, at: clock())
                        == current.root.trustRoots)
            }
            guard place >= 3 else { continue }
            let long = roots[place - 3].root
            #expect(try await objection(to: shown, trusting: long) != nil)
        }
    }

    @Test func `a list is believed by who was away over two roots`() async throws {
        let roots = try roots(8)
        let now = clock()
        let issuing = try roots[7].root.issueIssuing(
            name: "hub", validity: .seconds(432_000), now: now)
        let list = try RevocationList(version: 1, issuedAt: now, expiresAt: now, fleet: 3)
            .signed(by: issuing, shown: roots[7].links, at: now, life: .seconds(3_600))
        for known in roots[5...] {
            #expect(try await list.objection(trusting: known.root.trustRoots, at: now) == nil)
        }
        #expect(try await list.objection(trusting: roots[4].root.trustRoots, at: now) != nil)
    }

    @Test func `links that end go, and who would miss one is named by its time`() throws {
        let roots = try roots(3)
        let third = try RootAuthority(
            name: "three", validity: .seconds(864_000), now: clock())
        let link = try roots[2].root.vouch(for: third, now: clock())
        let full = try TrustRoots.links(adding: link, to: roots[2].links, at: clock())
        #expect(full.dropped.count == 1)
        let late = try TrustRoots.links(
            adding: link, to: roots[2].links, at: clock() + .seconds(900_000))
        #expect(late.kept.isEmpty && late.dropped.isEmpty)
    }

    @Test func `a hub that was taken over makes no root of its issuing authority`() async throws {
        let issuing = try first.issueIssuing(
            name: "hub", validity: .seconds(432_000), now: clock())
        let usurper = try RootAuthority(pem: issuing.pem)
        // What it signs itself, with the name and the key that the root signed for it.
        let own = try RootAuthority(succeeding: issuing.pem)
        #expect(throws: CredentialError.self) {
            try TrustRoots.extend(
                first.trustRoots, with: own.trustRoots + usurper.trustRoots, at: clock())
        }
        let next = try RootAuthority(name: "own", validity: .seconds(864_000), now: clock())
        let lent = try hub(
            below: next, showing: own.vouch(for: next, now: clock()) + usurper.trustRoots)
        #expect(try await objection(to: lent, trusting: first) != nil)
    }

    @Test func `a request under the name of a root is not signed`() throws {
        let key = P256.Signing.PrivateKey()
        let request = try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName { CommonName("hub root") },
            privateKey: .init(key), attributes: .init(),
            signatureAlgorithm: .ecdsaWithSHA256
        ).serializeAsPEM().pemString
        #expect(throws: CredentialError.self) {
            try first.sign(request: request, validity: .seconds(86_400), now: clock())
        }
    }

    @Test func `an issuing authority that the old root signed is no link`() throws {
        let issuing = try first.issueIssuing(
            name: "two", validity: .seconds(432_000), now: clock())
        let chain = try issuing.issueHub(names: [], validity: .seconds(900), now: clock())
            .certificateChain
        #expect(throws: CredentialError.self) {
            try TrustRoots.extend(
                first.trustRoots, with: second.trustRoots + chain, at: clock())
        }
    }

    // MARK: - A root whose key is elsewhere

    @Test func `what the root signed for a hub's request is taken, and nothing else`() throws {
        let key = NodeKey()
        let signed = try first.sign(
            request: key.request(named: "hub"), validity: .seconds(86_400), now: clock())
        let bundle = try signed + first.trustRoots
        let parts = try AuthorityBundle(bundle, key: key.pem, name: "hub", now: clock())
        #expect(try parts.issuing.isBelow(roots: first.trustRoots))
        #expect(throws: CredentialError.self) {
            try AuthorityBundle(bundle, key: NodeKey().pem, name: "hub", now: clock())
        }
        #expect(throws: CredentialError.self) {
            try AuthorityBundle(
                signed + second.trustRoots, key: key.pem, name: "hub", now: clock())
        }
        #expect(throws: CredentialError.self) {
            try AuthorityBundle(signed, key: key.pem, name: "hub", now: clock())
        }
        #expect(throws: CredentialError.self) {
            try AuthorityBundle(
                bundle, key: key.pem, name: "hub", now: clock() + .seconds(90_000))
        }
    }

    @Test(arguments: [
        "", "rubbish",
        "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
    ])
    func `what is no request is not signed`(text: String) {
        #expect(throws: CredentialError.self) {
            try first.sign(request: text, validity: .seconds(60), now: clock())
        }
    }
}
