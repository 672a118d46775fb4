import Foundation
import Testing

extension EndToEndTests {
    @Test func `two nodes of a site get the same keys from their hub, and a third has others`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            for node in ["node-1", "node-2", "node-3"] { try await stage.openAgent(node) }
            // A node's word on a peer: day and key, without the peer's name.
            func keys(of node: String, with peer: String) throws -> Set<String> {
                let file = stage.directory + "/" + node + "/identity/pair.keys"
                guard FileManager.default.fileExists(atPath: file) else { return [] }
                let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
                return Set(
                    lines.filter { $0.hasPrefix(peer + " ") }.map {
                        String($0.dropFirst(peer.count))
                    })
            }
            try await eventually("all pairs to have their keys") {
                for (one, other) in [(1, 2), (1, 3), (2, 3)] {
                    let there = try keys(of: "node-\(one)", with: "node-\(other)")
                    guard there.count == 4,
                        try keys(of: "node-\(other)", with: "node-\(one)") == there
                    else { return false }
                }
                return true
            }
            let pairs = [
                try keys(of: "node-1", with: "node-2"), try keys(of: "node-1", with: "node-3"),
                try keys(of: "node-2", with: "node-3"),
            ]
            #expect(pairs[0].union(pairs[1]).union(pairs[2]).count == 12)
            // A deletion takes the keys with that node away from the others.
            #expect(try await stage.skerry("delete node node-3").code == 0)
            try await eventually("the others to forget it") {
                try keys(of: "node-1", with: "node-3").isEmpty
                    && keys(of: "node-2", with: "node-3").isEmpty
            }
            #expect(try keys(of: "node-1", with: "node-2") == pairs[0])
        }
    }
}
