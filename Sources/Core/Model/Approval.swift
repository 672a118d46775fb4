/// Something that a person asked for and that is done once another person has said yes to it.
package struct Approval: Hashable, Codable, Sendable {
    package enum State: String, Codable, CaseIterable, Sendable {
        case waiting
        /// Somebody said yes, and it was done.
        case done
        /// Somebody said yes, and it could not be done any more; `note` says why.
        case failed
        case denied
        /// Who had asked took it back.
        case withdrawn
        /// Nobody answered in time.
        case expired
    }

    /// What is done, where that is more than `verb` with the object.
    package enum Act: Hashable, Codable, Sendable {
        /// Makes the object what this says.
        case apply(Object)
        case revoke(RevocationRequest)
        /// Nothing below earlier roots is accepted any more.
        case retireRoots
    }

    /// 8 hexadecimal digits.
    package var id: String
    package var verb: Verb
    /// Nil for the fleet as a whole.
    package var kind: Kind?
    package var name: String
    package var act: Act?
    /// Which of the objects that may ever bear that name.
    package var createdAt: WallTime?
    package var generation: UInt64
    /// A user.
    package var requestedBy: String
    /// `certificate` or `token`: by what that was known.
    package var credential: String
    package var requestedAt: WallTime
    package var expiresAt: WallTime
    /// The ids of the policies that want a second person.
    package var reasons: [String]
    package var state: State
    package var answeredBy: String?
    package var answeredAt: WallTime?
    package var note: String?

    package init(
        id: String, verb: Verb, kind: Kind?, name: String, act: Act? = nil, requestedBy: String,
        credential: String,
        requestedAt: WallTime, expiresAt: WallTime, reasons: [String] = [],
        state: State = .waiting
    ) {
        self.id = id
        self.verb = verb
        self.kind = kind
        self.name = name
        self.act = act
        generation = 0
        self.requestedBy = requestedBy
        self.credential = credential
        self.requestedAt = requestedAt
        self.expiresAt = expiresAt
        self.reasons = reasons
        self.state = state
    }

    /// `Workload/shop`
    package var reference: String { kind.map { "\($0.rawValue)/\(name)" } ?? "the fleet" }

    /// In words for people: `delete workload/shop`, `revoke node/n1, node/n2 and 3 more`.
    package var what: String {
        switch act {
        case .revoke(let request):
            let more = request.subjects.count - Approval.namedMax
            return "revoke " + request.subjects.prefix(Approval.namedMax).joined(separator: ", ")
                + (more > 0 ? " and \(more) more" : "")
        case .retireRoots: return "retire earlier roots"
        case .apply, nil:
            guard let kind else { return "\(verb.rawValue) the fleet" }
            return "\(verb.rawValue) \(kind.rawValue.lowercased())/\(name)"
        }
    }

    private static let namedMax = 3

    /// Who asked, as the policies see them.
    package var requester: Requester {
        Requester(
            .user(requestedBy),
            by: credential == Credential.certificate.word ? .certificate : .token(id: ""))
    }
}

/// What somebody wants who may do it as soon as somebody else approves.
package struct ApprovalWish: Hashable, Sendable {
    package var verb: Verb
    package var target: AccessTarget
    package var act: Approval.Act?
    /// The ids of the policies that want a second person.
    package var reasons: [String]

    package init(
        _ verb: Verb, _ target: AccessTarget, act: Approval.Act? = nil, reasons: [String]
    ) {
        self.verb = verb
        self.target = target
        self.act = act
        self.reasons = reasons
    }
}

package struct ApprovalList: Hashable, Codable, Sendable {
    package var items: [Approval]
    package var asOf: WallTime

    package init(items: [Approval], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}

/// What another person says to it.
package struct ApprovalAnswer: Hashable, Codable, Sendable {
    package var isApproved: Bool
    /// Why, for who asked; at most 256 bytes.
    package var note: String?

    package init(isApproved: Bool, note: String? = nil) {
        self.isApproved = isApproved
        self.note = note
    }
}
