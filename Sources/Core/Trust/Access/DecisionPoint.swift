import Cedar
package import Model

/// Says who may do what, by the policies that it was given: roles, rules in Cedar, and the stock rules.
///
/// Denied is whatever no policy permits. A set of policies of which one cannot be read denies everything
/// but `status`: what it would have forbidden is not known.
package struct DecisionPoint: Sendable {
    /// How a principal came to its identity: from the hub, or from its node while that was cut off.
    package enum Issuance: String, Sendable { case online, offline }

    /// What holds where and when somebody asks.
    package struct Circumstances: Sendable {
        package var staleness: Staleness
        package var policyAge: Duration
        package var issuance: Issuance
        package var credential: Credential
        /// What else whoever asks tells of the request: `context.request`.
        package var request: [String: Fact]
        /// Whether somebody broke the glass at this console.
        package var isGlassBroken: Bool

        package init(
            staleness: Staleness = .fresh, policyAge: Duration = .zero,
            issuance: Issuance = .online, credential: Credential = .certificate,
            request: [String: Fact] = [:], isGlassBroken: Bool = false
        ) {
            self.staleness = staleness
            self.policyAge = policyAge
            self.issuance = issuance
            self.credential = credential
            self.request = request
            self.isGlassBroken = isGlassBroken
        }
    }

    /// A mistake in what one policy says of access.
    package struct Fault: Error, Hashable, Sendable {
        package let policy: PolicyReference
        /// `spec.cedar`
        package let field: String
        package let message: String
        package let fix: String
        /// Whether the policy cannot be read at all. Otherwise it names what there is not, at least in
        /// this version of Skerry, and such a rule never matches.
        package let isBreach: Bool
    }

    /// The one policy that permits everything at a console where the glass is broken.
    package static let brokenGlassID = "stock/glass-is-broken"

    package let policies: [PolicyReference]
    package let unread: [PolicyReference]
    /// What is wrong with the policies. A breach denies everything but `status`.
    package let faults: [Fault]
    /// Whether any binding names anybody; if not, every user may do everything.
    package let bindsSomebody: Bool
    /// Whether somebody may change policies at every site.
    package let hasPolicyMaker: Bool
    private let rules: Authoriser
    /// Who may approve by their role, and where; everywhere without a site.
    private let approvers: [(user: String, sites: [SiteID])]
    /// What the policies say, to show it.
    let sources: [(reference: PolicyReference, spec: PolicySpec)]

    /// - Parameters:
    ///   - policies: of each policy the version in force.
    ///   - unread: versions that are kept here and cannot be read.
    package init(
        _ policies: [(reference: PolicyReference, spec: PolicySpec)],
        unread: [PolicyReference] = []
    ) {
        let ordered = policies.sorted { $0.reference < $1.reference }
        self.policies = ordered.map(\.reference)
        sources = ordered
        self.unread = unread
        let bindings = ordered.flatMap { policy in
            policy.spec.roleBindings.map { (policy.spec.scope.sites, $0) }
        }
        bindsSomebody = bindings.contains { !$0.1.users.isEmpty }
        approvers = bindings.flatMap { scope, binding in
            guard binding.role.verbs.contains(.approve) else { return [(String, [SiteID])]() }
            let sites =
                binding.sites.isEmpty
                ? scope : binding.sites.filter { scope.isEmpty || scope.contains($0) }
            // A binding that names sites outside of its policy's scope holds nowhere.
            guard !sites.isEmpty || (binding.sites.isEmpty && scope.isEmpty) else { return [] }
            return binding.users.map { ($0, sites) }
        }
        hasPolicyMaker = bindings.contains { scope, binding in
            binding.role.makesPolicy && !binding.users.isEmpty && binding.sites.isEmpty
                && scope.isEmpty
        }
        var faults = unread.map {
            Fault(
                policy: $0, field: "signed",
                message: "it is lost here, or this version of Skerry cannot read it",
                fix: "sign and apply it anew", isBreach: true)
        }
        var statements = DecisionPoint.stock(StockPolicies.text)
        if !bindsSomebody { statements += DecisionPoint.stock(StockPolicies.nobodyBound) }
        var members: [String: [EntityUID]] = [:]
        for policy in ordered {
            for (index, binding) in policy.spec.roleBindings.enumerated() {
                let id = "\(policy.reference.name)/\(binding.role.rawValue)/\(index)"
                statements += DecisionPoint.stock(
                    binding.cedar(id: id, within: policy.spec.scope.sites))
                for user in binding.users {
                    members[user, default: []].append(
                        EntityUID(type: AccessWords.binding, id: Text(id)))
                }
            }
            statements += DecisionPoint.read(policy.reference, policy.spec, into: &faults)
        }
        let people = members.sorted { $0.key < $1.key }.map {
            Entity(AccessWords.user($0.key), parents: $0.value)
        }
        do {
            let whole = try Authoriser(statements, entities: people)
            let isBroken = faults.contains(where: \.isBreach)
            rules = isBroken ? try DecisionPoint.onlyStatus() : whole
        } catch {
            faults.append(
                Fault(
                    policy: ordered.last?.reference ?? PolicyReference(name: "stock", version: 0),
                    field: "spec.roleBindings", message: "\(error)",
                    fix: "give fewer people and rules", isBreach: true))
            rules = DecisionPoint.nothing
        }
        self.faults = faults
    }

    package func decide(
        _ principal: Principal, _ verb: Verb, _ target: AccessTarget,
        in circumstances: Circumstances = Circumstances()
    ) -> AccessReport {
        var report = ruling(principal, verb, target, in: circumstances)
        guard !report.isAllowed, !target.isApproved, case .user = principal else { return report }
        var approved = target
        approved.isApproved = true
        if ruling(principal, verb, approved, in: circumstances).isAllowed {
            report.needsApproval = true
        }
        return report
    }

    private func ruling(
        _ principal: Principal, _ verb: Verb, _ target: AccessTarget,
        in circumstances: Circumstances
    ) -> AccessReport {
        // At the console, with the glass broken, policies do not count, not even those that are broken.
        let rules = circumstances.isGlassBroken && principal == .console ? emergency : rules
        var context = circumstances.context
        context["isApproved"] = .bool(target.isApproved)
        context["isGrave"] = .bool(target.isGrave)
        context["hasApprover"] = .bool(hasApprover(of: target, besides: principal))
        let ruling = rules.decide(
            Request(
                principal: principal.uid, action: AccessWords.action(verb), resource: target.uid,
                context: context, entities: entities(of: principal, target)))
        var errors = ruling.errors.map { "\($0.policy): \($0.failure)" }
        if let fault = ruling.fault { errors.append("\(fault)") }
        errors += faults.filter(\.isBreach).map { "\($0.policy): \($0.message)" }
        return AccessReport(
            isAllowed: ruling.isAllowed, reasons: ruling.reasons.map(\.string), errors: errors,
            policies: policies)
    }

    /// Whether somebody else is bound who may approve what is asked for.
    private func hasApprover(of target: AccessTarget, besides principal: Principal) -> Bool {
        guard case .user(let name) = principal else { return false }
        return approvers.contains { user, sites in
            user != name
                && (sites.isEmpty || (target.sites.count == 1 && sites.contains(target.sites[0])))
        }
    }

    /// A node that is both who asks and what is asked about is described once.
    private func entities(of principal: Principal, _ target: AccessTarget) -> [Entity] {
        let known = target.entities
        return known
            + principal.entities.filter { entity in !known.contains { $0.uid == entity.uid } }
    }

    // MARK: Texts

    /// Texts of our own, which tests hold against the vocabulary.
    private static func stock(_ text: String) -> [Statement] {
        do {
            return try PolicyText(text).statements.map(named)
        } catch {
            preconditionFailure("a policy of Skerry's own cannot be read: \(error)")
        }
    }

    /// By its annotation `@id`, where it has one.
    private static func named(_ statement: Statement) -> Statement {
        var statement = statement
        statement.id = statement.annotation("id") ?? statement.id
        return statement
    }

    private static func read(
        _ reference: PolicyReference, _ spec: PolicySpec, into faults: inout [Fault]
    ) -> [Statement] {
        guard let cedar = spec.cedar else { return [] }
        if let fault = unsignable(cedar, in: reference) { faults.append(fault) }
        do {
            let text = try PolicyText(cedar)
            for mistake in text.lint(AccessWords.vocabulary) {
                faults.append(fault(mistake, in: reference, isBreach: false))
            }
            let sites = spec.scope.sites.map(AccessWords.site)
            return text.statements.map { statement in
                var statement =
                    sites.isEmpty ? statement : statement.narrowed(toResourcesIn: sites)
                let id = statement.annotation("id") ?? statement.id
                statement.id = Text("\(reference.name)/\(id)")
                return statement
            }
        } catch {
            for mistake in error.all {
                faults.append(fault(mistake, in: reference, isBreach: true))
            }
            return []
        }
    }

    /// What is signed is printable ASCII, so that it looks the same to everybody.
    private static func unsignable(_ cedar: String, in reference: PolicyReference) -> Fault? {
        let lines = cedar.split(separator: "\n", omittingEmptySubsequences: false)
        guard
            let line = lines.firstIndex(where: { !$0.utf8.allSatisfy { (32...126).contains($0) } })
        else { return nil }
        return Fault(
            policy: reference, field: "spec.cedar",
            message: "line \(line + 1) of the rules has a letter beyond ASCII, or a tab",
            fix: "write spaces, and \\u{...} in strings", isBreach: false)
    }

    private static func fault(
        _ mistake: Cedar.Mistake, in reference: PolicyReference, isBreach: Bool
    ) -> Fault {
        Fault(
            policy: reference, field: "spec.cedar",
            message: "line \(mistake.line), column \(mistake.column) of the rules: "
                + mistake.problem,
            fix: mistake.fix ?? "mend the rule, and sign again", isBreach: isBreach)
    }

    private static func onlyStatus() throws(EntityFault) -> Authoriser {
        try Authoriser(stock(StockPolicies.broken))
    }

    private let emergency = DecisionPoint.brokenGlass
    private static let brokenGlass: Authoriser = {
        do {
            return try Authoriser(stock(StockPolicies.brokenGlass))
        } catch {
            preconditionFailure("one policy cannot be too many: \(error)")
        }
    }()

    private static let nothing: Authoriser = {
        do {
            return try Authoriser([])
        } catch {
            preconditionFailure("no policies cannot be too many: \(error)")
        }
    }()
}

// MARK: - As entities

extension Principal {
    fileprivate var uid: EntityUID {
        switch self {
        case .user(let name): AccessWords.user(name)
        case .console: EntityUID(type: AccessWords.console, id: "local")
        case .node(let node, _): EntityUID(type: Text(Kind.node.rawValue), id: Text(node.text))
        case .workload(let workload, _):
            EntityUID(type: Text(Kind.workload.rawValue), id: Text(workload.text))
        }
    }

    /// Nodes and workloads are at their site; who people are, the bindings say.
    fileprivate var entities: [Entity] {
        switch self {
        case .user, .console: []
        case .node(_, let site):
            [
                Entity(
                    uid, attributes: ["site": .entity(AccessWords.site(site))],
                    parents: [AccessWords.site(site)])
            ]
        case .workload(_, let site): [Entity(uid, parents: [AccessWords.site(site)])]
        }
    }
}

extension AccessTarget {
    fileprivate var uid: EntityUID {
        kind.map { EntityUID(type: Text($0.rawValue), id: Text(name)) } ?? AccessWords.fleet
    }

    /// A thing of several sites is in none of them: only who is bound to all sites may touch it.
    fileprivate var entities: [Entity] {
        guard kind != nil else { return [] }
        let place = sites.count == 1 ? [AccessWords.site(sites[0])] : []
        var attributes: [Text: Value] = tier.map { ["tier": .long(Int64($0.rawValue))] } ?? [:]
        if let requestedBy { attributes["requestedBy"] = .entity(requestedBy.uid) }
        if kind == .node, let site = sites.first {
            attributes["site"] = .entity(AccessWords.site(site))
        }
        if kind == .workload || kind == .node { attributes["keepsData"] = .bool(keepsData) }
        if let demands {
            attributes.merge(demands.attributes) { first, _ in first }
        }
        return [Entity(uid, attributes: attributes, parents: place.filter { $0 != uid })]
    }
}

extension AccessTarget.Demands {
    fileprivate var attributes: [Text: Value] {
        [
            "images": .set(images.map { .string(Text($0)) }),
            "isPinned": .bool(isPinned),
            "hostMounts": .set(hostMounts.map { .string(Text($0)) }),
            "writableMounts": .set(writableMounts.map { .string(Text($0)) }),
            "ports": .set(ports.map { .long(Int64($0)) }),
            "runsCommands": .bool(runsCommands),
            "signers": .set(signers.map { .string(Text($0)) }),
        ]
    }

    /// The keys that signed every image.
    private var signers: [String] {
        guard let first = images.first, signatures.contains(where: { !$0.isEmpty }) else {
            return []
        }
        var signers = ImageSeal.signers(of: first, by: signatures[0])
        for (image, words) in zip(images, signatures).dropFirst() {
            signers.formIntersection(ImageSeal.signers(of: image, by: words))
        }
        return signers.sorted()
    }
}

extension DecisionPoint.Circumstances {
    fileprivate var context: [Text: Value] {
        [
            "staleness": .string(Text(staleness.rawValue)),
            "policyAge": .long(policyAge.components.seconds),
            "issuance": .string(Text(issuance.rawValue)),
            "credential": .string(Text(credential.word)),
            "request": .record(
                Dictionary(uniqueKeysWithValues: request.map { (Text($0), $1.value(depth: 0)) })),
        ]
    }
}

extension Fact {
    /// Deeper than Cedar takes is cut off: what is not there permits nothing.
    fileprivate func value(depth: Int) -> Value {
        guard depth < 16 else { return .string("") }
        switch self {
        case .text(let text): return .string(Text(text))
        case .number(let number): return .long(number)
        case .flag(let flag): return .bool(flag)
        case .list(let items): return .set(items.map { $0.value(depth: depth + 1) })
        case .record(let fields):
            return .record(
                Dictionary(
                    uniqueKeysWithValues: fields.map { (Text($0), $1.value(depth: depth + 1)) }))
        }
    }
}
