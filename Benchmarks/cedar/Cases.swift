import Cedar

/// Cases of Cedar's own corpus, one a line: policies, entities and requests with what Cedar answers.
struct Cases {
    struct Tally {
        var cases = 0
        var equalCases = 0
        var requests = 0
        var equalRequests = 0
    }

    private(set) var all = Tally()
    private(set) var hard = Tally()
    /// Requests that are allowed here and denied by Cedar.
    private(set) var wronglyAllowed = 0
    /// The first few that differ.
    private(set) var differences: [String] = []

    mutating func judge(line: String) {
        let json: JSON
        do {
            json = try JSON(Array(line.utf8))
        } catch {
            note("unreadable line: \(error)")
            all.cases += 1
            return
        }
        let isHard = json["hard"] == .bool(true)
        let requests = json["requests"]?.elements ?? []
        let equal = judge(json, requests)
        let areAllEqual = equal == requests.count && !requests.isEmpty
        all.add(requests.count, equal: equal, areAllEqual)
        if isHard { hard.add(requests.count, equal: equal, areAllEqual) }
    }

    /// How many requests of one case are answered as Cedar does.
    private mutating func judge(_ json: JSON, _ requests: [JSON]) -> Int {
        let name = json["id"]?.text ?? "?"
        do {
            let policies = try PolicyText(json["policies"]?.text ?? "")
            let entities = try Entity.read(json: json["entities"] ?? .null)
            let authoriser = try Authoriser(policies.statements, entities: entities)
            var equal = 0
            for (index, request) in requests.enumerated() {
                if try judge(request, by: authoriser, "\(name)[\(index)]") { equal += 1 }
            }
            return equal
        } catch {
            note("\(name): \(error)")
            return 0
        }
    }

    private mutating func judge(
        _ json: JSON, by authoriser: Authoriser, _ name: String
    ) throws -> Bool {
        let request = Request(
            principal: json["principal"].uid, action: json["action"].uid,
            resource: json["resource"].uid,
            context: try Value.readContext(json: json["context"] ?? .null))
        let ruling = authoriser.decide(request)
        let shouldAllow = json["decision"]?.text == "allow"
        if ruling.isAllowed && !shouldAllow { wronglyAllowed += 1 }
        let isEqual =
            ruling.isAllowed == shouldAllow && ruling.fault == nil
            && Set(ruling.reasons.map(\.string)) == json["reason"].strings
            && Set(ruling.errors.map(\.policy.string)) == json["errors"].strings
        if !isEqual { note("\(name): \(ruling)") }
        return isEqual
    }

    private mutating func note(_ difference: String) {
        if differences.count < 20 { differences.append(difference) }
    }
}

extension Cases.Tally {
    fileprivate mutating func add(_ requests: Int, equal: Int, _ areAllEqual: Bool) {
        cases += 1
        if areAllEqual { equalCases += 1 }
        self.requests += requests
        equalRequests += equal
    }

    var line: String {
        "\(equalCases) of \(cases) cases, \(equalRequests) of \(requests) requests"
    }
}

extension JSON {
    fileprivate var text: String? {
        guard case .string(let text) = self else { return nil }
        return text.string
    }

    fileprivate var elements: [JSON] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }
}

extension JSON? {
    fileprivate var strings: Set<String> { Set((self?.elements ?? []).compactMap(\.text)) }

    fileprivate var uid: EntityUID {
        EntityUID(
            type: Text(self?["type"]?.text ?? ""), id: Text(self?["id"]?.text ?? ""))
    }
}
