import Machines
import Model
import Testing

/// What a hub says to the mesh of a site about its workloads, and what it makes of the answers.
@Suite struct PlanTests {
    private let web = InstanceID(workload: "web", ordinal: 0)

    private func contact(_ number: Int, plan: RosterVersion? = RosterVersion.none) -> MeshContact {
        MeshContact(
            key: String(repeating: "0\(number)", count: 32), address: "127.0.0.1:700\(number)",
            plan: plan)
    }

    private func singleton(_ disconnect: Disconnect? = nil) -> Workload {
        Workload(
            metadata: Metadata(name: "web"),
            spec: WorkloadSpec(
                tier: .critical, replicas: .count(1),
                containers: [ContainerSpec(name: "main", command: ["serve"])],
                disconnect: disconnect))
    }

    /// Three nodes in contact at a site of this pattern, and the workload on the first.
    private func site(_ pattern: Pattern = .mesh, _ workload: Workload? = nil) -> HubBench {
        var bench = HubBench()
        for number in 1...3 { bench.enrol(NodeID("n\(number)")) }
        bench.ask(
            .apply(
                [
                    .site(
                        Site(metadata: Metadata(name: "urban"), spec: SiteSpec(pattern: pattern)))
                ], dryRun: false))
        for number in 1...3 {
            bench.greet(UInt64(number), node: NodeID("n\(number)"), mesh: contact(number))
        }
        bench.ask(.apply([.workload(workload ?? singleton())], dryRun: false))
        return bench
    }

    private func newest(_ bench: HubBench) -> SitePlan? { bench.disk.plans.first }

    private func claim(
        _ epoch: UInt64, _ number: Int, _ bench: inout HubBench, isHeld: Bool = true,
        saidBy speaker: Int? = nil
    ) {
        var view = MeshView(
            node: "somebody", site: "urban", address: "", roster: .none, at: bench.now.wall)
        view.claims = [
            Tenure(
                instance: web, epoch: epoch, holder: NodeID("n\(number)"), isHeld: isHeld,
                predecessor: "n1")
        ]
        bench.tell(
            .received(SessionID(rawValue: UInt64(speaker ?? number)), .mesh(view)))
    }

    @Test func `where the mesh places, its nodes are dealt the manifests and the homes`() throws {
        let bench = site()
        let plan = try #require(newest(bench))
        #expect(plan.places.map(\.node) == ["n1", "n2", "n3"])
        #expect(plan.workloads.map(\.id) == ["web"])
        #expect(plan.homes.map(\.node) == ["n1"])
        let dealt = bench.latest.compactMap { effect -> UInt64? in
            if case .dealPlan(let session, plan) = effect { session.rawValue } else { nil }
        }
        #expect(dealt.sorted() == [1, 2, 3])
    }

    @Test func `elsewhere, and of what nobody may take over, a plan says nothing`() {
        #expect(newest(site(.hybrid))?.homes.isEmpty ?? true)
        #expect(newest(site(.mesh, singleton(Disconnect(replace: false))))?.homes.isEmpty ?? true)
        var each = singleton()
        each.spec.replicas = .perNode
        #expect(newest(site(.mesh, each))?.homes.isEmpty ?? true)
    }

    @Test func `what a node took over becomes the hub's own placement`() throws {
        var bench = site()
        let before = try #require(newest(bench))
        bench.tell(.closed(SessionID(rawValue: 1)))
        claim(before.homes[0].epoch + 1, 2, &bench)
        let after = try #require(newest(bench))
        #expect(after.version > before.version)
        #expect(
            after.homes == [
                SitePlan.Home(instance: web, node: "n2", epoch: before.homes[0].epoch + 1)
            ])
        #expect(bench.assignment(of: "web", to: "n2")?.ordinals == [0])
        #expect(bench.assignment(of: "web", to: "n1") == nil)
        // Nothing more comes of the same word, also after a restart.
        claim(before.homes[0].epoch + 1, 2, &bench)
        #expect(newest(bench) == after)
        #expect(newest(bench.restarted()) == after)
    }

    @Test func `a claim of another, an old one, and one against who serves are not taken`() throws {
        var bench = site()
        let before = try #require(newest(bench))
        let epoch = before.homes[0].epoch
        claim(epoch + 1, 2, &bench, saidBy: 3)
        claim(epoch, 2, &bench)
        claim(epoch + 1, 2, &bench, isHeld: false)
        #expect(newest(bench) == before)
        // Both say that they hold it: they part by themselves.
        claim(epoch, 1, &bench)
        claim(epoch + 1, 2, &bench)
        #expect(newest(bench) == before)
    }

    @Test func `a hub that was restored counts on above the plans of its nodes`() throws {
        var bench = site()
        bench.greet(
            4, node: "n1",
            mesh: contact(1, plan: RosterVersion(epoch: 1, number: 40)))
        #expect(newest(bench)?.version == RosterVersion(epoch: 1, number: 41))
        // No hub ever came to such a number.
        bench.greet(
            5, node: "n1",
            mesh: contact(1, plan: RosterVersion(epoch: 1, number: 1 << 40)))
        #expect(newest(bench)?.version == RosterVersion(epoch: 1, number: 41))
    }

    @Test func `what its mesh sees to, the hub does not replace as well`() {
        var bench = site(
            .mesh, singleton(Disconnect(lostAfter: .seconds(60), replace: true)))
        bench.tell(.closed(SessionID(rawValue: 1)))
        for _ in 0..<12 {
            bench.pass(.seconds(15))
            for number in 2...3 {
                bench.tell(.received(SessionID(rawValue: UInt64(number)), .heartbeat(nil)))
            }
            bench.tell(.wake(.sweep))
        }
        #expect(bench.assignment(of: "web", to: "n2") == nil)
        #expect(bench.assignment(of: "web", to: "n3") == nil)
    }
}
