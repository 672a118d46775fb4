import Authority
package import Model
import Replication
package import Trust

/// Signed policies on the node: it checks each by itself, against keys that it was given when it was
/// enrolled, before it keeps anything of it.
extension Agent {
    /// The documents of a batch that may be kept. A bundle that is refused is left out and the rest goes
    /// on: the feed has been read that far either way, and what was in force stays.
    mutating func admissible(
        _ batch: [Document], through: UInt64, at now: Moment
    ) -> [Document] {
        // Nothing is looked at twice because a hub said it twice.
        guard through > replica.through else { return batch }
        let sites = batch.compactMap { document -> Site? in
            if case .site(let site) = document.content { site } else { nil }
        }
        return batch.filter { document in
            switch document.content {
            case .policy(let bundle):
                return admits(bundle, in: document, at: sites.last ?? site, now)
            case .deleted where document.key.isPolicy:
                refuse(
                    document.key.name,
                    "the hub said that it is gone, and only a signature ends a policy", at: now)
                return false
            case .unknown(let kind, _):
                tellUnknown(kind, document.key, at: now)
                return true
            case .assignment, .site, .node, .secret, .changes, .deleted:
                return !document.key.isPolicy
            }
        }
    }

    private mutating func admits(
        _ bundle: PolicyBundle, in document: Document, at site: Site?, _ now: Moment
    ) -> Bool {
        // The same again, as after a hub was restored.
        if replica[document.key] == .policy(bundle) { return true }
        do throws(BundleRefusal) {
            try inspect(bundle, as: document.key, at: site, now)
            return true
        } catch {
            refuse(document.key.name, "\(error)", at: now)
            return false
        }
    }

    /// Everything that has to be so before a bundle is kept, whoever brought it.
    func inspect(
        _ bundle: PolicyBundle, as key: DocumentKey, at site: Site?, _ now: Moment
    ) throws(BundleRefusal) {
        let payload = try bundle.admitted(
            to: .node(configuration.node, site: configuration.site),
            trusting: configuration.policyKeys,
            holding: { self.version(of: $0) },
            at: knownTime(at: now))
        guard key == .policy(payload.reference.name) else {
            throw .name(payload.reference, called: key.name)
        }
        guard policies.count < Agent.policiesMax || self.payload(payload.reference.name) != nil
        else {
            throw .rows(
                payload.reference, message: "\(policies.count) policies are held already",
                fix: "add its rows to one of them")
        }
        if let site { try check(payload, at: site) }
    }

    /// Whether it goes together with what else is known here.
    private func check(_ payload: PolicyPayload, at site: Site) throws(BundleRefusal) {
        let others = decrees.filter { $0.reference.name != payload.reference.name }
        let built = Regime.build(
            site.spec, generation: 0,
            under: others + [Regime.Decree(payload.reference, payload.spec)])
        guard case .failure(let faults) = built, let fault = faults.all.first else { return }
        throw .rows(payload.reference, message: fault.message, fix: fault.fix)
    }

    mutating func refuse(_ name: String, _ reason: String, at now: Moment) {
        acts.append(
            AuditAct(
                who: "hub", action: "policy", target: "Policy/\(isDNSLabel(name) ? name : "?")",
                decision: .deny, note: reason))
        // The kind is one that every hub knows: an older one would lose the whole batch.
        tell(
            .warning, "PolicyRefused", .node, configuration.node.text,
            "policy '\(isDNSLabel(name) ? name : "?")' is not taken, and what was in force stays: "
                + reason, at: now)
    }

    private mutating func tellUnknown(_ kind: String, _ key: DocumentKey, at now: Moment) {
        tell(
            .warning, "DocumentUnknown", .node, configuration.node.text,
            "a document of kind '\(kind.prefix(64))' (\(String(key.description.prefix(128)))) is "
                + "kept and not acted on: this version of Skerry does not know it; update the agent",
            at: now)
    }

    /// The latest time that is known to have come: a node without a clock begins in 1970.
    private func knownTime(at now: Moment) -> WallTime {
        let signed = policies.map(\.issuedAt).max() ?? now.wall
        return max(now.wall, signed, proof?.wall ?? now.wall)
    }

    // MARK: - What is held

    /// What the documents say of policies, durable or on the way there. A bundle that cannot be read was
    /// taken by a later version than this.
    private var policies: [PolicyPayload] {
        replica.contents.compactMap { content in
            guard case .policy(let bundle) = content else { return nil }
            do { return try bundle.read() } catch { return nil }
        }
    }

    private func payload(_ name: String) -> PolicyPayload? {
        policies.first { $0.reference.name == name }
    }

    /// The version of a policy above which one is new: the one that is held, or the one before what was
    /// lost, which may come again.
    func version(of name: String) -> UInt64? {
        let held = payload(name)?.reference.version
        let lost = policyFloors[name].map { $0 - 1 }
        return max(held ?? 0, lost ?? 0)
    }

    /// In order of name.
    var decrees: [Regime.Decree] {
        policies.map { Regime.Decree($0.reference, $0.spec) }
            .sorted { $0.reference < $1.reference }
    }

    /// Who may do what at this node, by the policies that it holds.
    package func accessPoint() -> DecisionPoint {
        DecisionPoint(
            policies.map { (reference: $0.reference, spec: $0.spec) }, unread: unreadPolicies)
    }

    /// Whether an access point made earlier still says what holds.
    package func isCurrent(_ point: DecisionPoint) -> Bool {
        // By what the bundles call themselves: each request asks, and reading them takes long.
        let held = replica.contents.compactMap { content in
            if case .policy(let bundle) = content { bundle.claimed } else { nil }
        }
        return point.unread == unread
            && point.policies == held.filter { !unread.contains($0) }.sorted()
    }

    /// What is held and cannot be read here, and what was durable once and is gone, as from a store that
    /// was damaged: what they forbid is not known.
    var unreadPolicies: [PolicyReference] {
        let held = replica.contents.compactMap { content in
            if case .policy(let bundle) = content { bundle.claimed } else { nil }
        }
        let read = Set(policies.map(\.reference))
        return held.filter { !read.contains($0) } + lostPolicies(besides: held)
    }

    private func lostPolicies(besides held: [PolicyReference]) -> [PolicyReference] {
        policyFloors.filter { name, _ in !held.contains { $0.name == name } }
            .map { PolicyReference(name: $0, version: $1) }.sorted()
    }

    /// As the hub is told; nil where none is.
    var policiesInForce: [PolicyReference]? { regime.policies.isEmpty ? nil : regime.policies }

    mutating func tellPolicies(
        insteadOf old: [PolicyReference], are new: [PolicyReference], at now: Moment
    ) {
        for policy in new where !old.contains(policy) {
            let before = old.first { $0.name == policy.name }
            acts.append(
                AuditAct(
                    who: "hub", action: "policy", target: "Policy/\(policy.name)",
                    policies: [policy], note: before.map { "instead of \($0)" }))
            tell(
                .normal, "PolicyInForce", .node, configuration.node.text,
                "\(policy)" + (before.map { " instead of \($0)" } ?? ""), at: now)
        }
    }

    /// For people on the node.
    package func policyObjects(at now: WallTime) -> [Policy] {
        replica.contents.compactMap { content in
            guard case .policy(let bundle) = content else { return nil }
            do { return view(try bundle.read(), bundle, at: now) } catch { return nil }
        }
    }

    /// That there are documents which only a later version understands; nil where there are none.
    package func skewCondition(at now: WallTime) -> Condition? {
        let kinds = Set(
            replica.contents.compactMap { content in
                if case .unknown(let kind, _) = content { kind } else { nil }
            })
        guard !kinds.isEmpty else { return nil }
        return Condition(
            type: "DocumentsUnderstood", isTrue: false, reason: "NewerHub",
            message:
                "documents of a kind that this version does not know are kept and not acted on "
                + "(\(kinds.sorted().prefix(8).map { String($0.prefix(64)) }.joined(separator: ", "))); "
                + "update the agent",
            observedAt: now)
    }

    private func view(
        _ payload: PolicyPayload, _ bundle: PolicyBundle, at now: WallTime
    ) -> Policy {
        let reference = payload.reference
        return Policy(
            metadata: Metadata(
                name: reference.name, generation: reference.version, createdAt: payload.issuedAt),
            spec: payload.spec, signed: bundle,
            status: PolicyStatus(
                versions: [
                    PolicyStatus.Version(
                        version: reference.version, issuedAt: payload.issuedAt,
                        notAfter: payload.notAfter, canary: payload.spec.scope.canary, wanted: 1,
                        inForce: regime.policies.contains(reference) ? 1 : 0, signed: bundle)
                ], observedAt: now))
    }

    private static let policiesMax = 256
}
