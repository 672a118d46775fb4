import Foundation
import Model
import Testing

@Suite(.timeLimit(.minutes(1))) struct SelectorTests {
    @Test(
        arguments: [
            ("", ["a", "b", "c"]), ("zone=x", ["a"]), ("zone==x", ["a"]), ("zone!=x", ["b", "c"]),
            ("zone", ["a", "b"]), ("!zone", ["c"]), ("zone,gpu", ["b"]),
            (" zone = y , gpu ", ["b"]),
            ("zone=", []), ("gpu=", ["b"]),
        ])
    func `a selector lists what carries the labels`(selector: String, names: [String]) async throws
    {
        let fleet = Fleet([
            node("a", labels: ["zone": "x"]), node("b", labels: ["zone": "y", "gpu": ""]),
            node("c"),
        ])
        try await withSocket(fleet) { client in
            let query = selector.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let answer = try await client.get("/api/v1/nodes?labelSelector=\(query)")
            let list = try answer.decoded(ObjectList.self)
            #expect(list.items.map(\.metadata.name) == names)
        }
    }

    @Test(
        arguments: [
            ("node=a", ["a"]), ("node!=a,site", ["b"]), ("site=rural", ["a", "b"]),
            ("site=label", []),
        ])
    func `where an object belongs can be selected, whatever its labels say`(
        selector: String, names: [String]
    ) async throws {
        let fleet = Fleet([node("a", labels: ["site": "label"]), node("b")])
        try await withSocket(fleet) { client in
            let query = selector.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let answer = try await client.get("/api/v1/nodes?labelSelector=\(query)")
            let list = try answer.decoded(ObjectList.self)
            #expect(list.items.map(\.metadata.name) == names)
        }
    }

    @Test(arguments: ["=x", "a=b=c", "a!b", "!", "a in (b)"])
    func `a selector that cannot be read is refused with the part`(selector: String) async throws {
        try await withSocket(Fleet()) { client in
            let query = selector.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
            let answer = try await client.get("/api/v1/nodes?labelSelector=\(query)")
            #expect(answer.status == 400)
            #expect(try answer.decoded(Refusal.self).message.contains("'\(selector)'"))
        }
    }
}
