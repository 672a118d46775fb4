import Model
import Replication

/// What people ask of the hub. A request changes everything it names or nothing.
extension Hub {
    mutating func serve(
        _ request: Request, as id: RequestID, at now: Moment, into effects: inout [Effect]
    ) {
        if let storeTrouble {
            let refusal = Refusal(
                .unavailable,
                "the hub cannot write to its store (\(storeTrouble)); nothing was changed. "
                    + "Free space on the hub's disk, then try again")
            effects.append(.reply(id, .refused(refusal)))
            return
        }
        do {
            answer(id, try carryOut(request, at: now, into: &effects), into: &effects)
        } catch {
            answer(id, .refused(error), into: &effects)
        }
    }

    /// Also an answer that changed nothing waits for what is under way: "unchanged" and "not found"
    /// rest on it.
    private mutating func answer(
        _ id: RequestID, _ reply: Reply, into effects: inout [Effect]
    ) {
        if journal.isIdle {
            effects.append(.reply(id, reply))
        } else {
            journal.followUps.append(.reply(id, reply))
        }
    }

    private mutating func carryOut(
        _ request: Request, at now: Moment, into effects: inout [Effect]
    ) throws(Refusal) -> Reply {
        switch request {
        case .apply(let objects, let dryRun):
            return .applied(try apply(objects, dryRun: dryRun, at: now))
        case .delete(let kind, let name):
            try delete(kind, name, at: now, into: &effects)
            return .deleted
        case .edit(let kind, let name, let edit):
            if case .resolve(let keep) = edit {
                return .object(try resolve(kind, name, keep: keep, at: now))
            }
            return .object(try change(kind, name, edit, at: now))
        case .issue(let token):
            try issue(token, at: now)
            return .issued
        case .vouch(let token):
            try vouch(token, at: now)
            return .issued
        case .revokeToken(let id, let who):
            return .revoked(try revokeToken(id, by: who, at: now))
        case .ask(let approval): return .approval(try ask(approval, at: now))
        case .answerApproval(let id, let answer, let who):
            return .approval(
                try answerApproval(id, answer, by: who, at: now, into: &effects))
        case .readmit(let node, let device): return try readmit(node, device: device, at: now)
        case .enrol(let tokenID, let secretDigest, let node, let site, let device):
            if let device, isRevoked(device: device) {
                throw Refusal(.denied, "the identity of this machine was revoked")
            }
            let site = try enrol(node, at: site, tokenID, secretDigest, at: now)
            if let device { noteCertified(node, device: device, at: now) }
            return .enrolled(node, site, life: authorityLife(of: node))
        case .resolve(let resolution):
            try resolve(resolution, at: now)
            return .resolved
        case .askToJoin(let node, let site, let device):
            return try askToJoin(node, at: site, device: device, now: now)
        case .answer(let node, let answer, let principal):
            return .pending(try self.answer(node, answer, by: principal, at: now))
        case .revoke(let request, let principal):
            try revoke(request, by: principal, at: now, into: &effects)
            return .identitiesRevoked
        }
    }

    // MARK: - Apply

    mutating func apply(
        _ objects: [Object], dryRun: Bool, at now: Moment
    ) throws(Refusal) -> [ApplyResult] {
        let mistakes = mistakes(in: objects, at: now)
        guard mistakes.isEmpty else {
            if !dryRun { tellRefused(objects, mistakes, at: now) }
            throw Refusal(
                .invalid, "\(mistakes.count) mistakes; nothing was applied", mistakes: mistakes)
        }
        let results = objects.map(outcome)
        let added = results.count { $0.outcome == .created }
        guard added == 0 || sites.count + workloads.count + secrets.count + added <= limits.objects
        else {
            throw Refusal(
                .invalid,
                "this hub holds at most \(limits.objects) sites, workloads and Secrets")
        }
        guard !dryRun else { return results }
        for (object, result) in zip(objects, results) where result.outcome == .configured {
            if case .workload(let workload) = object { try checkUpdate(of: workload, at: now.wall) }
        }
        for (object, result) in zip(objects, results) where result.outcome != .unchanged {
            store(object, at: now)
        }
        reconcile(because: .applied, at: now)
        return results
    }

    private func mistakes(in objects: [Object], at now: Moment) -> [Mistake] {
        let named = Set(objects.map(\.reference))
        return objects.enumerated().flatMap { index, object -> [Mistake] in
            switch object {
            case .site(let site): return self.mistakes(in: site, of: index)
            case .policy(let policy):
                return self.mistakes(in: policy, of: index, among: objects, at: now)
            case .secret(let secret): return self.mistakes(in: secret, of: index)
            case .instance:
                return [
                    Mistake(
                        object: index, field: "kind",
                        message: "Instance objects are made by the hub for a workload, not applied",
                        fix: "apply a Workload, and say in spec.replicas how many")
                ]
            case .node:
                return [
                    Mistake(
                        object: index, field: "kind",
                        message: "Node objects are made when a node enrols, not applied",
                        fix: "enrol a node with a token from: skerry token create --site SITE")
                ]
            case .workload(let workload):
                if let mistake = mistake(in: workload.spec.replicas, of: index) { return [mistake] }
                let secrets = secretMistakes(in: workload.spec, of: index, among: objects)
                return secrets
                    + workload.spec.dependsOn.enumerated().compactMap { position, dependency in
                        let isKnown =
                            workloads[dependency] != nil
                            || named.contains("Workload/\(dependency)")
                        guard !isKnown else { return nil }
                        return Mistake(
                            object: index, field: "spec.dependsOn[\(position)]",
                            message: "there is no workload '\(dependency)'",
                            fix: "apply '\(dependency)' first or in the same call")
                    }
            }
        }
    }

    private func mistake(in replicas: Replicas, of index: Int) -> Mistake? {
        guard case .count(let count) = replicas, !(0...limits.replicas).contains(count) else {
            return nil
        }
        return Mistake(
            object: index, field: "spec.replicas", message: "\(count) replicas cannot be run",
            fix: "a number from 0 to \(limits.replicas), or perNode")
    }

    private func outcome(of object: Object) -> ApplyResult {
        let outcome: ApplyResult.Outcome =
            switch object {
            case .site(let site):
                compare(sites[SiteID(site.metadata.name)]?.face, site.face)
            case .workload(let workload):
                compare(workloads[workload.id]?.face, workload.face)
            case .policy(let policy): outcome(of: policy)
            case .secret(let secret): compare(secrets[secret.id]?.face, secret.face)
            case .node, .instance: .unchanged
            }
        return ApplyResult(kind: object.kind, name: object.metadata.name, outcome: outcome)
    }

    private func compare<Face: Equatable>(_ old: Face?, _ new: Face) -> ApplyResult.Outcome {
        guard let old else { return .created }
        return old == new ? .unchanged : .configured
    }

    mutating func store(_ object: Object, at now: Moment) {
        switch object {
        case .site(var site):
            let old = sites[SiteID(site.metadata.name)]
            site.metadata = stamped(
                site.metadata, after: old?.metadata, changed: old?.spec != site.spec, at: now)
            site.status = nil
            sites.insert(site, for: SiteID(site.metadata.name))
            forgetRegimes(of: SiteID(site.metadata.name))
            keepVersion(of: site, since: now.wall)
            journal.writes.append(.site(site))
        case .workload(var workload):
            let old = workloads[workload.id]
            workload.metadata = stamped(
                workload.metadata, after: old?.metadata, changed: old?.spec != workload.spec,
                at: now)
            workload.status = nil
            workloads.insert(workload, for: workload.id)
            journal.writes.append(.workload(workload))
        case .policy(let policy): return store(policy, at: now)
        case .secret(let secret): store(secret, at: now)
        case .node, .instance: break
        }
        tell(
            .normal, "Applied", object.kind, object.metadata.name, "the spec was applied", at: now)
    }

    func stamped(
        _ new: Metadata, after old: Metadata?, changed: Bool, at now: Moment
    ) -> Metadata {
        var metadata = new
        metadata.generation = (old?.generation ?? generationFloor) + (changed ? 1 : 0)
        metadata.createdAt = old?.createdAt ?? now.wall
        return metadata
    }

    // MARK: - Delete and edit

    mutating func delete(
        _ kind: Kind, _ name: String, at now: Moment, into effects: inout [Effect]
    ) throws(Refusal) {
        let isKnown =
            switch kind {
            case .site: sites[SiteID(name)] != nil
            case .node: nodes[NodeID(name)] != nil
            case .workload: workloads[WorkloadID(name)] != nil
            case .secret: secrets[SecretID(name)] != nil
            case .instance: throw madeHere(name)
            case .policy: throw staysSigned(name)
            }
        guard isKnown else { throw missing(kind, name) }
        switch kind {
        case .site: try removeSite(SiteID(name))
        case .node: removeNode(NodeID(name), into: &effects)
        case .workload: remove(WorkloadID(name))
        case .secret: remove(SecretID(name), at: now)
        case .instance, .policy: break
        }
        tell(.normal, "Deleted", kind, name, "deleted on request", at: now)
        reconcile(because: kind == .workload ? .deleted : .nodesChanged, at: now)
    }

    mutating func remove(_ workload: WorkloadID) {
        raiseFloor(to: workloads[workload]?.metadata.generation)
        workloads.remove(workload)
        standing.remove(.workload(workload))
        journal.writes.append(.removeWorkload(workload))
    }

    mutating func raiseFloor(to generation: UInt64?) {
        guard let generation, generation > generationFloor else { return }
        generationFloor = generation
        journal.writes.append(.generationFloor(generation))
    }

    private mutating func removeSite(_ site: SiteID) throws(Refusal) {
        if let node = nodes.rows.first(where: { $0.node.spec.site == site })?.node {
            throw Refusal(
                .conflict,
                "site '\(site)' still has nodes (\(node.metadata.name)); delete them first")
        }
        raiseFloor(to: sites[site]?.metadata.generation)
        sites.remove(site)
        forgetRegimes(of: site)
        forgetVersions(of: site)
        journal.writes.append(.removeSite(site))
    }

    private mutating func removeNode(_ node: NodeID, into effects: inout [Effect]) {
        for (id, session) in sessions where session.node == node {
            sessions.remove(id)
            effects.append(.close(id))
        }
        // A node of this name that comes later shall not profit from what was under way for this.
        journal.forget { followUp in
            switch followUp {
            case .feed(node, _), .acknowledge(node, _, _): true
            case .feed, .acknowledge, .reply, .receipt, .roster, .plan, .revocations, .greet: false
            }
        }
        let site = nodes[node]?.node.spec.site
        nodes.remove(node)
        circles = Table()
        journal.writes.append(.removeNode(node))
        if let site { leaveMesh(node, at: site) }
    }

    private mutating func change(
        _ kind: Kind, _ name: String, _ edit: Edit, at now: Moment
    ) throws(Refusal) -> Object {
        let object: Object
        switch (kind, edit) {
        case (.site, .labels(let labels)):
            guard var site = sites[SiteID(name)] else { throw missing(kind, name) }
            site.metadata.apply(labels)
            sites.insert(site, for: SiteID(name))
            journal.writes.append(.site(site))
            object = .site(site)
        case (.workload, .labels(let labels)):
            guard var workload = workloads[WorkloadID(name)] else { throw missing(kind, name) }
            workload.metadata.apply(labels)
            workloads.insert(workload, for: workload.id)
            journal.writes.append(.workload(workload))
            object = .workload(workload)
        case (.secret, .labels(let labels)):
            guard var secret = secrets[SecretID(name)] else { throw missing(kind, name) }
            secret.metadata.apply(labels)
            secrets.insert(secret, for: secret.id)
            journal.writes.append(.secret(secret))
            object = .secret(secret.shown)
        case (.node, _):
            guard var node = nodes[NodeID(name)]?.node else { throw missing(kind, name) }
            switch edit {
            case .labels(let labels): node.metadata.apply(labels)
            case .cordon(let cordoned): node.spec.cordoned = cordoned
            case .resolve: break
            }
            nodes.update(NodeID(name)) { $0.node = node }
            journal.writes.append(.node(node))
            object = .node(node)
        case (.instance, _): throw madeHere(name)
        case (_, .resolve):
            throw Refusal(.invalid, "only nodes can be resolved, not \(kind.plural)")
        case (.policy, _): throw staysSigned(name)
        case (_, .cordon): throw Refusal(.invalid, "only nodes can be cordoned, not \(kind.plural)")
        }
        reconcile(because: .nodesChanged, at: now)
        return object
    }

    private func madeHere(_ instance: String) -> Refusal {
        let place = InstanceID(instance)?.workload
        let workload = place.map { workloads[$0] == nil ? "NAME" : $0.text } ?? "NAME"
        return Refusal(
            .invalid,
            "instances are made by the hub, as many as their workload asks for: change "
                + "spec.replicas of the workload and apply it, label the workload, or remove it "
                + "with: skerry delete workload \(workload)")
    }

    func missing(_ kind: Kind, _ name: String) -> Refusal {
        Refusal(.notFound, "there is no \(kind.rawValue.lowercased()) '\(name)'")
    }

    // MARK: - Enrolment

    private mutating func issue(_ token: JoinToken, at now: Moment) throws(Refusal) {
        guard sites[token.site] != nil else { throw missing(.site, token.site.text) }
        for old in tokens.rows where old.expiresAt + .seconds(86_400) < now.wall {
            forget(old)
        }
        if tokens.count >= limits.tokens {
            for old in tokens.rows where isOver(old, at: now) { forget(old) }
        }
        guard tokens.count < limits.tokens else {
            throw Refusal(
                .conflict,
                "\(limits.tokens) join tokens are out already; each is free again when it was used "
                    + "or has expired")
        }
        tokens.insert(token, for: token.id)
        journal.writes.append(.token(token))
    }

    /// Nobody can enrol by it any more. It is kept for a day all the same where there is room, so
    /// that who comes with it is told why it is of no use.
    private func isOver(_ token: JoinToken, at now: Moment) -> Bool {
        guard now.wall < token.expiresAt else { return true }
        guard let user = token.usedBy else { return false }
        return nodes[user].map { $0.lastSeen != nil } ?? true
    }

    private mutating func forget(_ token: JoinToken) {
        tokens.remove(token.id)
        journal.writes.append(.removeToken(id: token.id))
    }

    /// Spends a token and makes the node. A node that lost the answer may ask again with the same
    /// token until it was first seen.
    private mutating func enrol(
        _ node: NodeID, at wished: SiteID?, _ tokenID: String, _ secretDigest: String,
        at now: Moment
    ) throws(Refusal) -> SiteID {
        guard var token = tokens[tokenID], token.secretDigest == secretDigest else {
            throw Refusal(
                .denied,
                "the join token is not known to this hub; make one with: "
                    + "skerry token create --site SITE")
        }
        guard now.wall < token.expiresAt else {
            throw Refusal(
                .denied,
                "the join token expired at \(token.expiresAt); make a new one with: "
                    + "skerry token create --site \(token.site)")
        }
        if let wished, wished != token.site {
            throw Refusal(
                .denied,
                "the join token is for site '\(token.site)', not '\(wished)'")
        }
        guard isDNSLabel(node.text) else {
            throw Refusal(
                .invalid,
                "'\(node)' is no node name: use lower-case letters, digits and hyphens, at most 63")
        }
        if token.usedBy == node, let member = nodes[node], member.lastSeen == nil {
            return token.site
        }
        if let user = token.usedBy {
            throw Refusal(
                .denied,
                "the join token was used by node '\(user)'; make a new one with: "
                    + "skerry token create --site \(token.site)")
        }
        guard nodes[node] == nil else {
            throw Refusal(
                .conflict,
                "there is a node '\(node)' already; choose another name, or delete it "
                    + "first with: skerry delete node \(node)")
        }
        token.usedBy = node
        tokens.insert(token, for: token.id)
        journal.writes.append(.token(token))
        admit(node, at: token.site, now: now)
        tell(
            .normal, "Enrolled", .node, node.text, "enrolled at site '\(token.site)'", at: now)
        reconcile(because: .nodesChanged, at: now)
        return token.site
    }

    mutating func admit(_ node: NodeID, at site: SiteID, now: Moment) {
        let object = Node(
            metadata: Metadata(name: node.text, generation: 1, createdAt: now.wall),
            spec: NodeSpec(site: site))
        nodes.insert(Member(new: object), for: node)
        circles = Table()
        journal.writes.append(.node(object))
    }

    // MARK: - From intent to feeds

    /// Brings every feed in line with intent. Level-based: it looks at the whole.
    mutating func reconcile(because cause: Decision.Cause, at now: Moment) {
        place(because: cause, at: now)
        // Before the documents: a node that has both asks its mesh before it starts anything.
        renewPlans()
        for node in nodes.keys { publish(to: node) }
    }

    private mutating func place(because cause: Decision.Cause, at now: Moment) {
        for gone in placements.keys where workloads[gone] == nil {
            placements.remove(gone)
            replacements.remove(gone)
        }
        let fleet = nodes.rows.map(\.node)
        var total: [NodeID: Int] = [:]
        for places in placements.rows { total.add(places) }
        for (id, workload) in workloads {
            let current = placements[id] ?? [:]
            var others = total
            others.remove(current)
            let places = replaced(
                workload,
                at: Placement.place(workload.spec, current: current, on: fleet, load: others),
                load: others, now: now)
            let settled =
                places == current
                ? current
                : settle(
                    workload, at: places, from: current, load: others, because: cause,
                    now: now.wall)
            others.add(settled)
            total = others
            claim(id, at: settled, now: now)
            guard settled != current else { continue }
            journal.writes.append(.placement(id, settled))
        }
    }

    mutating func publish(to node: NodeID) {
        guard let member = nodes[node] else { return }
        var wanted: Table<DocumentKey, Document.Content> = Table()
        wanted.insert(.node(member.node), for: .node(node))
        if let site = sites[member.node.spec.site] {
            wanted.insert(.site(site), for: .site(member.node.spec.site))
        }
        for policy in issued(for: node, at: member.node.spec.site) {
            wanted.insert(.policy(policy.stored.bundle), for: .policy(policy.reference.name))
        }
        var assignments: [WorkloadID: Assignment] = [:]
        for (id, places) in placements {
            guard let ordinals = places[node], let workload = workloads[id] else { continue }
            assignments[id] = Assignment(workload: workload, ordinals: ordinals)
        }
        for variant in variants(for: node) { assignments[variant.workload.id] = variant }
        for (id, assignment) in assignments {
            wanted.insert(.assignment(assignment), for: .assignment(id))
        }
        for (id, values) in sealedValues(for: Array(assignments.values)) {
            wanted.insert(.secret(values), for: .secret(id))
        }
        var published: [Document] = []
        nodes.update(node) { member in
            // A policy is never taken back: a node would not obey, and what is signed stays signed.
            for key in member.feed.keys
            where wanted[key] == nil && !key.isPolicy && key != .changes(node) {
                if let document = member.feed.publish(.deleted, for: key) {
                    published.append(document)
                }
            }
            for (key, content) in wanted {
                if let document = member.feed.publish(content, for: key) {
                    published.append(document)
                }
            }
            // Last: who has this has all that it is about.
            let covered = Document.Content.changes(through: member.changesThrough)
            if member.changesThrough > 0 || member.feed[.changes(node)] != nil,
                let document = member.feed.publish(covered, for: .changes(node))
            {
                published.append(document)
            }
        }
        publishLater(published, to: node)
    }

    /// To be sent once it is durable.
    mutating func publishLater(_ published: [Document], to node: NodeID) {
        guard let head = nodes[node]?.feed.head, !published.isEmpty else { return }
        journal.writes += published.map { .document(node, $0) }
        journal.followUps.removeAll { if case .feed(node, _) = $0 { true } else { false } }
        journal.followUps.append(.feed(node, through: head))
    }
}

extension Metadata {
    fileprivate mutating func apply(_ changes: [String: String?]) {
        for (key, value) in changes { labels[key] = value }
    }
}

/// What a person can change about an object: compared to tell a change from a repetition.
private struct Face<Spec: Equatable>: Equatable {
    var labels: [String: String]
    var annotations: [String: String]
    var spec: Spec
}

extension Site {
    fileprivate var face: Face<SiteSpec> {
        Face(labels: metadata.labels, annotations: metadata.annotations, spec: spec)
    }
}

extension Workload {
    fileprivate var face: Face<WorkloadSpec> {
        Face(labels: metadata.labels, annotations: metadata.annotations, spec: spec)
    }
}

extension [NodeID: Int] {
    fileprivate mutating func add(_ places: Placement.Places) {
        for (node, ordinals) in places { self[node, default: 0] += ordinals.count }
    }
    fileprivate mutating func remove(_ places: Placement.Places) {
        for (node, ordinals) in places { self[node, default: 0] -= ordinals.count }
    }
}
