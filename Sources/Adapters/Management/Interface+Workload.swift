import Hummingbird
package import Model

/// Says who the workload is whose socket it is.
package typealias IdentitySource = @Sendable () async throws(Refusal) -> WorkloadCredential

/// What one container may ask on a socket that it alone is shown: who it is. Nobody is asked who is at the
/// other end, since whoever can open that socket could read the same in the files beside it.
extension Interface {
    static func workload(_ source: @escaping IdentitySource) -> [Route] {
        let identity = Route(
            method: .get, path: "/v1/identity",
            summary:
                "The certificate of this workload, its key, and the roots that it shall trust.",
            access: .status, success: (200, [.json(.named("WorkloadCredential"))]),
            refusals: [503], respond: { _, _ in try .json(try await source()) })
        let health = Route(
            method: .get, path: "/healthz", summary: "Whether the process answers.",
            access: .status, success: (200, [.text("text/plain")]),
            respond: { _, _ in .text("ok\n") })
        return [
            identity, health,
            Route(
                method: .get, path: "/openapi.json", summary: "This document.", access: .status,
                success: (200, [.json(.object)]),
                respond: { interface, _ in
                    let info = await interface.backend.info()
                    return try .json(
                        openAPIDocument(of: [identity, health], version: info.version))
                }),
        ]
    }
}
