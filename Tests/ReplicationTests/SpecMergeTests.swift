import Model
import Replication
import Testing

@Suite struct SpecMergeTests {
    private func spec(
        env: [String: String] = [:], image: String = "shop:1", tier: Tier = .reduced
    ) -> WorkloadSpec {
        WorkloadSpec(
            tier: tier, containers: [ContainerSpec(name: "web", image: image, env: env)])
    }

    @Test func `changes of different fields are both kept`() {
        let merge = SpecMerge(
            base: spec(), hub: spec(image: "shop:2"), node: spec(env: ["A": "1"]), favouring: .hub)
        #expect(merge.spec == spec(env: ["A": "1"], image: "shop:2"))
        #expect(merge.fields == ["containers[web].env"])
        #expect(merge.conflicts.isEmpty)
    }

    @Test(arguments: [(Side.hub, "shop:2"), (.node, "shop:3")])
    func `where both changed one field the favoured side's value stands`(side: Side, image: String)
    {
        let merge = SpecMerge(
            base: spec(), hub: spec(image: "shop:2"), node: spec(image: "shop:3"), favouring: side)
        #expect(merge.spec == spec(image: image))
        #expect(merge.conflicts == ["containers[web].image"])
    }

    @Test func `the same change on both sides is no conflict`() {
        let merge = SpecMerge(
            base: spec(), hub: spec(tier: .critical), node: spec(tier: .critical), favouring: .hub)
        #expect(merge.conflicts.isEmpty)
        #expect(merge.fields == ["tier"])
    }

    @Test func `containers that came or went are compared as a whole`() {
        var two = spec()
        two.containers.append(ContainerSpec(name: "side", image: "side:1"))
        let merge = SpecMerge(
            base: spec(), hub: spec(image: "shop:2"), node: two, favouring: .node)
        #expect(merge.spec == two)
        #expect(merge.conflicts == ["containers"])
    }

    @Test func `without a base every difference is a conflict`() {
        let merge = SpecMerge(
            base: nil, hub: spec(image: "shop:2", tier: .critical),
            node: spec(image: "shop:3"), favouring: .hub)
        #expect(merge.spec == spec(image: "shop:2", tier: .critical))
        #expect(merge.conflicts == ["tier", "containers"])
    }

    /// What hub and node work out must be the same, before and after the change was handed over.
    @Test func `merging the result once more changes nothing`() {
        var random = Random(seed: 5)
        func any() -> WorkloadSpec {
            spec(
                env: random.chance(0.5) ? ["A": String(random.next() % 2)] : [:],
                image: "shop:\(random.next() % 3)", tier: Tier.allCases[Int(random.next() % 3)])
        }
        for _ in 0..<500 {
            let (base, hub, node) = (any(), any(), any())
            for side in Side.allCases {
                let once = SpecMerge(base: base, hub: hub, node: node, favouring: side).spec
                let twice = SpecMerge(base: base, hub: once, node: node, favouring: side).spec
                #expect(once == twice)
            }
        }
    }
}
