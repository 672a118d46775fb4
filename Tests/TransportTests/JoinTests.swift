import Model
import Testing
import Transport

/// Asking to become a node without a token.
@Suite(.timeLimit(.minutes(1))) struct JoinTests {
    private func join(
        _ harbour: Harbour, as node: NodeID = "n1", _ trust: ControlClient.HubTrust,
        device: NodeKey = NodeKey()
    ) async throws -> JoinAnswer {
        try await ControlClient.join(
            harbour.token.hub, trusting: trust, node: node, site: "harbour", key: NodeKey(),
            device: device, clock: FleetClock(certain: clock))
    }

    @Test func `who asks is told to wait, and later gets an authority that works`() async throws {
        try await withHarbour { harbour in
            let device = NodeKey()
            let roots = ControlClient.HubTrust.roots(try harbour.authority.trustRoots)
            guard case .wait = try await join(harbour, roots, device: device) else {
                Issue.record("it was let in at once")
                return
            }
            guard case .enrolled(let enrolment) = try await join(harbour, roots, device: device)
            else {
                Issue.record("it was not let in")
                return
            }
            #expect(enrolment.node == "n1" && enrolment.site == "harbour")
            #expect(harbour.hub.proofs == [device.publicKey, device.publicKey])
        }
    }

    @Test func `a hub is known by the digest of its root, and another is told nothing`()
        async throws
    {
        try await withHarbour(showsRoot: true) { harbour in
            let facts = try CertificateReader.facts(pem: harbour.authority.trustRoots)
            let right = ControlClient.HubTrust.digest(facts[0].fingerprint)
            _ = try await join(harbour, right)
            guard case .enrolled(let enrolment) = try await join(harbour, right) else {
                Issue.record("it was not let in")
                return
            }
            #expect(try enrolment.trustRoots == harbour.authority.trustRoots)
            let asked = harbour.hub.proofs.count
            let wrong = ControlClient.HubTrust.digest(String(repeating: "0", count: 64))
            await #expect(throws: TransportError.self) { try await join(harbour, wrong) }
            let strange = ControlClient.HubTrust.roots(try Authorities().trustRoots)
            await #expect(throws: TransportError.self) { try await join(harbour, strange) }
            #expect(harbour.hub.proofs.count == asked)
        }
    }

    @Test func `a hub that does not show its root is not known by its digest`() async throws {
        try await withHarbour { harbour in
            let facts = try CertificateReader.facts(pem: harbour.authority.trustRoots)
            await #expect(throws: TransportError.self) {
                try await join(harbour, .digest(facts[0].fingerprint))
            }
        }
    }
}
