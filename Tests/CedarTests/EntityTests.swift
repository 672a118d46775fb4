import Cedar
import Testing

@Suite struct EntityTests {
    func fault(_ json: String, limits: Limits = .production) -> String? {
        do {
            let entities = try Entity.read(json: bytes(json), limits: limits)
            _ = try Authoriser([], entities: entities, limits: limits)
            return nil
        } catch {
            return error.description
        }
    }

    @Test func `entities are read with their escapes`() throws {
        let entities = try Entity.read(
            json: bytes(
                #"""
                [{"uid": {"type": "A::User", "id": "\ud83d\ude42\n"}, "attrs": {
                    "boss": {"__entity": {"type": "A::User", "id": "b"}},
                    "net": {"__extn": {"fn": "ip", "arg": "::1"}},
                    "at": {"__extn": {"fn": "offset", "args": [
                        {"__extn": {"fn": "datetime", "arg": "1970-01-01"}},
                        {"__extn": {"fn": "duration", "arg": "1s"}}]}},
                    "list": [1, -9223372036854775808, true, {"x": "y"}]},
                  "tags": {"t": "v"}, "parents": [{"type": "G", "id": "g"},
                    {"__entity": {"type": "G", "id": "h"}}]}]
                """#))
        let entity = try #require(entities.first)
        #expect(entity.uid == uid("A::User", "🙂\n"))
        #expect(entity.parents == [uid("G", "g"), uid("G", "h")])
        #expect(entity.tags == ["t": .string("v")])
        #expect(entity.attributes["boss"] == .entity(uid("A::User", "b")))
        #expect(
            entity.attributes["list"]
                == .set([.long(1), .long(.min), .bool(true), .record(["x": .string("y")])]))
        #expect(
            try holds(
                #"A::User::"🙂\n".at == datetime("1970-01-01T00:00:01Z")"#, entities: entities)
                == true)
    }

    @Test(arguments: [
        "", "{}", "[1]", "[", "[{}]", "[]]", "[,]", "nul", "[{\"uid\": 1}]",
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": null}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": 1.5}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": 1e3}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": 9223372036854775808}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": 01}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": 1, "x": 1}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": {"y": 1, "\u0079": 2}}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": "\ud800"}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": "\q"}}]"#,
        "[{\"uid\": {\"type\": \"U\", \"id\": \"a\tb\"}}]",
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": {"__extn": {"fn": "ip", "arg": "x"}}}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": {"__extn": {"fn": "no", "arg": "x"}}}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": {"__entity": {"type": "U"}}}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": {"__expr": "1"}}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "other": 1}]"#,
        #"[{"uid": {"type": "U ", "id": "a"}}]"#, #"[{"uid": {"type": "a::", "id": "a"}}]"#,
        #"[{"uid": {"type": "a::if", "id": "a"}}]"#, #"[{"uid": {"type": "", "id": "a"}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}}, {"uid": {"type": "U", "id": "a"}}]"#,
        #"[{"uid": {"type": "U", "id": "a"}, "parents": [{"type": "U", "id": "a"}]}]"#,
    ])
    func `refused`(json: String) {
        #expect(fault(json) != nil)
    }

    @Test func `the fault says where it is`() {
        #expect(
            fault(#"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": {"y": [1.5]}}}]"#)
                == "entities[0].attrs.x.y: numbers are integers of 64 bits")
        #expect(
            fault("[\n  {\"uid\"; 1}]") == "2:9: expected ':'")
    }

    @Test func `groups that contain each other are refused by name`() {
        func entity(_ id: Text, in parents: [Text]) -> Entity {
            Entity(uid("G", id), parents: parents.map { uid("G", $0) })
        }
        let entities = [
            entity("below", in: ["a"]), entity("a", in: ["b"]), entity("b", in: ["c"]),
            entity("c", in: ["a", "top"]), entity("top", in: []),
        ]
        #expect {
            try Authoriser([], entities: entities)
        } throws: { error in
            guard case .cycle(let uid) = error as? EntityFault else { return false }
            return ["a", "b", "c"].contains(uid.id)
        }
    }

    @Test func `a chain of groups needs memory and no stack, within the limit`() throws {
        func chain(_ length: Int) -> [Entity] {
            (0..<length).map {
                Entity(uid("G", Text("\($0)")), parents: [uid("G", Text("\($0 + 1)"))])
            }
        }
        #expect(try holds(#"G::"0" in G::"2000""#, entities: chain(2000)) == true)
        var limits = Limits.production
        limits.ancestors = 1_000_000
        #expect(throws: EntityFault.tooMany("ancestors of entities", limit: 1_000_000)) {
            try Authoriser([], entities: chain(2000), limits: limits)
        }
    }

    @Test func `texts beyond the limits are refused`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(fault(deep) == "1:65: values nest more than 64 deep")
        #expect(fault("[" + String(repeating: " ", count: 5000) + "]", limits: .tight) != nil)
        let many = (0..<17).map { #"{"uid":{"type":"U","id":"\#($0)"}}"# }.joined(separator: ",")
        #expect(fault("[\(many)]", limits: .tight) == "more than 16 entities")
        let values = String(repeating: "1,", count: 300) + "1"
        #expect(
            fault(#"[{"uid":{"type":"U","id":"u"},"attrs":{"x":[\#(values)]}}]"#, limits: .tight)?
                .hasSuffix("more than 256 values") == true)
    }
}
