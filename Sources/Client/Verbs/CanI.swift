import Model

/// Asks whether somebody may do something, and which policies say so. Ends with `denied` where not.
package struct CanI: Sendable {
    private let verb: Verb
    private let target: String?
    private let user: String?
    private let format: Format

    package init(
        _ verb: String, _ target: String?, as user: String?, format: Format
    ) throws(Failure) {
        guard let verb = Verb(rawValue: verb) else {
            let verbs = Verb.allCases.map(\.rawValue).joined(separator: ", ")
            throw Failure(.usage, "there is no action '\(verb)': the actions are \(verbs)")
        }
        self.verb = verb
        self.target = target
        self.user = user
        self.format = format
    }

    package func run(in session: Session) async throws {
        let report = try await session.connection.access(verb, target, as: user)
        let console = session.console
        switch format {
        case .json: try console.sayJSON(report)
        case .yaml, .name, .wide:
            throw Failure(.usage, "the answer is shown as a sentence or as json")
        case .table: try console.say(visible(sentence(report)))
        }
        guard report.isAllowed else { throw Failure(.denied, "not permitted") }
    }

    private func sentence(_ report: AccessReport) -> String {
        let who = user ?? "you"
        let what = "\(verb.rawValue) \(target ?? "the fleet")"
        let reasons = report.reasons.joined(separator: ", ")
        let versions = report.policies.map(\.description).joined(separator: ", ")
        let basis = versions.isEmpty ? "no policy of the fleet" : versions
        let errors = report.errors.isEmpty ? "" : "; \(report.errors.joined(separator: "; "))"
        if report.isAllowed { return "yes: \(who) may \(what) by \(reasons) (\(basis))\(errors)" }
        if report.needsApproval == true {
            return "no: \(who) may ask to \(what), and somebody else has to approve it: "
                + "\(reasons) (\(basis))\(errors)"
        }
        let why = reasons.isEmpty ? "no policy permits it" : "\(reasons) forbids it"
        return "no: \(who) may not \(what): \(why) (\(basis))\(errors)"
    }
}
