import Authority
import Model
import Testing

@Suite struct AuthorityTableTests {
    typealias Cell = AuthorityTable.Cell

    @Test(arguments: Pattern.allCases)
    func `every preset can itself be`(pattern: Pattern) throws {
        let preset = AuthorityTable(pattern)
        // Each cell once more as an override of its own: nothing of a preset is refused.
        let rows = Cell.all.map { cell in
            AuthorityOverride(
                domain: cell.domain, staleness: cell.staleness, tier: cell.tier, reach: cell.reach,
                verdict: preset[cell].verdict, by: preset[cell].by)
        }
        #expect(try AuthorityTable.build(pattern, overriding: rows).get() == preset)
    }

    @Test func `placement is central in reach of the hub and local beyond, in the hybrid pattern`()
    {
        let table = AuthorityTable(.hybrid)
        #expect(table[Cell(.placement, .fresh, .reduced, .hub)] == Ruling(.permit, by: .central))
        #expect(table[Cell(.placement, .stale, .reduced, .alone)] == Ruling(.permit, by: .local))
        #expect(table[Cell(.update, .stale, .reduced, .alone)] == Ruling(.restrict, by: .central))
    }

    @Test(arguments: Pattern.allCases)
    func `an expired policy still recovers tier 1, and nothing else`(pattern: Pattern) {
        let table = AuthorityTable(pattern)
        #expect(table[Cell(.recovery, .expired, .critical, .alone)].verdict == .permit)
        #expect(table[Cell(.recovery, .expired, .reduced, .alone)].verdict == .hold)
        #expect(table[Cell(.placement, .expired, .optional, .alone)].verdict == .hold)
    }

    @Test func `a mesh decides together where it can be reached, and not alone`() {
        let table = AuthorityTable(.mesh)
        #expect(table[Cell(.placement, .stale, .reduced, .mesh)] == Ruling(.permit, by: .mesh))
        #expect(table[Cell(.placement, .stale, .reduced, .alone)] == Ruling(.restrict, by: .mesh))
    }

    @Test func `a row replaces the cells it names and no others`() throws {
        let row = AuthorityOverride(domain: .update, tier: .critical, verdict: .hold)
        let table = try AuthorityTable.build(.hybrid, overriding: [row]).get()
        let preset = AuthorityTable(.hybrid)
        for cell in Cell.all {
            let expected =
                cell.domain == .update && cell.tier == .critical
                ? Ruling(.hold, by: .central) : preset[cell]
            #expect(table[cell] == expected)
        }
    }

    @Test func `every faulty row is told with its number`() {
        let result = AuthorityTable.build(
            .hybrid,
            overriding: [
                AuthorityOverride(domain: .security, verdict: .permit, by: .local),
                AuthorityOverride(domain: .scaling, verdict: .restrict),
                AuthorityOverride(domain: .update, reach: .alone, verdict: .permit),
                AuthorityOverride(domain: .placement, verdict: .permit, by: .mesh),
                AuthorityOverride(domain: .recovery, staleness: .expired, verdict: .hold),
                AuthorityOverride(domain: .scaling, staleness: .stale, verdict: .hold),
            ])
        guard case .failure(let faults) = result else {
            Issue.record("it was accepted")
            return
        }
        #expect(faults.all.map(\.row) == [0, 2, 3, 4, 5])
        #expect(faults.all.last?.message.contains("row 5 and row 1 rule differently") == true)
    }

    @Test func `two rows that say the same of a cell are no contradiction`() throws {
        let rows = [
            AuthorityOverride(domain: .scaling, verdict: .restrict),
            AuthorityOverride(domain: .scaling, tier: .optional, verdict: .restrict),
        ]
        let table = try AuthorityTable.build(.hybrid, overriding: rows).get()
        #expect(table[Cell(.scaling, .fresh, .optional, .hub)] == Ruling(.restrict, by: .local))
    }
}
