package import Model

/// What rules somewhere: the table of a site with the signed policies on top of it, and its bounds.
///
/// Three layers: the pattern, the rows of the site, the rows of the policies. A higher layer replaces
/// what a lower one says; within a layer nothing may contradict, so no order among policies matters.
package struct Regime: Equatable, Sendable {
    package private(set) var table: AuthorityTable
    package private(set) var pattern: Pattern
    package private(set) var stalenessBound: Interval
    package private(set) var autonomyWindow: Interval
    /// The generation of the Site; 0 before any was heard of.
    package private(set) var generation: UInt64
    /// In order of name.
    package private(set) var policies: [PolicyReference]
    /// What set a cell, where the pattern did not: `site`, or a policy by name and version.
    package private(set) var sources: [AuthorityTable.Cell: String]

    /// What holds where nothing was said.
    package static let preset = Regime(SiteSpec(), generation: 0)

    /// One policy in words that are checked already.
    package struct Decree: Equatable, Sendable {
        package var reference: PolicyReference
        package var spec: PolicySpec

        package init(_ reference: PolicyReference, _ spec: PolicySpec) {
            self.reference = reference
            self.spec = spec
        }
    }

    /// Why it cannot be: which policy is at fault, nil for the site, and what is wrong.
    package struct Fault: Error, Equatable, Sendable {
        package var policy: PolicyReference?
        /// `authority[2]`
        package var field: String
        package var message: String
        package var fix: String

        package init(
            policy: PolicyReference? = nil, field: String, message: String, fix: String
        ) {
            self.policy = policy
            self.field = field
            self.message = message
            self.fix = fix
        }
    }

    package struct Faults: Error, Equatable, Sendable {
        package var all: [Fault]
    }

    private init(_ site: SiteSpec, generation: UInt64) {
        table = AuthorityTable(site.pattern)
        pattern = site.pattern
        stalenessBound = site.stalenessBound
        autonomyWindow = site.autonomyWindow
        self.generation = generation
        policies = []
        sources = [:]
    }

    /// Every mistake of the site and of the policies, or what rules.
    package static func build(
        _ site: SiteSpec, generation: UInt64, under decrees: [Decree]
    ) -> Result<Regime, Faults> {
        var regime = Regime(site, generation: generation)
        let decrees = decrees.sorted { $0.reference < $1.reference }
        var faults = regime.takeBounds(decrees)
        regime.table = AuthorityTable(regime.pattern)
        faults += regime.laySite(site.authority) + regime.layPolicies(decrees)
        regime.policies = decrees.map(\.reference)
        return faults.isEmpty ? .success(regime) : .failure(Faults(all: faults))
    }

    private mutating func takeBounds(_ decrees: [Decree]) -> [Fault] {
        take(\.pattern, "pattern", \.pattern, decrees)
            + take(\.stalenessBound, "stalenessBound", \.stalenessBound, decrees)
            + take(\.autonomyWindow, "autonomyWindow", \.autonomyWindow, decrees)
    }

    private mutating func take<Value: Equatable>(
        _ said: (PolicySpec) -> Value?, _ field: String, _ place: WritableKeyPath<Regime, Value>,
        _ decrees: [Decree]
    ) -> [Fault] {
        var first: (by: PolicyReference, value: Value)?
        var faults: [Fault] = []
        for decree in decrees {
            guard let value = said(decree.spec) else { continue }
            guard let earlier = first else {
                first = (decree.reference, value)
                self[keyPath: place] = value
                continue
            }
            guard earlier.value != value else { continue }
            faults.append(
                Fault(
                    policy: decree.reference, field: field,
                    message: "\(field) is \(value) here and \(earlier.value) in \(earlier.by), "
                        + "at the same nodes",
                    fix: "let one of the two policies say it"))
        }
        return faults
    }

    private mutating func laySite(_ rows: [AuthorityOverride]) -> [Fault] {
        var set: [AuthorityTable.Cell] = []
        let faults = table.lay(rows) { cell, _ in set.append(cell) }
        for cell in set { sources[cell] = "site" }
        return faults.map {
            Fault(
                policy: nil, field: "authority[\($0.row)]", message: $0.message, fix: $0.fix)
        }
    }

    private mutating func layPolicies(_ decrees: [Decree]) -> [Fault] {
        let rows = decrees.flatMap { decree in
            decree.spec.authority.enumerated().map { (decree.reference, $0.offset, $0.element) }
        }
        var set: [(AuthorityTable.Cell, PolicyReference)] = []
        let faults = table.lay(rows.map(\.2)) { cell, row in set.append((cell, rows[row].0)) }
        for (cell, policy) in set { sources[cell] = policy.description }
        return faults.map { fault in
            let (policy, row, _) = rows[fault.row]
            var message = fault.message
            if let earlier = fault.contradicted, rows[earlier].0 != policy {
                message =
                    "row \(row) rules otherwise than row \(rows[earlier].1) of \(rows[earlier].0), "
                    + "which holds at the same nodes"
            } else if let earlier = fault.contradicted {
                message =
                    "row \(row) and row \(rows[earlier].1) rule differently on the same case"
            }
            return Fault(
                policy: policy, field: "authority[\(row)]", message: message, fix: fault.fix)
        }
    }
}

extension PolicySpec {
    /// What is wrong with it whatever the sites in scope say: the mistakes under every pattern that it
    /// leaves open.
    package var mistakes: [Mistake] {
        let patterns = pattern.map { [$0] } ?? Pattern.allCases
        let faults = patterns.map { pattern -> [AuthorityTable.Fault] in
            var table = AuthorityTable(pattern)
            return table.lay(authority)
        }
        guard let first = faults.first else { return [] }
        return first.filter { fault in faults.allSatisfy { $0.contains { $0.row == fault.row } } }
            .map {
                Mistake(
                    object: 0, field: "spec.authority[\($0.row)]", message: $0.message,
                    fix: $0.fix)
            }
    }
}
