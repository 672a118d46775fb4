import Hummingbird
import Model

/// What services on a node may ask it: whether a request that they got may be. A socket of its own: it
/// answers this and changes nothing, so more of those on the node may be let near it than to the console.
extension Interface {
    static let services: [Route] = [
        Route(
            method: .post, path: "/v1/authorize",
            summary:
                "Whether one workload, node or user may do something with another, by the policies"
                + " of this node.", access: .status, body: .json(.named("ServiceQuestion")),
            success: (200, [.json(.named("AccessReport"))]), refusals: [413, 422],
            respond: { try await $0.decide($1) }),
        Route(
            method: .get, path: "/healthz", summary: "Whether the process answers.",
            access: .status,
            success: (200, [.text("text/plain")]), respond: { _, _ in .text("ok\n") }),
        Route(
            method: .get, path: "/openapi.json", summary: "This document.", access: .status,
            success: (200, [.json(.object)]),
            respond: { interface, _ in
                let info = await interface.backend.info()
                return try .json(openAPIDocument(of: services, version: info.version))
            }),
    ]

    private func decide(_ call: Call) async throws -> Response {
        let question = try await read(ServiceQuestion.self, from: call)
        return try .json(try await backend.decide(question))
    }
}
