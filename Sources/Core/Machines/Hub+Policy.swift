import Authority
import Model
import Replication
package import Trust

/// Signed policies: checked, kept with their history, and handed to the nodes that they are meant for.
extension Hub {
    /// One version as it was applied, and what it says.
    struct Issued: Equatable, Sendable {
        let stored: StoredPolicy
        let payload: PolicyPayload

        /// As if it were applied when it was signed.
        fileprivate init(_ payload: PolicyPayload, _ bundle: PolicyBundle) {
            self.init(
                stored: StoredPolicy(
                    reference: payload.reference, bundle: bundle, appliedAt: payload.issuedAt),
                payload: payload)
        }

        init(stored: StoredPolicy, payload: PolicyPayload) {
            self.stored = stored
            self.payload = payload
        }

        var reference: PolicyReference { stored.reference }
        var scope: PolicyScope { payload.spec.scope }
    }

    /// Takes over what is on the disk; answers with what cannot be read.
    mutating func takePolicies(_ stored: [StoredPolicy]) -> [PolicyReference] {
        var unread: [PolicyReference] = []
        for policy in stored.sorted(by: { $0.reference < $1.reference }) {
            do {
                keep(Issued(stored: policy, payload: try policy.bundle.read()))
            } catch {
                unread.append(policy.reference)
            }
        }
        return unread
    }

    mutating func tellUnread(_ policy: PolicyReference, at now: Moment) {
        guard policy.version > 0 else {
            return tell(
                .warning, "PolicyLost", .policy, policy.name,
                "no version of it is in the store any more, so nobody may do anything until it is "
                    + "applied anew", at: now)
        }
        tell(
            .warning, "PolicyUnread", .policy, policy.name,
            "version \(policy.version) is in the store and cannot be read by this version of Skerry; "
                + "nodes keep what they have", at: now)
    }

    private mutating func keep(_ issued: Issued) {
        let name = issued.reference.name
        policies.insert((policies[name] ?? []) + [issued], for: name)
    }

    // MARK: - Which version for whom

    /// Of each policy the newest version that is meant for a node; nil stands for a node to come, which
    /// no canary names. Since only newer versions are added, a node is never given an older one.
    func issued(for node: NodeID?, at site: SiteID) -> [Issued] {
        guard !policies.isEmpty else { return [] }
        return policies.rows.compactMap { versions in
            versions.last { version in
                if let node { return version.scope.includes(node, at: site) }
                return version.scope.canary == nil && version.scope.includes(site)
            }
        }
    }

    func decrees(_ references: [PolicyReference]) -> [Regime.Decree] {
        references.compactMap { reference in
            policies[reference.name]?.last { $0.reference == reference }
                .map { Regime.Decree(reference, $0.payload.spec) }
        }
    }

    /// The sets of policies that hold at a site, one of them for a node to come. Each once.
    func policySets(at site: SiteID) -> [[PolicyReference]] {
        guard !policies.isEmpty else { return [] }
        let members = nodes.rows.filter { $0.node.spec.site == site }
        var sets: Set = [Ground(site: site, policies: issued(for: nil, at: site).map(\.reference))]
        for member in members { sets.insert(ground(of: NodeID(member.node.metadata.name))) }
        return sets.sorted().map(\.policies)
    }

    /// A node that read its whole feed and yet has not what it was given refused it: for want of a key, or
    /// by a wrong clock. Either may be mended by now, so each greeting is answered with it once more.
    mutating func repeatPolicies(after hello: Hello) {
        guard let member = nodes[hello.node], hello.appliedRevision == member.feed.head else {
            return
        }
        let held = hello.policies ?? []
        let missing = issued(for: hello.node, at: member.node.spec.site).map(\.reference).filter {
            wanted in !held.contains { $0.name == wanted.name && $0.version >= wanted.version }
        }
        for policy in missing {
            let key = DocumentKey.policy(policy.name)
            guard let feed = nodes[hello.node]?.feed, feed[key] != nil,
                let document = nodes.update(
                    hello.node, { $0.feed.restate(key, above: feed.head) }) ?? nil
            else { continue }
            journal.writes.append(.document(hello.node, document))
        }
        guard !missing.isEmpty, let head = nodes[hello.node]?.feed.head else { return }
        journal.followUps.append(.feed(hello.node, through: head))
    }

    mutating func forgetRegimes(of site: SiteID) {
        for ground in regimes.keys where ground.site == site { regimes.remove(ground) }
    }

    // MARK: - Apply

    func outcome(of policy: Policy) -> ApplyResult.Outcome {
        guard let versions = policies[policy.metadata.name] else { return .created }
        return versions.last?.stored.bundle == policy.signed ? .unchanged : .configured
    }

    func mistakes(
        in policy: Policy, of index: Int, among objects: [Object], at now: Moment
    ) -> [Mistake] {
        let name = policy.metadata.name
        guard let bundle = policy.signed else {
            return [
                Mistake(
                    object: index, field: "signed",
                    message: "a policy holds only when it is signed",
                    fix: "skerry policy sign -f FILE --key KEY -o BUNDLE, then: "
                        + "skerry apply -f BUNDLE")
            ]
        }
        if outcome(of: policy) == .unchanged { return [] }
        let isTwice = objects[..<index].contains { $0.kind == .policy && $0.metadata.name == name }
        if isTwice {
            return [
                Mistake(
                    object: index, field: "metadata.name",
                    message: "policy '\(name)' is given twice",
                    fix: "apply one version at a time")
            ]
        }
        do throws(BundleRefusal) {
            // Where the whole store was lost its sites were too, and cannot be applied before this is.
            let isLost = unreadPolicies.contains { $0.name == name && $0.version == 0 }
            let payload = try bundle.admitted(
                to: isLost ? .reader : .hub(sites: sites.keys + sitesAmong(objects)),
                trusting: policyKeys,
                holding: { policies[$0]?.last?.reference.version }, at: now.wall)
            guard payload.reference.name == name else {
                throw BundleRefusal.name(payload.reference, called: name)
            }
            return objections(to: payload, in: bundle, among: objects, at: now).map {
                Mistake(object: index, field: $0.field, message: $0.message, fix: $0.fix)
            }
        } catch {
            return [
                Mistake(
                    object: index, field: "signed", message: error.message, fix: error.fix)
            ]
        }
    }

    private static let clockTolerance = Duration.seconds(86_400)

    private func sitesAmong(_ objects: [Object]) -> [SiteID] {
        objects.filter { $0.kind == .site }.map { SiteID($0.metadata.name) }
    }

    /// What speaks against a bundle that is in order by itself.
    private func objections(
        to payload: PolicyPayload, in bundle: PolicyBundle, among objects: [Object],
        at now: Moment
    ) -> [Regime.Fault] {
        let reference = payload.reference
        var faults: [Regime.Fault] = []
        // What nodes hold says to them how late it is at least: it must not be from the far future.
        if payload.issuedAt > now.wall + Hub.clockTolerance {
            faults.append(
                Regime.Fault(
                    field: "signed.payload",
                    message: "\(reference) was signed at \(payload.issuedAt), and here it is "
                        + "\(now.wall)",
                    fix: "set the clock of the machine that signs, or of this hub, and sign again"))
        }
        let versions = policies[reference.name] ?? []
        if versions.isEmpty, policies.count >= limits.policies {
            faults.append(
                Regime.Fault(
                    field: "metadata.name",
                    message: "this hub holds \(policies.count) policies, and that is all it may",
                    fix: "add the rows to one of them as a new version"))
        }
        // A node of a site that is left out would keep the version before, for ever and unseen.
        if let last = versions.last, let lost = last.scope.sites(leftOutBy: payload.spec.scope) {
            faults.append(
                Regime.Fault(
                    field: "signed.payload",
                    message: "\(reference) leaves out \(lost), where \(last.reference) holds",
                    fix: "keep every site in scope, and make a policy of its own for what differs"))
        }
        let canaries = versions.reversed().prefix { $0.scope.canary != nil }.count
        if payload.spec.scope.canary != nil, canaries >= limits.policyVersions {
            faults.append(
                Regime.Fault(
                    field: "signed.payload",
                    message: "\(canaries) canaries of '\(reference.name)' wait for an end already",
                    fix: "sign a version without canary first"))
        }
        return faults + contradictions(of: payload, in: bundle, among: objects)
            + accessFaults(of: payload, in: bundle)
    }

    /// What is wrong with its rules of access, or with those of all policies once it is in force.
    private func accessFaults(of payload: PolicyPayload, in bundle: PolicyBundle) -> [Regime.Fault]
    {
        var trial = self
        trial.keep(Issued(payload, bundle))
        let access = trial.accessPoint()
        var faults = access.faults.filter { $0.policy == payload.reference }.map {
            Regime.Fault(field: $0.field, message: $0.message, fix: $0.fix)
        }
        if access.bindsSomebody, !access.hasPolicyMaker {
            faults.append(
                Regime.Fault(
                    field: "spec.roleBindings",
                    message: "with these bindings nobody could change policies any more",
                    fix: "bind somebody as admin or security, in a policy for every site"))
        }
        return faults
    }

    /// Who may do what at this hub.
    package func accessPoint() -> DecisionPoint {
        DecisionPoint(
            settled.map { (reference: $0.reference, spec: $0.payload.spec) }, unread: stillUnread)
    }

    /// The newest version of each policy that is no trial.
    private var settled: [Issued] {
        policies.rows.compactMap { versions in versions.last { $0.scope.canary == nil } }
    }

    /// A newer version that could be read has taken the place of one that could not.
    private var stillUnread: [PolicyReference] {
        unreadPolicies.filter { unread in
            !(policies[unread.name] ?? []).contains { $0.reference.version > unread.version }
        }
    }

    /// Whether an access point made earlier still says what holds.
    package func isCurrent(_ point: DecisionPoint) -> Bool {
        settled.map(\.reference).sorted() == point.policies && stillUnread == point.unread
    }

    /// Builds every table that there would be.
    private func contradictions(
        of payload: PolicyPayload, in bundle: PolicyBundle, among objects: [Object]
    ) -> [Regime.Fault] {
        var trial = self
        for case .site(let site) in objects {
            trial.sites.insert(site, for: SiteID(site.metadata.name))
        }
        trial.keep(Issued(payload, bundle))
        var faults: [Regime.Fault] = []
        for (id, site) in trial.sites where payload.spec.scope.includes(id) {
            for policies in trial.policySets(at: id) {
                let built = Regime.build(
                    site.spec, generation: 0, under: trial.decrees(policies))
                guard case .failure(let all) = built else { continue }
                for var fault in all.all
                where !faults.contains(where: { $0.message == fault.message }) {
                    fault.field = "spec.\(fault.field)"
                    faults.append(fault)
                }
            }
        }
        return faults
    }

    mutating func store(_ policy: Policy, at now: Moment) {
        guard let bundle = policy.signed else { return }
        do {
            let payload = try bundle.read()
            let reference = payload.reference
            let stored = StoredPolicy(reference: reference, bundle: bundle, appliedAt: now.wall)
            keep(Issued(stored: stored, payload: payload))
            regimes = Table()
            journal.writes.append(.policy(stored))
            prune(reference.name)
            tell(
                .normal, "PolicyApplied", .policy, reference.name,
                "version \(reference.version) for \(payload.spec.scope.words), signed by key "
                    + "\(bundle.key)", at: now)
        } catch {
            preconditionFailure("a bundle that was admitted can be read: \(error)")
        }
    }

    /// The newest version for all and what came after it are in force somewhere; of those before it a
    /// few are kept to go back to, and to judge old decisions by.
    private mutating func prune(_ name: String) {
        guard var versions = policies[name] else { return }
        let full = versions.lastIndex { $0.scope.canary == nil } ?? 0
        let surplus = min(full, max(0, versions.count - limits.policyVersions))
        for version in versions.prefix(surplus) {
            journal.writes.append(.removePolicy(version.reference))
        }
        versions.removeFirst(surplus)
        policies.insert(versions, for: name)
    }

    /// A policy that was refused is for whoever watches over security to know.
    mutating func tellRefused(_ objects: [Object], _ mistakes: [Mistake], at now: Moment) {
        for mistake in mistakes {
            guard objects.indices.contains(mistake.object),
                case .policy(let policy) = objects[mistake.object], policy.signed != nil,
                isDNSLabel(policy.metadata.name)
            else { continue }
            tell(
                .warning, "PolicyRefused", .policy, policy.metadata.name,
                "\(mistake.message); what was in force stays", at: now)
        }
    }

    /// Taking a policy away is making policy: it takes a signature too.
    func staysSigned(_ name: String) -> Refusal {
        guard policies[name] != nil else { return missing(.policy, name) }
        return Refusal(
            .invalid,
            "a policy is changed and ended by whoever signs it: sign a version of '\(name)' without "
                + "rows and apply it, or go back with: skerry policy rollback \(name) --to VERSION")
    }
}

extension PolicyScope {
    fileprivate var words: String {
        let places = sites.isEmpty ? "every site" : sites.map(\.text).joined(separator: ", ")
        return String(places.prefix(256)) + (canary == nil ? "" : ", a canary")
    }

    /// In words, what of this scope is not in a newer one; nil where nothing is.
    fileprivate func sites(leftOutBy newer: PolicyScope) -> String? {
        if newer.sites.isEmpty { return nil }
        if sites.isEmpty { return "sites that are not named" }
        let lost = sites.filter { !newer.sites.contains($0) }
        return lost.isEmpty ? nil : lost.map { "site '\($0)'" }.joined(separator: ", ")
    }
}
