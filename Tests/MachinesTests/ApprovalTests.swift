import Machines
import Model
import Testing
import Trust

/// What another person has to approve: done once, by the right word, on what was asked about.
@Suite struct ApprovalTests {
    private static let shop = Object.workload(
        Workload(
            metadata: Metadata(name: "shop"),
            spec: WorkloadSpec(
                containers: [ContainerSpec(name: "main", command: ["sleep", "9"])])))

    private func bench(limits: HubLimits = .production) -> HubBench {
        var bench = HubBench(limits: limits)
        bench.ask(.apply([Self.shop], dryRun: false))
        return bench
    }

    private func request(
        _ id: String = "a1", by user: String = "bob", name: String = "shop", in bench: HubBench
    ) -> Approval {
        Approval(
            id: id, verb: .delete, kind: .workload, name: name, requestedBy: user,
            credential: "token", requestedAt: bench.now.wall,
            expiresAt: bench.now.wall + Hub.approvalLife, reasons: ["stock/second-person"])
    }

    private func isThere(_ bench: HubBench) -> Bool {
        bench.hub.objects(.workload, at: bench.now.wall).contains { $0.metadata.name == "shop" }
    }

    private func refusal(_ reply: Hub.Reply?) -> Refusal.Code? {
        if case .refused(let refusal) = reply { refusal.code } else { nil }
    }

    private func state(_ reply: Hub.Reply?) -> Approval.State? {
        if case .approval(let approval) = reply { approval.state } else { nil }
    }

    @Test func `nothing is done before somebody says yes, and it is done once after it`() throws {
        var bench = bench()
        let asked = bench.ask(.ask(request(in: bench)))
        #expect(state(asked) == .waiting && isThere(bench))
        // The same once more is the same.
        #expect(bench.ask(.ask(request("a2", in: bench))) == asked)

        let yes = Hub.Request.answerApproval(id: "a1", ApprovalAnswer(isApproved: true), by: "ann")
        #expect(state(bench.ask(yes)) == .done)
        #expect(!isThere(bench))
        let settled = try #require(bench.hub.approval("a1"))
        #expect(settled.answeredBy == "ann" && settled.answeredAt == bench.now.wall)

        bench.ask(.apply([Self.shop], dryRun: false))
        #expect(state(bench.ask(yes)) == .done)
        #expect(isThere(bench), "a yes that is said twice counts once")
    }

    @Test func `the yes and what comes of it reach the disk together`() throws {
        var bench = bench()
        bench.ask(.ask(request(in: bench)))
        bench.storeIsQuick = false
        bench.ask(.answerApproval(id: "a1", ApprovalAnswer(isApproved: true), by: "ann"))
        let writes = try #require(bench.owed.first?.1)
        let done = try #require(bench.hub.approval("a1"))
        #expect(writes.contains(.removeWorkload("shop")) && writes.contains(.approval(done)))
    }

    @Test func `a no, a request taken back and a day without an answer leave everything`() {
        for (who, expected) in [("ann", Approval.State.denied), ("bob", .withdrawn)] {
            var bench = bench()
            bench.ask(.ask(request(in: bench)))
            let no = ApprovalAnswer(isApproved: false, note: "no backup")
            #expect(state(bench.ask(.answerApproval(id: "a1", no, by: who))) == expected)
            let late = Hub.Request.answerApproval(
                id: "a1", ApprovalAnswer(isApproved: true), by: "ann")
            #expect(refusal(bench.ask(late)) == .conflict)
            #expect(isThere(bench))
        }
        var bench = bench()
        bench.ask(.ask(request(in: bench)))
        bench.pass(Hub.approvalLife)
        let late = Hub.Request.answerApproval(
            id: "a1", ApprovalAnswer(isApproved: true), by: "ann")
        #expect(refusal(bench.ask(late)) == .conflict)
        #expect(bench.hub.approval("a1")?.state == .expired && isThere(bench))
    }

    @Test func `what was changed or made anew since is not what was approved`() {
        for isAnew in [false, true] {
            var bench = bench()
            bench.ask(.ask(request(in: bench)))
            if isAnew { bench.ask(.delete(.workload, name: "shop")) }
            bench.pass(.seconds(1))
            guard case .workload(var changed) = Self.shop else { return }
            changed.spec.tier = .critical
            bench.ask(.apply([.workload(changed)], dryRun: false))
            let yes = bench.ask(
                .answerApproval(id: "a1", ApprovalAnswer(isApproved: true), by: "ann"))
            #expect(state(yes) == .failed)
            #expect(isThere(bench))
        }
    }

    @Test func `what somebody asked for who is revoked since is not done`() {
        var bench = bench()
        bench.ask(.ask(request(in: bench)))
        bench.ask(
            .revoke(RevocationRequest(subjects: ["user/bob"], reason: "left"), by: "ann"))
        let yes = bench.ask(
            .answerApproval(id: "a1", ApprovalAnswer(isApproved: true), by: "ann"))
        #expect(state(yes) == .failed)
        #expect(isThere(bench))
    }

    @Test func `a change waits as it was asked for, and is made when somebody says yes`() throws {
        for isChanged in [false, true] {
            var bench = bench()
            guard case .workload(var wanted) = Self.shop else { return }
            wanted.spec.tier = .critical
            let asked = Approval(
                id: "a1", verb: .apply, kind: .workload, name: "shop",
                act: .apply(.workload(wanted)),
                requestedBy: "bob", credential: "token", requestedAt: bench.now.wall,
                expiresAt: bench.now.wall + Hub.approvalLife)
            #expect(state(bench.ask(.ask(asked))) == .waiting)
            if isChanged {
                var other = wanted
                other.spec.tier = .optional
                bench.ask(.apply([.workload(other)], dryRun: false))
            }
            let yes = bench.ask(
                .answerApproval(id: "a1", ApprovalAnswer(isApproved: true), by: "ann"))
            #expect(state(yes) == (isChanged ? .failed : .done))
            guard case .workload(let held)? = bench.hub.objects(.workload, at: bench.now.wall).first
            else { return }
            #expect(held.spec.tier == (isChanged ? .optional : .critical))
        }
    }

    @Test
    func `a revocation that waits is for who it names, and a bad second key waits for nobody`()
        throws
    {
        var bench = bench()
        var request = RevocationRequest(subjects: ["user/eve", "user/mel"], reason: "left")
        func asked(_ id: String, _ request: RevocationRequest) -> Approval {
            Approval(
                id: id, verb: .revoke, kind: nil, name: "fleet", act: .revoke(request),
                requestedBy: "bob", credential: "token", requestedAt: bench.now.wall,
                expiresAt: bench.now.wall + Hub.approvalLife)
        }
        request.warrant = try Signer(7).key.warrant(
            revoking: request.subjects, at: bench.now.wall)
        #expect(refusal(bench.ask(.ask(asked("a1", request)))) == .denied)
        request.warrant = nil
        request.subjects = ["user/eve"]
        #expect(state(bench.ask(.ask(asked("a2", request)))) == .waiting)
        #expect(bench.hub.revocationList == nil)
        #expect(
            state(bench.ask(.answerApproval(id: "a2", ApprovalAnswer(isApproved: true), by: "ann")))
                == .done)
        #expect(bench.hub.revocationList?.entries.map(\.subject) == [SubjectName.user("eve")])
    }

    @Test func `what waits in a backup may have been denied since, so nobody can say yes to it`() {
        var first = bench()
        first.ask(.ask(request(in: first)))
        var snapshot = HubSnapshot()
        if let waiting = first.hub.approval("a1") { snapshot.approvals = [waiting] }
        let copy = HubBench(snapshot: snapshot, at: first.now, isCopy: true)
        #expect(copy.hub.approval("a1")?.state == .expired)
        let same = HubBench(snapshot: snapshot, at: first.now)
        #expect(same.hub.approval("a1")?.state == .waiting)
    }

    @Test func `one person cannot fill the table, and what does not exist is not asked for`() {
        var bench = HubBench(limits: .tight)
        for name in ["w0", "w1", "w2"] {
            guard case .workload(var workload) = Self.shop else { return }
            workload.metadata.name = name
            bench.ask(.apply([.workload(workload)], dryRun: false))
        }
        #expect(state(bench.ask(.ask(request("a0", name: "w0", in: bench)))) == .waiting)
        #expect(state(bench.ask(.ask(request("a1", name: "w1", in: bench)))) == .waiting)
        #expect(refusal(bench.ask(.ask(request("a2", name: "w2", in: bench)))) == .conflict)
        #expect(
            state(bench.ask(.ask(request("a3", by: "cat", name: "w2", in: bench)))) == .waiting)
        #expect(refusal(bench.ask(.ask(request("a4", name: "none", in: bench)))) == .notFound)
    }
}
