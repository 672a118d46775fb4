import Authority
import Machines
import Model
import Testing
import Trust

@Suite struct HubPolicyTests {
    private let signer: Signer

    init() throws { signer = try Signer() }

    private func bench() -> HubBench {
        var bench = HubBench(policyKeys: signer.trusted)
        bench.enrol("n1")
        bench.enrol("n2")
        return bench
    }

    private func policy(_ bundle: PolicyBundle) -> Object {
        .policy(
            Policy(
                metadata: Metadata(name: Signer.name(of: bundle)), spec: PolicySpec(),
                signed: bundle))
    }

    private func refusal(_ reply: Hub.Reply?) -> Refusal? {
        if case .refused(let refusal) = reply { refusal } else { nil }
    }

    private func freeze(_ version: UInt64) -> [PolicyReference] {
        [PolicyReference(name: "freeze", version: version)]
    }

    @discardableResult
    private func apply(_ bundle: PolicyBundle, to bench: inout HubBench) -> Hub.Reply? {
        bench.ask(.apply([policy(bundle)], dryRun: false))
    }

    private func policies(sentOn session: UInt64, _ bench: HubBench) -> [PolicyBundle] {
        bench.sent(on: SessionID(rawValue: session)).flatMap { message -> [PolicyBundle] in
            guard case .documents(let documents, _) = message else { return [] }
            return documents.compactMap {
                if case .policy(let bundle) = $0.content { bundle } else { nil }
            }
        }
    }

    @Test func `a node that was away gets the rules before what they are about`() throws {
        var bench = bench()
        // Fewer than fit a message, and more documents than do.
        for number in 0..<70 {
            bench.ask(
                .apply(
                    [
                        .workload(
                            Workload(
                                metadata: Metadata(name: "w\(number)"),
                                spec: WorkloadSpec(
                                    replicas: .perNode,
                                    containers: [ContainerSpec(name: "a", command: ["b"])])))
                    ], dryRun: false))
        }
        apply(try signer.bundle(1), to: &bench)
        bench.greet(9, node: "n1")
        let messages = bench.sent(on: SessionID(rawValue: 9)).compactMap { message in
            if case .documents(let documents, let through) = message {
                (documents, through)
            } else {
                nil
            }
        }
        #expect(messages.count == 2)
        let first = try #require(messages.first)
        #expect(first.0.contains { $0.key == .policy("freeze") })
        #expect(first.0.contains { $0.key == .site("urban") })
        // What is not there yet is not said to be.
        let lacking = messages.dropFirst().flatMap(\.0).map(\.revision).min() ?? 0
        #expect(first.1 < lacking)
        #expect(messages.flatMap(\.0).count == 73)
    }

    @Test func `rules of access that cannot be read or name nothing are refused with their place`()
        throws
    {
        var bench = bench()
        let faulty = try signer.bundle(
            3,
            cedar:
                "permit(principal, action, resource);\nforbid(principal is Usr, action, resource)")
        let unreadable = refusal(apply(faulty, to: &bench))?.mistakes ?? []
        #expect(unreadable.map(\.field) == ["spec.cedar"])
        #expect(unreadable.first?.message.hasPrefix("line 2, column 43 of the rules") == true)
        let misspelt = try signer.bundle(3, cedar: "forbid(principal is Usr, action, resource);")
        let unknown = refusal(apply(misspelt, to: &bench))?.mistakes ?? []
        #expect(unknown.map(\.fix) == ["did you mean 'User'?"])
        #expect(bench.hub.accessPoint().policies == [])
    }

    @Test func `policies that would leave nobody to change them are refused`() throws {
        var bench = bench()
        let viewer = RoleBinding(role: .viewer, users: ["ann"])
        let admin = RoleBinding(role: .admin, users: ["eve"])
        for (roles, sites) in [
            ([viewer], []), ([RoleBinding(role: .admin, users: ["eve"], sites: ["urban"])], []),
            ([admin], ["urban"]),
        ] as [([RoleBinding], [SiteID])] {
            let bundle = try signer.bundle(3, sites: sites, roles: roles)
            let mistakes = refusal(apply(bundle, to: &bench))?.mistakes ?? []
            #expect(mistakes.map(\.field) == ["spec.roleBindings"])
        }
        let nobody = bench.hub.accessPoint()
        #expect(nobody.decide(.user("ann"), .delete, .fleet).isAllowed)
        apply(try signer.bundle(3, sites: [], roles: [viewer, admin]), to: &bench)
        #expect(!bench.hub.isCurrent(nobody))
        let point = bench.hub.accessPoint()
        #expect(bench.hub.isCurrent(point))
        #expect(!point.decide(.user("ann"), .delete, .fleet).isAllowed)
        #expect(point.decide(.user("eve"), .delete, .fleet).isAllowed)
        // Nor may a later version take the last one away.
        let later = try signer.bundle(4, sites: [], roles: [viewer])
        #expect(refusal(apply(later, to: &bench)) != nil)
    }

    @Test func `what is applied reaches the nodes in scope once it is durable`() throws {
        var bench = bench()
        bench.greet(1, node: "n1")
        let bundle = try signer.bundle(3)
        bench.storeIsQuick = false
        apply(bundle, to: &bench)
        #expect(policies(sentOn: 1, bench).isEmpty)
        while !bench.owed.isEmpty { bench.answerStore() }
        #expect(policies(sentOn: 1, bench) == [bundle])
        #expect(
            bench.stored.contains {
                if case .policy(let stored) = $0 { stored.bundle == bundle } else { false }
            })
    }

    @Test func `the same bundle again changes nothing`() throws {
        var bench = bench()
        let bundle = try signer.bundle(3)
        apply(bundle, to: &bench)
        let count = bench.stored.count
        #expect(
            apply(bundle, to: &bench)
                == .applied([ApplyResult(kind: .policy, name: "freeze", outcome: .unchanged)]))
        #expect(bench.stored.count == count)
    }

    @Test
    func `each faulty bundle is refused with a reason, told as an event, and changes nothing`()
        throws
    {
        var bench = bench()
        let older = try signer.bundle(1)
        apply(older, to: &bench)
        apply(try signer.bundle(3), to: &bench)
        var broken = try signer.bundle(4)
        broken.signature = String(broken.signature.reversed())
        let cases: [(PolicyBundle, String)] = [
            (broken, "signature"), (try Signer(9).bundle(4), "not trusted"),
            (try Signer(1, role: "artifact").bundle(4), "not trusted"),
            (try signer.bundle(4, sites: ["urban", "moon"]), "not for here"),
            (try signer.bundle(2), "older than version 3"),
            (older, "older than version 3"),
            (try signer.bundle(3, rows: []), "another freeze@3"),
            (try signer.bundle(4, notAfter: bench.now.wall + .milliseconds(-1)), "could be taken"),
            (try signer.bundle(4, issuedAt: bench.now.wall + .seconds(90_000)), "was signed at"),
        ]
        for (bundle, word) in cases {
            let refused = refusal(apply(bundle, to: &bench))
            #expect(refused?.mistakes.first?.message.contains(word) == true)
            #expect(bench.hub.eventLog.last?.reason == "PolicyRefused")
        }
        #expect(bench.hub.authority(of: "urban", at: bench.now.wall)?.policies == freeze(3))
    }

    @Test func `an unsigned policy is refused with what to do`() {
        var bench = bench()
        let reply = bench.ask(
            .apply(
                [.policy(Policy(metadata: Metadata(name: "freeze"), spec: PolicySpec()))],
                dryRun: false))
        #expect(refusal(reply)?.mistakes.first?.fix.contains("skerry policy sign") == true)
    }

    @Test
    func `rows that cannot be at a site in scope are refused, and so is a site that makes them so`()
        throws
    {
        var bench = bench()
        let permitsLocal = AuthorityOverride(
            domain: .scaling, reach: .alone, verdict: .permit)
        apply(try signer.bundle(3, rows: [permitsLocal]), to: &bench)
        #expect(bench.hub.authority(of: "urban", at: bench.now.wall)?.policies == freeze(3))
        // In a mesh nobody decides alone: the row takes who decides from the pattern.
        let mesh = Site(metadata: Metadata(name: "urban"), spec: SiteSpec(pattern: .mesh))
        let reply = bench.ask(.apply([.site(mesh)], dryRun: false))
        #expect(refusal(reply)?.mistakes.first?.message.contains("freeze@3") == true)
        let impossible = try signer.bundle(
            4, rows: [AuthorityOverride(domain: .security, verdict: .permit, by: .local)])
        #expect(refusal(apply(impossible, to: &bench)) != nil)
    }

    @Test func `two policies at one site may not contradict each other`() throws {
        var bench = bench()
        apply(try signer.bundle(3), to: &bench)
        let thaw = try signer.bundle(
            1, named: "thaw", rows: [AuthorityOverride(domain: .update, verdict: .permit)])
        #expect(
            refusal(apply(thaw, to: &bench))?.mistakes.first?.message.contains("freeze@3") == true)
        let other = try signer.bundle(
            1, named: "quiet", rows: [AuthorityOverride(domain: .scaling, verdict: .restrict)])
        #expect(refusal(apply(other, to: &bench)) == nil)
        #expect(
            bench.hub.authority(of: "urban", at: bench.now.wall)?.policies?.map(\.description)
                == ["freeze@3", "quiet@1"])
    }

    @Test func `a site cannot be left out silently`() throws {
        var bench = bench()
        bench.enrol("n3", at: "rural")
        apply(try signer.bundle(3, sites: ["urban", "rural"]), to: &bench)
        let narrower = refusal(apply(try signer.bundle(4, sites: ["urban"]), to: &bench))
        #expect(narrower?.mistakes.first?.message.contains("site 'rural'") == true)
        #expect(refusal(apply(try signer.bundle(5, sites: []), to: &bench)) == nil)
    }

    // MARK: - Canary

    @Test
    func `a canary goes to its nodes, the others keep the version before, and both are shown`()
        throws
    {
        var bench = bench()
        bench.greet(1, node: "n1")
        bench.greet(2, node: "n2")
        apply(try signer.bundle(3), to: &bench)
        let canary = try signer.bundle(4, canary: Canary(nodes: ["n2"]), rows: [])
        apply(canary, to: &bench)
        #expect(policies(sentOn: 1, bench).isEmpty)
        #expect(policies(sentOn: 2, bench) == [canary])
        let report = try #require(bench.hub.authority(of: "urban", at: bench.now.wall))
        #expect(report.policies == freeze(3))
        #expect(report[.update, .critical, .fresh, .hub]?.verdict == .hold)
        #expect(report.variants?.map(\.nodes) == [["n2"]])
        #expect(report.variants?.first?.policies == freeze(4))
        #expect(report.cells.first { $0.domain == .update }?.source == "freeze@3")
        // Promoted: the same without canary.
        let promoted = try signer.bundle(5, rows: [])
        apply(promoted, to: &bench)
        #expect(policies(sentOn: 1, bench) == [promoted])
        #expect(bench.hub.authority(of: "urban", at: bench.now.wall)?.variants == nil)
    }

    @Test func `a share of nodes is always the same, and a larger one has all of a smaller`() {
        let nodes = (1...1_000).map { NodeID("till-\($0)") }
        let ten = nodes.filter { Canary(percent: 10).includes($0) }
        let thirty = nodes.filter { Canary(percent: 30).includes($0) }
        #expect((60...140).contains(ten.count))
        #expect((250...350).contains(thirty.count))
        #expect(Set(ten).isSubset(of: thirty))
        #expect(nodes.allSatisfy { Canary(percent: 100).includes($0) })
        #expect(ten.prefix(3) == ["till-2", "till-7", "till-28"])
    }

    // MARK: - What is known

    @Test func `how far a policy has come is what nodes say, not what they were sent`() throws {
        var bench = bench()
        bench.greet(1, node: "n1")
        apply(try signer.bundle(3), to: &bench)
        func version() -> PolicyStatus.Version? {
            guard case .policy(let policy) = bench.hub.objects(.policy, at: bench.now.wall).first
            else { return nil }
            return policy.status?.versions.first
        }
        #expect(version()?.wanted == 2)
        #expect(version()?.inForce == 0)
        let head =
            bench.hub.objects(.node, at: bench.now.wall).compactMap { object -> UInt64? in
                if case .node(let node) = object { node.status?.desiredRevision } else { nil }
            }.first ?? 0
        bench.tell(.received(SessionID(rawValue: 1), .applied(revision: head)))
        #expect(version()?.inForce == 0)
        #expect(conditions(of: "n1", bench).contains { $0.reason == "NotInForce" })
        bench.tell(
            .received(SessionID(rawValue: 1), .applied(revision: head, policies: freeze(3))))
        #expect(version()?.inForce == 1)
        #expect(!conditions(of: "n1", bench).contains { $0.reason == "NotInForce" })
    }

    private func conditions(of name: String, _ bench: HubBench) -> [Condition] {
        bench.hub.objects(.node, at: bench.now.wall).flatMap { object -> [Condition] in
            guard case .node(let node) = object, node.metadata.name == name else { return [] }
            return node.status?.conditions ?? []
        }
    }

    @Test func `a node that refused a policy is given it again when it greets, and no other is`()
        throws
    {
        var bench = bench()
        bench.greet(1, node: "n1")
        let bundle = try signer.bundle(3)
        apply(bundle, to: &bench)
        let head = bench.latest.compactMap { effect -> UInt64? in
            if case .send(_, .documents(_, let through)) = effect { through } else { nil }
        }.last
        func greet(_ session: UInt64, _ policies: [PolicyReference]?) throws -> [PolicyBundle] {
            let session = SessionID(rawValue: session)
            bench.tell(.opened(session, "n1"))
            bench.tell(
                .received(
                    session,
                    .hello(
                        Hello(
                            node: "n1", site: "urban", agentVersion: "0.1.0",
                            capacity: Capacity(
                                cpu: CPUShare(millicores: 1), memory: ByteCount(1)),
                            engine: nil, appliedRevision: try #require(head), epoch: 1,
                            policies: policies))))
            return self.policies(sentOn: session.rawValue, bench)
        }
        #expect(try greet(2, freeze(3)).isEmpty)
        #expect(try greet(3, freeze(4)).isEmpty)
        #expect(try greet(4, nil) == [bundle])
    }

    @Test func `policies cannot be deleted, only signed again`() throws {
        var bench = bench()
        apply(try signer.bundle(3), to: &bench)
        #expect(refusal(bench.ask(.delete(.policy, name: "freeze")))?.code == .invalid)
        #expect(refusal(bench.ask(.delete(.policy, name: "other")))?.code == .notFound)
    }

    @Test func `a hub that starts again has its policies and their history`() throws {
        let stored = try (1...3).map { (version: UInt64) in
            StoredPolicy(
                reference: PolicyReference(name: "freeze", version: version),
                bundle: try signer.bundle(version),
                appliedAt: WallTime(milliseconds: 0))
        }
        let site = Site(metadata: Metadata(name: "urban", generation: 4), spec: SiteSpec())
        var bench = HubBench(
            snapshot: HubSnapshot(sites: [site], policies: stored, epoch: 1),
            policyKeys: signer.trusted)
        #expect(bench.hub.authority(of: "urban", at: bench.now.wall)?.policies == freeze(3))
        #expect(refusal(apply(try signer.bundle(3, rows: []), to: &bench)) != nil)
        #expect(refusal(apply(try signer.bundle(4), to: &bench)) == nil)
    }

    @Test func `old versions go, but none that is in force`() throws {
        var bench = HubBench(limits: .tight, policyKeys: signer.trusted)
        bench.enrol("n1")
        for version in 1...6 { apply(try signer.bundle(UInt64(version)), to: &bench) }
        guard case .policy(let policy) = bench.hub.objects(.policy, at: bench.now.wall).first else {
            Issue.record("there is no policy")
            return
        }
        #expect(policy.status?.versions.map(\.version) == [6, 5, 4])
        #expect(bench.stored.contains(.removePolicy(freeze(1)[0])))
        for version in 7...9 {
            apply(try signer.bundle(UInt64(version), canary: Canary(nodes: ["n1"])), to: &bench)
        }
        let full = refusal(apply(try signer.bundle(10, canary: Canary(nodes: ["n1"])), to: &bench))
        #expect(full?.mistakes.first?.message.contains("canaries") == true)
        #expect(bench.hub.authority(of: "urban", at: bench.now.wall)?.policies == freeze(6))
    }

    @Test func `an update that a policy holds is refused, and the decision names it`() throws {
        var bench = bench()
        bench.ask(.apply([.workload(web(generation: 0))], dryRun: false))
        apply(try signer.bundle(3), to: &bench)
        let reply = bench.ask(
            .apply([.workload(web(command: "other", generation: 0))], dryRun: false))
        #expect(refusal(reply)?.code == .conflict)
        let decision = bench.hub.decisions(about: nil, limit: 10).last
        #expect(decision?.policies == freeze(3))
        #expect(decision?.passed == false)
    }
}
