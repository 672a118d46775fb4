/// That somebody asked for something, and what was said.
package struct AccessRecord: Hashable, Codable, Sendable {
    /// Names the request in whose course it was decided: 16 hexadecimal digits, also in the answer's
    /// header `X-Request-Id`.
    package var request: String
    package var at: WallTime
    /// The name of a user, or `console`.
    package var who: String
    /// `certificate`, `token` or `socket`.
    package var credential: String
    package var verb: Verb
    /// `Workload/shop`, or `the fleet`.
    package var target: String
    package var report: AccessReport

    package init(
        request: String, at: WallTime, requester: Requester, verb: Verb, target: AccessTarget,
        report: AccessReport
    ) {
        self.request = request
        self.at = at
        who = requester.name
        credential = requester.credential.word
        self.verb = verb
        self.target = target.reference
        self.report = report
    }
}

/// One policy that decided something: what it says, and where that is written.
package struct PolicyExcerpt: Hashable, Codable, Sendable {
    /// As reasons name it.
    package var id: String
    /// `policy staff@3, spec.cedar line 4`.
    package var place: String
    package var text: String

    package init(id: String, place: String, text: String) {
        self.id = id
        self.place = place
        self.text = text
    }
}

/// What was decided in the course of one request, with the policies that did.
package struct AccessExplanation: Hashable, Codable, Sendable {
    package var items: [AccessRecord]
    package var excerpts: [PolicyExcerpt]

    package init(items: [AccessRecord], excerpts: [PolicyExcerpt]) {
        self.items = items
        self.excerpts = excerpts
    }
}

/// What one user may do, with the fleet as a whole, at each site and with policies.
package struct Rights: Hashable, Codable, Sendable {
    package struct Right: Hashable, Codable, Sendable {
        package var verb: Verb
        /// `Site/rural`, `Policy`, or `the fleet`.
        package var target: String
        package var isAllowed: Bool
        package var reasons: [String]

        package init(verb: Verb, target: String, isAllowed: Bool, reasons: [String]) {
            self.verb = verb
            self.target = target
            self.isAllowed = isAllowed
            self.reasons = reasons
        }
    }

    package var who: String
    package var items: [Right]
    package var policies: [PolicyReference]

    package init(who: String, items: [Right], policies: [PolicyReference]) {
        self.who = who
        self.items = items
        self.policies = policies
    }
}
