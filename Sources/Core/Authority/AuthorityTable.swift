package import Model

/// Who may decide what: a ruling for every domain, staleness, tier and reach.
///
/// Total: there is no combination without an answer. Invariants, whatever a site overrides: nobody is
/// named who cannot be reached; security is nobody's but the hub's; recovery of Tier 1 is never held.
package struct AuthorityTable: Equatable, Sendable {
    /// One combination that a ruling is for.
    package struct Cell: Hashable, Sendable {
        package var domain: Domain
        package var staleness: Staleness
        package var tier: Tier
        package var reach: Reach

        package init(_ domain: Domain, _ staleness: Staleness, _ tier: Tier, _ reach: Reach) {
            self.domain = domain
            self.staleness = staleness
            self.tier = tier
            self.reach = reach
        }

        /// Its place in the table.
        fileprivate var index: Int {
            ((domain.rank * 3 + tier.rawValue - 1) * 3 + staleness.rank) * 3 + reach.rank
        }

        /// In the order that people read a table.
        package static var all: [Cell] {
            Domain.allCases.flatMap { domain in
                Tier.allCases.flatMap { tier in
                    Staleness.allCases.flatMap { staleness in
                        Reach.allCases.map { Cell(domain, staleness, tier, $0) }
                    }
                }
            }
        }
    }

    /// Why a row of a site's table is refused.
    package struct Fault: Error, Equatable, Sendable {
        /// The row, counted from 0.
        package var row: Int
        package var message: String
        package var fix: String
        /// The earlier row that it contradicts.
        package var contradicted: Int?
    }

    private var rulings: [Ruling]

    package init(_ pattern: Pattern) {
        rulings = Cell.all.map { pattern.ruling(for: $0) }
    }

    /// The preset of a pattern with rows replaced. Every faulty row is told.
    package static func build(
        _ pattern: Pattern, overriding rows: [AuthorityOverride]
    ) -> Result<AuthorityTable, Faults> {
        var table = AuthorityTable(pattern)
        let faults = table.lay(rows)
        return faults.isEmpty ? .success(table) : .failure(Faults(all: faults))
    }

    /// Replaces what `rows` name, whatever set it before; answers with every faulty row.
    ///
    /// - Parameter note: is told of each cell that a row set.
    mutating func lay(
        _ rows: [AuthorityOverride], note: (Cell, _ row: Int) -> Void = { _, _ in }
    ) -> [Fault] {
        var faults: [Fault] = []
        var setBy: [Int: Int] = [:]
        for (row, override) in rows.enumerated() {
            var isFaulty = false
            for cell in Cell.all where override.names(cell) && !isFaulty {
                var ruling = rulings[cell.index]
                if let earlier = setBy[cell.index] {
                    guard ruling != override.ruling(replacing: ruling) else { continue }
                    isFaulty = true
                    faults.append(cell.contradiction(of: row, with: earlier))
                    continue
                }
                ruling = override.ruling(replacing: ruling)
                if var fault = cell.objection(to: ruling) {
                    fault.row = row
                    isFaulty = true
                    faults.append(fault)
                }
                rulings[cell.index] = ruling
                setBy[cell.index] = row
                note(cell, row)
            }
        }
        return faults
    }

    /// Every mistake of a table.
    package struct Faults: Error, Equatable, Sendable {
        package var all: [Fault]
    }

    package subscript(cell: Cell) -> Ruling { rulings[cell.index] }
}

extension AuthorityOverride {
    fileprivate func names(_ cell: AuthorityTable.Cell) -> Bool {
        domain == cell.domain && (staleness ?? cell.staleness) == cell.staleness
            && (tier ?? cell.tier) == cell.tier && (reach ?? cell.reach) == cell.reach
    }

    fileprivate func ruling(replacing old: Ruling) -> Ruling {
        Ruling(verdict, by: by ?? old.by)
    }
}

extension AuthorityTable.Cell {
    /// Where in the table it is, in words.
    private var place: String {
        "\(domain.rawValue), \(staleness.rawValue), tier \(tier.rawValue), reach \(reach.rawValue)"
    }

    fileprivate func contradiction(of row: Int, with earlier: Int) -> AuthorityTable.Fault {
        AuthorityTable.Fault(
            row: row,
            message: "row \(row) and row \(earlier) rule differently on the same case (\(place))",
            fix: "name staleness, tier or reach so that each case is ruled once",
            contradicted: earlier)
    }

    /// Why a ruling cannot be; its row is for the caller to fill in.
    fileprivate func objection(to ruling: Ruling) -> AuthorityTable.Fault? {
        if ruling.verdict == .permit {
            if domain == .security, ruling.by != .central {
                return AuthorityTable.Fault(
                    row: 0, message: "security can be permitted to central only (\(place))",
                    fix: "by: central, or verdict: restrict")
            }
            if ruling.by == .central, reach != .hub {
                return AuthorityTable.Fault(
                    row: 0, message: "central cannot decide where no hub is reached (\(place))",
                    fix: "reach: hub, or verdict: restrict, which keeps to what central said last")
            }
            if ruling.by == .mesh, reach == .alone {
                return AuthorityTable.Fault(
                    row: 0, message: "a mesh cannot decide where a node is alone (\(place))",
                    fix: "name reach: hub and reach: mesh apart, or verdict: restrict")
            }
        }
        if ruling.verdict == .hold, domain == .recovery, tier == .critical {
            return AuthorityTable.Fault(
                row: 0, message: "recovery of Tier 1 cannot be held: it would stay down (\(place))",
                fix: "tier: 2 or tier: 3, or verdict: restrict")
        }
        return nil
    }
}

extension Staleness {
    var rank: Int {
        switch self {
        case .fresh: 0
        case .stale: 1
        case .expired: 2
        }
    }
}

extension Reach {
    var rank: Int {
        switch self {
        case .hub: 0
        case .mesh: 1
        case .alone: 2
        }
    }
}

extension Pattern {
    /// Who decides in a domain.
    fileprivate func authority(in domain: Domain, reach: Reach) -> Authority {
        switch (self, domain) {
        case (_, .security), (_, .update): .central
        case (.hybrid, .placement): reach == .hub ? .central : .local
        case (.hybrid, _): .local
        case (.mesh, .placement), (.mesh, .scaling): .mesh
        case (.mesh, _): .local
        case (.edgeFirst, .placement): .local
        case (.edgeFirst, _): .learned
        }
    }

    fileprivate func ruling(for cell: AuthorityTable.Cell) -> Ruling {
        let authority = authority(in: cell.domain, reach: cell.reach)
        // Beyond its bound a policy still keeps alive what must not stop, and begins nothing else.
        if cell.staleness == .expired, cell.tier != .critical {
            return Ruling(.hold, by: authority)
        }
        let canDecide =
            switch authority {
            case .central: cell.reach == .hub && cell.staleness != .expired
            case .mesh: cell.reach != .alone
            case .local, .learned: true
            }
        return Ruling(canDecide ? .permit : .restrict, by: authority)
    }
}
