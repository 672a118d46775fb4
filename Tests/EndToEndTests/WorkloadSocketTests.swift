import AsyncHTTPClient
import Foundation
import Glibc
import Model
import NIOCore
import NIOHTTP1
import Testing

extension EndToEndTests {
    @Test
    func `each workload is told on its own socket who it is, also after the agent died`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent("node-1")
            try await stage.apply(
                sleeper("shop", seconds: 86_397) + "\n---\n" + sleeper("till", seconds: 86_396))
            try await stage.ready("workload/shop")
            try await stage.ready("workload/till")
            let shop = try await stage.answer(to: "shop")
            let till = try await stage.answer(to: "till")
            #expect(shop.id == "spiffe://node-1.urban.skerry/wl/shop")
            #expect(till.id == "spiffe://node-1.urban.skerry/wl/till")
            #expect(shop.privateKey != till.privateKey)
            #expect(shop.trustBundle == till.trustBundle)
            #expect(shop.renewedAt < shop.expiresAt)

            let socket = try stage.socket(of: "shop")
            let directory = (socket as NSString).deletingLastPathComponent
            // The files beside it say the same.
            #expect(
                try String(contentsOfFile: directory + "/cert.pem", encoding: .utf8)
                    == shop.certificate)
            for path in ["/api/v1/nodes", "/v1/authorize", "/", "/v1/identity/till"] {
                #expect(try await ask(socket, path).status == 404, "\(path)")
            }
            #expect(try await ask(socket, "/v1/identity?name=till").status == 400)

            // An agent that was killed leaves the file of the socket behind.
            try await stage.agents["node-1"]?.crash()
            await #expect(throws: (any Error).self) { try await ask(socket, "/v1/identity") }
            try await stage.startAgent("node-1")
            try await eventually("the shop to be told again who it is") {
                try await stage.answer(to: "shop").id == shop.id
            }

            #expect(try await stage.skerry("delete workload shop").code == 0)
            try await eventually("the socket to be gone") {
                !FileManager.default.fileExists(atPath: socket)
            }
            #expect(try await stage.answer(to: "till").id == till.id)
        }
    }

}

extension Stage {
    /// Where the one process of a workload is told to ask.
    fileprivate func socket(of workload: String) throws -> String {
        let processes = try workloadProcesses().filter { $0.container.contains("/\(workload)") }
        guard processes.count == 1 else {
            throw Vain(description: "\(processes.count) processes of \(workload)")
        }
        let variables = FileManager.default.contents(atPath: "/proc/\(processes[0].id)/environ")
        let prefix = "SKERRY_IDENTITY_SOCKET="
        let words = (variables ?? Data()).split(separator: 0).map {
            String(decoding: $0, as: UTF8.self)
        }
        guard let word = words.first(where: { $0.hasPrefix(prefix) }) else {
            throw Vain(description: "\(workload) was told of no socket")
        }
        return String(word.dropFirst(prefix.count))
    }

    fileprivate func answer(to workload: String) async throws -> WorkloadCredential {
        let answer = try await ask(try socket(of: workload), "/v1/identity")
        guard answer.status == 200 else { throw Vain(description: "\(answer.status)") }
        return try JSONDecoder().decode(WorkloadCredential.self, from: answer.body)
    }
}

func ask(_ socket: String, _ path: String) async throws -> (status: UInt, body: Data) {
    let http = HTTPClient(eventLoopGroupProvider: .singleton)
    do {
        let base = "http+unix://" + socket.replacingOccurrences(of: "/", with: "%2F")
        let response = try await http.execute(
            HTTPClientRequest(url: base + path), timeout: .seconds(10))
        let body = try await response.body.collect(upTo: 1 << 20)
        try await http.shutdown()
        return (response.status.code, Data(body.readableBytesView))
    } catch {
        try await http.shutdown()
        throw error
    }
}
