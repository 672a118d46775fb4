import Foundation
import Management
import Model
import NIOHTTP1
import Testing

@Suite(.timeLimit(.minutes(1))) struct ServiceRouteTests {
    private func asking(_ body: @escaping @Sendable (Client) async throws -> Void) async throws {
        try await withDirectory { directory in
            let path = directory + "/s"
            try await serving(
                Fleet([node("n1")]), on: .unixSocket(path: path), limits: .services,
                surface: .services
            ) { _ in
                try await withClient(base: unixBase(path)) { try await body($0) }
            }
        }
    }

    @Test func `a service hears whether a request may be, and by which policy`() async throws {
        try await asking { client in
            for (method, isAllowed) in [("GET", true), ("PUT", false)] {
                let answer = try await client.send(
                    .POST, "/v1/authorize",
                    """
                    {"principal": "workload/till", "resource": "workload/prices",
                     "context": {"method": "\(method)", "n": 1, "deep": {"list": [true, "x"]}}}
                    """)
                #expect(answer.status == 200)
                let report = try answer.decoded(AccessReport.self)
                #expect(report.isAllowed == isAllowed)
                #expect(report.reasons == (isAllowed ? ["test/get"] : []))
            }
        }
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"principal": "till", "resource": "workload/x"}"#,
        #"{"principal": "king/till", "resource": "workload/x"}"#,
        #"{"principal": "workload/till", "resource": "x"}"#,
        #"{"principal": "workload/till", "resource": "thing/x"}"#,
        #"{"principal": "workload/../x", "resource": "workload/x"}"#,
        #"{"principal": "workload/till", "resource": "workload/x", "action": "fly"}"#,
        #"{"principal": "workload/till", "resource": "workload/x", "context": {"a": 1.5}}"#,
    ])
    func `a question that makes no sense is refused, and not answered with yes`(
        body: String
    ) async throws {
        try await asking { client in
            let answer = try await client.send(.POST, "/v1/authorize", body)
            #expect(answer.status == 400 || answer.status == 422)
        }
    }

    @Test func `nothing of the console can be asked there`() async throws {
        try await asking { client in
            for path in ["/", "/api/v1/nodes", "/metrics", "/api/v1/info", "/api/v1/glass"] {
                let answer = try await client.get(path)
                #expect(answer.status == 404, "\(path)")
            }
        }
    }
}
