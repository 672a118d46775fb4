import Hummingbird
import Model

extension Interface {
    static let identityRoutes: [Route] = [
        Route(
            method: .get, path: "/api/v1/certificates",
            summary: "Certificates of the hub and of nodes: whose, from whom, until when.",
            access: .fleet(.get), query: paging,
            success: (200, [.json(.named("CertificateList"))]), refusals: [409, 503],
            respond: { interface, call in
                try .json(
                    try interface.page(try await interface.backend.certificates(), for: call))
            }),
        Route(
            method: .get, path: "/api/v1/pending",
            summary: "Machines without a token that ask to become nodes.", access: .fleet(.get),
            query: paging,
            success: (200, [.json(.named("PendingList"))]), refusals: [403, 409],
            respond: { interface, call in
                try .json(try interface.page(try await interface.backend.pending(), for: call))
            }),
        Route(
            method: .post, path: "/api/v1/pending/{name}",
            summary: "Lets a machine that asks become a node, or not.", access: .body,
            body: .json(.named("PendingAnswer")),
            success: (200, [.json(.named("PendingNode"))]),
            refusals: [403, 404, 409, 413, 422, 503],
            respond: { try await $0.answerPending($1) }),
        Route(
            method: .get, path: "/api/v1/revocations",
            summary: "Which identities are no longer good.", access: .fleet(.get), query: paging,
            success: (200, [.json(.named("RevocationReport"))]), refusals: [409],
            respond: { interface, call in
                try .json(try interface.page(await interface.backend.revocations(), for: call))
            }),
        Route(
            method: .post, path: "/api/v1/revocations",
            summary: "Revokes identities of nodes and users. More than a share of the fleet at once"
                + " needs a second key, and a second person where there is one.", access: .body,
            body: .json(.named("RevocationRequest")),
            success: (200, [.json(.named("RevocationReport"))]),
            waits: .json(.named("Approval")),
            refusals: [403, 404, 409, 413, 422, 503],
            respond: { try await $0.revoke($1) }),
        Route(
            method: .post, path: "/api/v1/roots/retire",
            summary:
                "Accepts nothing below earlier roots any more; takes a second person where there"
                + " is one.", access: .body,
            success: (204, []), waits: .json(.named("Approval")), refusals: [403, 409, 503],
            respond: { interface, call in
                var target = AccessTarget.fleet
                target.isGrave = true
                if let waiting = try await interface.permitOrAsk(
                    .revoke, target, doing: .retireRoots, to: call)
                {
                    return try .json(waiting, status: .accepted)
                }
                try await interface.backend.retireRoots()
                return Response(status: .noContent)
            }),
    ]

    private func answerPending(_ call: Call) async throws -> Response {
        let answer = try await read(PendingAnswer.self, from: call)
        let node = NodeID(call.name)
        // Whoever answers must be able to make nodes where this one is to be; where nothing of that
        // name asks, nobody who may not do so anywhere hears it.
        let asking = try await backend.pending().items.filter { $0.node == node }
        let sites = Set(asking.map(\.site) + (answer.site.map { [$0] } ?? []))
        guard !sites.isEmpty else {
            try await permit(.enrol, .fleet, to: call)
            throw Refusal(.notFound, "no machine asks to be node '\(node)'")
        }
        for site in sites.sorted() {
            try await permit(.enrol, AccessTarget(.site, site.text, sites: [site]), to: call)
        }
        return try .json(try await backend.answer(node, answer, by: call.requester.principal))
    }

    private func revoke(_ call: Call) async throws -> Response {
        let request = try await read(RevocationRequest.self, from: call)
        var sites: Set<[SiteID]> = []
        for subject in request.subjects.prefix(limits.eventsMax) {
            let parts = subject.split(separator: "/", omittingEmptySubsequences: false)
            let wanted =
                parts.count == 2 && parts[0] == "node"
                ? try await target(.node, String(parts[1])) : AccessTarget.fleet
            sites.insert(wanted.sites)
            try await permit(.revoke, wanted, to: call)
        }
        // With a second key more goes than one hand may, so it takes a second person besides.
        if request.warrant != nil {
            var target = AccessTarget.fleet
            if sites.count == 1, let site = sites.first?.first {
                target = AccessTarget(.site, site.text, sites: [site])
            }
            target.isGrave = true
            if let waiting = try await permitOrAsk(
                .revoke, target, doing: .revoke(request), to: call)
            {
                return try .json(waiting, status: .accepted)
            }
        }
        return try .json(try await backend.revoke(request, by: call.requester.principal))
    }
}
