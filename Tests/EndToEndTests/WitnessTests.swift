import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1
import Testing

/// Neighbours hold where a node's audit log stood, so that it cannot go back while no hub looks.
extension EndToEndTests {
    @Test
    func `a node that is put back to an old copy is told so by its neighbours, without a hub`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            for node in ["node-1", "node-2"] { try await stage.openAgent(node) }
            let state = stage.directory + "/node-1"
            try await stage.agents["node-1"]?.crash()
            try FileManager.default.copyItem(atPath: state, toPath: state + ".old")
            try await stage.startAgent("node-1")
            try await stage.ready("node/node-1")

            // As many as make a checkpoint that is kept, and so told.
            try await stage.refuse(300, at: "node-1")
            try await eventually("a neighbour to hold the log") {
                let verdict = try await stage.verdict(on: "node-1")
                return verdict.fault == nil && verdict.neighbours?["node-2"] ?? 0 > 250
            }
            try await stage.hub?.crash()
            try await stage.agents["node-1"]?.crash()
            try FileManager.default.moveItem(atPath: state, toPath: state + ".new")
            try FileManager.default.moveItem(atPath: state + ".old", toPath: state)
            try await stage.startAgent("node-1")
            try await eventually("the neighbour's word to come") {
                try await stage.verdict(on: "node-1").fault != nil
            }
            let answer = try await stage.skerry("audit verify", on: "node-1")
            #expect(answer.code == 1 && answer.remarks.contains("truncated"), "\(answer.remarks)")
            // By themselves the records are whole.
            try await stage.agents["node-1"]?.crash()
            #expect(try await stage.skerry("audit verify --state \(state)").code == 0)
        }
    }
}

extension Stage {
    fileprivate func verdict(on node: String) async throws -> AuditVerdict {
        let answer = try await skerry("audit verify -o json", on: node)
        return try JSONDecoder().decode(AuditVerdict.self, from: Data(answer.text.utf8))
    }

    /// Asks a node for what is not its to decide, so often.
    fileprivate func refuse(_ count: Int, at node: String) async throws {
        let http = HTTPClient(eventLoopGroupProvider: .singleton)
        let base =
            "http+unix://"
            + "\(directory)/\(node).sock".replacingOccurrences(of: "/", with: "%2F")
        for number in 0..<count {
            var request = HTTPClientRequest(url: base + "/api/v1/workloads/none-\(number)")
            request.method = .DELETE
            let response = try await http.execute(request, timeout: .seconds(30))
            _ = try await response.body.collect(upTo: 1 << 16)
        }
        try await http.shutdown()
    }
}
