import Hummingbird
import Model
import NIOCore
import NIOSSL

extension Interface {
    /// Throws unless the policies let whoever asks do it.
    ///
    /// Every request comes through here, so what is decided is kept here.
    func permit(
        _ verb: Verb, _ target: AccessTarget, to call: Call, note text: String? = nil,
        approval: String? = nil
    ) async throws {
        let report = await backend.access(of: call.requester, verb, target)
        try await permit(verb, target, report, to: call, note: text, approval: approval)
    }

    /// The same where it was decided already.
    func permit(
        _ verb: Verb, _ target: AccessTarget, _ report: AccessReport, to call: Call,
        note text: String? = nil, approval: String? = nil
    ) async throws {
        await note(verb, target, report, of: call)
        try await record(verb, target, report, of: call, text, approval: approval)
        guard !report.isAllowed else { return }
        throw refusal(of: call, verb, target, report)
    }

    /// That a process is there is asked by machines, again and again, and says nothing of anybody.
    func note(
        _ verb: Verb, _ target: AccessTarget, _ report: AccessReport, of call: Call
    ) async {
        guard verb != .status else { return }
        await backend.note(
            AccessRecord(
                request: call.id, at: wallTimeNow(), requester: call.requester, verb: verb,
                target: target, report: report))
    }

    private func refusal(
        of call: Call, _ verb: Verb, _ target: AccessTarget, _ report: AccessReport
    ) -> Refusal {
        let why =
            report.reasons.isEmpty
            ? "no policy permits it" : "\(report.reasons.joined(separator: ", ")) forbids it"
        let errors = report.errors.isEmpty ? "" : " (\(report.errors.joined(separator: "; ")))"
        return Refusal(
            .denied,
            "\(call.requester.principal) may not \(verb.rawValue) \(target.reference): \(why)\(errors); "
                + "whoever has the role security or admin can say who may; more: "
                + "skerry auth why \(call.id)")
    }

    /// Throws when who has an answer that goes on may have it no longer: the token ended, or a role.
    func checkStanding(
        of call: Call, _ needs: [(verb: Verb, target: AccessTarget)]
    ) async throws {
        if let refusal = await backend.objection(to: call.requester) { throw refusal }
        for (verb, target) in needs {
            let report = await backend.access(of: call.requester, verb, target)
            guard report.isAllowed else {
                await note(verb, target, report, of: call)
                try await record(verb, target, report, of: call, "in the middle of an answer")
                throw self.refusal(of: call, verb, target, report)
            }
        }
    }

    /// What a route needs before it is answered. What it says of objects in its body, or of which there
    /// are many, it checks itself.
    func checkAccess(_ access: Route.Access, of call: Call) async throws {
        switch access {
        case .status: try await permit(.status, .fleet, to: call)
        case .fleet(let verb): try await permit(verb, .fleet, to: call)
        case .site(let verb):
            let site = SiteID(call.parameters["site"] ?? "")
            try await permit(verb, AccessTarget(.site, site.text, sites: [site]), to: call)
        case .object(let verb):
            try await permit(
                verb, try await target(try call.kind, call.name, for: verb), to: call)
        case .body: break
        }
    }

    /// Where an object is. One that is not there is nowhere, so that only who may everywhere hears so.
    func target(
        _ kind: Kind, _ name: String, for verb: Verb? = nil
    ) async throws -> AccessTarget {
        guard let object = await find(kind, name) else { return AccessTarget(kind, name) }
        var target = AccessTarget(object, place: await places(for: kind))
        // Only for what could lose something: it takes a look at all instances.
        if kind == .node, verb == .delete { target.keepsData = await keepsData(NodeID(name)) }
        return target
    }

    /// Whether something runs on a node, or is meant to, that writes there.
    private func keepsData(_ node: NodeID) async -> Bool {
        var writing: Set<WorkloadID> = []
        for case .workload(let workload) in await backend.list(.workload).items
        where !AccessTarget.Demands(workload.spec.containers).writableMounts.isEmpty {
            writing.insert(workload.id)
        }
        return await backend.list(.instance).items.contains { object in
            guard case .instance(let instance) = object else { return false }
            return instance.status.node == node && writing.contains(instance.status.id.workload)
        }
    }

    /// The sites of nodes, where a kind needs them to be placed.
    private func places(for kind: Kind) async -> (NodeID) -> SiteID? {
        guard kind == .instance else { return { _ in nil } }
        var sites: [String: SiteID] = [:]
        for case .node(let node) in await backend.list(.node).items {
            sites[node.metadata.name] = node.spec.site
        }
        return { sites[$0.text] }
    }

    /// A list without what whoever asks may not see. Throws where that leaves nothing of something.
    func visible(_ list: ObjectList, _ kind: Kind, to call: Call) async throws -> ObjectList {
        let whole = await backend.access(of: call.requester, .get, .fleet)
        await note(.get, .fleet, whole, of: call)
        if whole.isAllowed { return list }
        let place = await places(for: kind)
        var visible = list
        visible.items = []
        for object in list.items {
            let target = AccessTarget(object, place: place)
            if await backend.access(of: call.requester, .get, target).isAllowed {
                visible.items.append(object)
            }
        }
        if visible.items.isEmpty {
            try await record(.get, .fleet, whole, of: call)
            throw refusal(of: call, .get, .fleet, whole)
        }
        return visible
    }

    /// Both what an object becomes and what it is there: nobody moves to their own site what is not.
    ///
    /// - Returns: what now waits for another person's yes; nil where it may be done.
    func permitApply(
        _ objects: [Object], isTrial: Bool, to call: Call
    ) async throws -> Approval? {
        var held: [Kind: (objects: [String: Object], place: (NodeID) -> SiteID?)] = [:]
        var waiting: (wish: ApprovalWish, report: AccessReport)?
        for object in objects {
            if held[object.kind] == nil {
                held[object.kind] = (
                    await objectsByName(object.kind), await places(for: object.kind)
                )
            }
            let place = held[object.kind]?.place ?? { _ in nil }
            let known = held[object.kind]?.objects[object.metadata.name]
            for side in [object, known].compactMap({ $0 }) {
                var target = AccessTarget(side, place: side == object ? { _ in nil } : place)
                target.isGrave = known.map { $0.losesData(becoming: object) } ?? false
                // What only says what would change loses nothing.
                target.isApproved = isTrial
                let report = await backend.access(of: call.requester, .apply, target)
                guard report.lacksApproval else {
                    try await permit(.apply, target, report, to: call)
                    continue
                }
                waiting =
                    waiting
                    ?? (
                        ApprovalWish(
                            .apply, target, act: .apply(object), reasons: report.reasons), report
                    )
            }
        }
        guard let waiting else { return nil }
        guard objects.count == 1 else {
            throw Refusal(
                .conflict,
                "\(waiting.wish.target.reference) waits for another person's yes "
                    + "(\(waiting.wish.reasons.joined(separator: ", "))), so nothing was applied; apply "
                    + "it alone, and everything else without it")
        }
        return try await ask(waiting.wish, waiting.report, to: call)
    }

    private func objectsByName(_ kind: Kind) async -> [String: Object] {
        Dictionary(
            await backend.list(kind).items.map { ($0.metadata.name, $0) }
        ) { first, _ in first }
    }
}

extension Object {
    fileprivate func losesData(becoming next: Object) -> Bool {
        guard case .workload(let held) = self, case .workload(let workload) = next else {
            return false
        }
        return held.spec.losesData(becoming: workload.spec)
    }
}
