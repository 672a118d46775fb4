import Model
import Testing
import Transport
import X509

/// Who asks a workload: judged by one rule for each kind, and never for anybody else.
@Suite struct CallerTests {
    private let authorities: Authorities

    init() throws { authorities = try Authorities() }

    private func objection(
        to chain: String, isRevoked: @escaping @Sendable (Bearer) -> Bool = { _ in false }
    ) async throws -> String? {
        try await PeerVerifier(
            .caller, trustRoots: authorities.trustRoots,
            clock: FleetClock(certain: { TransportTests.clock() }), isRevoked: isRevoked
        ).objection(toPEM: chain)
    }

    @Test func `workloads, nodes and people of the fleet are callers, and a hub is none`()
        async throws
    {
        let own = try authorities.authority(of: "n1")
        let (workload, _) = try own.issueWorkload("shop", now: clock())
        #expect(try await objection(to: workload.certificateChain) == nil)
        #expect(try await objection(to: authorities.identity("n1").certificateChain) == nil)
        #expect(try await objection(to: authorities.user("ann").certificateChain) == nil)
        let hub = try authorities.issuing.issueHub(
            names: [], validity: .seconds(900), now: clock())
        #expect(try await objection(to: hub.certificateChain) != nil)
        let (stranger, _) = try Authorities().authority(of: "n1").issueWorkload(
            "shop", now: clock())
        #expect(try await objection(to: stranger.certificateChain) != nil)
    }

    /// A05 of the threat model, for workloads.
    @Test(arguments: [
        "spiffe://n2.harbour.skerry/wl/shop", "spiffe://x.n1.harbour.skerry/wl/shop",
        "spiffe://n1.harbour.skerry/wl/shop/", "spiffe://n1.harbour.skerry/wl/Shop",
        "spiffe://n2@n1.harbour.skerry/wl/shop", "spiffe://skerry/user/ann",
        "spiffe://n1.other.skerry/wl/shop",
    ])
    func `who holds the authority of a node makes no caller of another`(uri: String) async throws {
        let thief = try Forge(of: "n1", in: authorities)
        var leaf = Forge.Leaf()
        leaf.names = [.uniformResourceIdentifier(uri)]
        leaf.purposes = [.clientAuth, .serverAuth]
        #expect(try await objection(to: thief.sign(leaf).chain) != nil)
    }

    @Test func `a workload's certificate without its second purpose, or too long, is none`()
        async throws
    {
        let thief = try Forge(of: "n1", in: authorities)
        var leaf = Forge.Leaf()
        leaf.names = [.uniformResourceIdentifier("spiffe://n1.harbour.skerry/wl/shop")]
        #expect(try await objection(to: thief.sign(leaf).chain) != nil)
        leaf.purposes = [.clientAuth, .serverAuth]
        #expect(try await objection(to: thief.sign(leaf).chain) == nil)
        leaf.life = 2_000
        #expect(try await objection(to: thief.sign(leaf).chain) != nil)
    }

    @Test func `what a node vouches for is no longer good once the node is not`() async throws {
        let (workload, _) = try authorities.authority(of: "n1").issueWorkload("shop", now: clock())
        let revoked = Revocation(
            subject: SubjectName.node("n1", at: "harbour"), device: nil, at: clock(), reason: "x")
        let reason = try await objection(to: workload.certificateChain) { revoked.covers($0) }
        #expect(reason == "it was revoked")
    }

    @Test(arguments: [
        "", "spiffe://skerry/hub/main", "spiffe://n1.s1.skerry/wl/", "spiffe://n1.s1.skerry/svc/a",
        "spiffe://n1.skerry/wl/a", "spiffe://N1.s1.skerry/wl/a", "https://n1.s1.skerry/wl/a",
        "spiffe://n1.s1.skerry:1/wl/a", "spiffe://n1.s1.skerry/wl/a?b",
    ])
    func `anything but the canonical form names no caller`(uri: String) {
        #expect(CallerIdentity(uri: uri) == nil)
    }

    @Test func `a caller is who its certificate says`() {
        #expect(
            CallerIdentity(uri: "spiffe://n1.s1.skerry/wl/shop")
                == .workload("shop", on: "n1", site: "s1"))
        #expect(CallerIdentity(uri: "spiffe://skerry/user/ann")?.principal == .user("ann"))
    }
}
