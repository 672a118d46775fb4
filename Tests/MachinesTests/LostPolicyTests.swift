import Machines
import Model
import Testing
import Trust

/// A20: a policy that was there and is gone never looks like one that never was.
@Suite struct LostPolicyTests {
    private let signer: Signer

    init() throws { signer = try Signer() }

    private func hub(_ snapshot: HubSnapshot = HubSnapshot(), known: [String]) -> Hub {
        Hub(snapshot: snapshot, policyKeys: signer.trusted, known: known)
    }

    @Test func `a hub whose store was lost takes nobody for its first operator`() {
        let point = hub(known: ["freeze"]).accessPoint()
        #expect(point.unread == [PolicyReference(name: "freeze", version: 0)])
        for verb in Verb.ofPeople where verb != .status {
            #expect(!point.decide(.user("admin"), verb, .fleet).isAllowed, "\(verb)")
        }
        #expect(point.decide(.user("admin"), .apply, AccessTarget(.policy, "freeze")).isAllowed)
        let new = hub(known: []).accessPoint()
        #expect(new.decide(.user("admin"), .delete, .fleet).isAllowed)
    }

    @Test func `what is applied anew is known again, and what is in the store was never lost`()
        throws
    {
        var hub = hub(known: ["freeze"])
        let lost = hub.accessPoint()
        var effects: [Hub.Effect] = []
        let now = Moment(
            monotonic: .seconds(1_000), wall: WallTime(milliseconds: 1_760_000_000_000))
        hub.start(at: now, into: &effects)
        #expect(hub.eventLog.contains { $0.reason == "PolicyLost" })
        let policy = Policy(
            metadata: Metadata(name: "freeze"), spec: PolicySpec(),
            signed: try signer.bundle(7, sites: []))
        hub.handle(
            .request(RequestID(number: 1), .apply([.policy(policy)], dryRun: false)), at: now,
            into: &effects)
        #expect(!hub.isCurrent(lost))
        #expect(hub.accessPoint().unread.isEmpty)

        var scoped = self.hub(known: ["freeze"])
        let elsewhere = Policy(
            metadata: Metadata(name: "freeze"), spec: PolicySpec(), signed: try signer.bundle(8))
        scoped.handle(
            .request(RequestID(number: 1), .apply([.policy(elsewhere)], dryRun: false)), at: now,
            into: &effects)
        #expect(scoped.accessPoint().unread.isEmpty, "its site is not here any more either")

        let bundle = try signer.bundle(7)
        let stored = StoredPolicy(
            reference: PolicyReference(name: "freeze", version: 7), bundle: bundle,
            appliedAt: now.wall)
        let kept = self.hub(HubSnapshot(policies: [stored]), known: ["freeze"])
        #expect(kept.accessPoint().unread.isEmpty)
    }
}
