import Cedar

/// Breaks policies and entity files in drawn ways and reads, lints and decides what comes out.
///
/// There is nothing to compare with: what is looked for is a crash, a hang, and an allowed request where
/// a decision had a fault.
package struct Fuzz: Sendable {
    private var chance: Chance
    /// Pairs of a policy text and an entity file that were refused by neither reader.
    package private(set) var readable = 0
    package private(set) var decided = 0

    package init(seed: UInt64) { chance = Chance(state: seed) }

    package mutating func run(_ runs: Int) {
        for _ in 0..<runs { once() }
    }

    private mutating func once() {
        let policies = broken(Seeds.policies)
        let entities = broken(Seeds.entities)
        // A small limit is reached often, a large one seldom.
        let limits = chance.below(4) == 0 ? Limits.tight : Limits.production
        do {
            let text = try PolicyText(String(decoding: policies, as: UTF8.self), limits: limits)
            _ = text.lint(Seeds.vocabulary)
            var known: [Entity] = []
            do {
                known = try Entity.read(json: entities, limits: limits)
            } catch {
                // The policies are decided without entities then.
                precondition(!error.description.isEmpty, "a refusal without a word")
            }
            try decide(text.statements, known, limits)
        } catch {
            precondition(!"\(error)".isEmpty, "a refusal without a word")
        }
    }

    private mutating func decide(
        _ statements: [Statement], _ entities: [Entity], _ limits: Limits
    ) throws {
        let authoriser = try Authoriser(statements, entities: entities, limits: limits)
        readable += 1
        for request in Seeds.requests {
            let ruling = authoriser.decide(request)
            precondition(ruling.fault == nil || !ruling.isAllowed, "allowed with a fault")
            decided += 1
        }
    }

    private mutating func broken(_ seeds: [String]) -> [UInt8] {
        var bytes = Array(seeds[chance.below(seeds.count)].utf8)
        for _ in 0..<chance.below(6) { change(&bytes, seeds) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], _ seeds: [String]) {
        let place = chance.below(bytes.count + 1)
        let end = min(bytes.count, place + chance.below(24))
        switch chance.below(7) {
        case 0: bytes.removeSubrange(place..<end)
        case 1: bytes.insert(UInt8(chance.below(256)), at: place)
        case 2:
            bytes.insert(contentsOf: Seeds.words[chance.below(Seeds.words.count)].utf8, at: place)
        case 3:
            let part = Array(bytes[place..<end])
            for _ in 0..<(1 << chance.below(9)) { bytes.insert(contentsOf: part, at: place) }
        case 4 where place < bytes.count: bytes[place] ^= 1 << UInt8(chance.below(8))
        case 5:
            let other = Array(seeds[chance.below(seeds.count)].utf8)
            let start = chance.below(other.count)
            bytes.replaceSubrange(place..<end, with: other[start...].prefix(chance.below(60)))
        default: bytes.swapAt(chance.below(bytes.count), min(place, bytes.count - 1))
        }
        if bytes.isEmpty { bytes = [0x3B] }
    }
}

/// Numbers from a seed (SplitMix64, Steele and others 2014).
private struct Chance {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ mixed >> 31) % UInt64(max(1, limit)))
    }
}

private enum Seeds {
    static let policies = [
        #"permit(principal in Role::"operator", action in [Action::"get", Action::"list"], resource);"#,
        #"@id("x") forbid(principal is User in Role::"a", action == Action::"get", resource is W) when { resource.tier == 1 && context.offline };"#,
        #"permit(principal, action, resource) unless { principal has a.b.c || resource["x y"] like "a*\*b\u{1F642}" };"#,
        #"permit(principal, action, resource) when { if [1, -2, 3 * 4].contains(5 + 6 - 7) then {a: "b", "c d": [ ]}.a == "b" else !!(1 <= 2) };"#,
        #"permit(principal, action, resource) when { ip("10.0.0.1/8").isInRange(ip("::1")) || decimal("1.5").lessThan(decimal("-2.25")) };"#,
        #"permit(principal, action, resource) when { datetime("2024-01-01T00:00:00.000+0100").offset(duration("-1d2h3m4s5ms")).toDate() < context.now };"#,
        #"permit(principal, action, resource) when { principal.getTag("t") == resource || action.hasTag("u") || [[], {}].containsAny([User::"ann"]) };"#,
        #"forbid(principal, action, resource) when { principal in [Role::"a", User::"ann"] && context == {"a": {"b": [true]}} && resource is W in Role::"z" };"#,
    ]

    static let entities = [
        #"[{"uid":{"type":"User","id":"ann"},"attrs":{"a":{"b":{"c":[1,true,"x"]}},"n":-9223372036854775808},"parents":[{"type":"Role","id":"operator"}],"tags":{"t":"v"}}]"#,
        #"[{"uid":{"__entity":{"type":"W","id":"w1"}},"attrs":{"tier":1,"x y":"a*b","ip":{"__extn":{"fn":"ip","arg":"::1/64"}},"who":{"__entity":{"type":"User","id":"ann"}}},"parents":[]},{"uid":{"type":"Role","id":"a"}}]"#,
        #"[{"uid":{"type":"G","id":"1"},"parents":[{"type":"G","id":"2"}]},{"uid":{"type":"G","id":"2"},"parents":[{"type":"G","id":"3"}]},{"uid":{"type":"G","id":"\ud83d\ude42"},"attrs":{"d":{"__extn":{"fn":"offset","args":[{"__extn":{"fn":"datetime","arg":"1970-01-01"}},{"__extn":{"fn":"duration","arg":"1ms"}}]}}}}]"#,
    ]

    static let words = [
        "(", ")", "[", "]", "{", "}", ";", "::", "\"", "\\", "//", "\n", "&&", "||", "==", "in ",
        "is ", "has ", "like ", "if ", " then ", " else ", "principal", "context.", "-", "!",
        "9223372036854775807", "9223372036854775808", ".isEmpty()", ".contains(", "\\u{", "?x", "@",
        "\\ud800", "é", "🙂", "\0", "1e9", "null", "__entity", "__extn", ",", ":", "*",
    ]

    static let vocabulary = Vocabulary(
        types: ["User": ["a", "n"], "W": ["tier"], "Role": []],
        actions: [EntityUID(type: "Action", id: "get")], context: ["offline"])

    static let requests: [Request] = ["get", "other"].map { action in
        Request(
            principal: EntityUID(type: "User", id: "ann"),
            action: EntityUID(type: "Action", id: Text(action)),
            resource: EntityUID(type: "W", id: "w1"),
            context: [
                "offline": .bool(true), "now": .call(.datetime, [.string("2024-01-01")]),
                "a": .record(["b": .set([.bool(true), .entity(EntityUID(type: "W", id: "w2"))])]),
            ])
    }
}
