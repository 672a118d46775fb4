import Machines
import Model
import Testing

/// Machines without a token ask; a person answers.
@Suite struct PendingTests {
    private func bench(limits: HubLimits = .production) -> HubBench {
        var bench = HubBench(limits: limits)
        bench.ask(
            .apply(
                [.site(Site(metadata: Metadata(name: "urban"), spec: SiteSpec()))], dryRun: false))
        return bench
    }

    private func refusal(_ reply: Hub.Reply?) -> Refusal.Code? {
        if case .refused(let refusal)? = reply { refusal.code } else { nil }
    }

    private func ask(
        _ node: NodeID = "n1", device: String = "d1", in bench: inout HubBench
    ) -> Hub.Reply? {
        bench.ask(.askToJoin(node, "urban", device: device))
    }

    private func answer(
        _ answer: PendingAnswer, to node: NodeID = "n1", in bench: inout HubBench
    ) -> Hub.Reply? {
        bench.ask(.answer(node, answer, by: "ann"))
    }

    @Test func `who asks waits until a person has approved, and is a node then`() {
        var bench = bench()
        for _ in 0..<2 {
            guard case .pending(let item)? = ask(in: &bench) else {
                Issue.record("it was let in")
                return
            }
            #expect(item.state == .waiting)
        }
        #expect(bench.hub.pendingNodes.count == 1)
        #expect(bench.hub.objects(.node, at: bench.now.wall).isEmpty)

        guard case .pending? = answer(PendingAnswer(isApproved: true), in: &bench) else {
            Issue.record("it was not approved")
            return
        }
        #expect(bench.hub.pendingNodes.isEmpty)
        guard case .enrolled("n1", "urban", _)? = ask(in: &bench) else {
            Issue.record("it was not let in")
            return
        }
        let reasons = bench.hub.eventLog.map(\.reason)
        #expect(reasons.contains("JoinAsked") && reasons.contains("JoinApproved"))
        #expect(reasons.filter { $0 == "JoinAsked" }.count == 1)
    }

    @Test func `another machine does not get what was approved for this one`() {
        var bench = bench()
        _ = ask(in: &bench)
        _ = answer(PendingAnswer(isApproved: true), in: &bench)
        #expect(refusal(ask(device: "d2", in: &bench)) == .conflict)
    }

    @Test func `of two that ask for one name the person says which`() {
        var bench = bench()
        _ = ask(device: "ab12", in: &bench)
        _ = ask(device: "ab34", in: &bench)
        #expect(refusal(answer(PendingAnswer(isApproved: true), in: &bench)) == .conflict)
        let wrong = PendingAnswer(isApproved: true, fingerprint: "ff")
        #expect(refusal(answer(wrong, in: &bench)) == .notFound)
        let right = PendingAnswer(isApproved: true, fingerprint: "AB-34")
        guard case .pending(let item)? = answer(right, in: &bench) else {
            Issue.record("it was not approved")
            return
        }
        #expect(item.device == "ab34")
        #expect(refusal(ask(device: "ab12", in: &bench)) == .conflict)
    }

    @Test func `who was denied stays so, also after a restart, until a person changes that`() {
        var bench = bench()
        _ = ask(in: &bench)
        _ = answer(PendingAnswer(isApproved: false), in: &bench)
        var later = bench.restarted()
        guard case .pending(let item)? = ask(in: &later) else {
            Issue.record("it was let in")
            return
        }
        #expect(item.state == .denied)
        _ = answer(PendingAnswer(isApproved: true), in: &later)
        guard case .enrolled? = ask(in: &later) else {
            Issue.record("it was not let in")
            return
        }
    }

    @Test func `who waits is still there after a restart, and so is who was approved`() {
        var bench = bench()
        _ = ask("n1", device: "d1", in: &bench)
        _ = ask("n2", device: "d2", in: &bench)
        _ = answer(PendingAnswer(isApproved: true), to: "n2", in: &bench)
        var later = bench.restarted()
        #expect(later.hub.pendingNodes.map(\.node) == ["n1"])
        guard case .enrolled("n2", "urban", _)? = ask("n2", device: "d2", in: &later) else {
            Issue.record("it was not let in")
            return
        }
    }

    @Test func `so many ask at most, and one that is silent makes room`() {
        var bench = bench(limits: .tight)
        for number in 1...HubLimits.tight.pending {
            _ = ask(NodeID("n\(number)"), device: "d\(number)", in: &bench)
        }
        #expect(refusal(ask("n9", device: "d9", in: &bench)) == .unavailable)
        bench.pass(.seconds(700))
        for number in 2...HubLimits.tight.pending {
            _ = ask(NodeID("n\(number)"), device: "d\(number)", in: &bench)
        }
        #expect(refusal(ask("n9", device: "d9", in: &bench)) == nil)
        #expect(!bench.hub.pendingNodes.contains { $0.device == "d1" })
    }

    @Test func `an approval for a site that is not there changes nothing`() {
        var bench = bench()
        _ = ask(in: &bench)
        let moved = PendingAnswer(isApproved: true, site: "nowhere")
        #expect(refusal(answer(moved, in: &bench)) == .notFound)
        #expect(bench.hub.pendingNodes.first?.state == .waiting)
    }
}
