import Model
import Testing
import Transport

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
