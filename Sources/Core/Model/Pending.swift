/// A machine without a token that asks to become a node.
package struct PendingNode: Hashable, Codable, Sendable {
    package enum State: String, Codable, CaseIterable, Sendable { case waiting, approved, denied }

    package var node: NodeID
    package var site: SiteID
    /// The digest of its device key, which it has proved to hold: what a person compares.
    package var device: String
    package var firstAsked: WallTime
    package var state: State
    /// When a person answered.
    package var answeredAt: WallTime?

    package init(
        node: NodeID, site: SiteID, device: String, firstAsked: WallTime, state: State = .waiting,
        answeredAt: WallTime? = nil
    ) {
        self.node = node
        self.site = site
        self.device = device
        self.firstAsked = firstAsked
        self.state = state
        self.answeredAt = answeredAt
    }
}

/// The digest of a device key as people compare it: eight groups of four digits.
package func fingerprint(ofDevice digest: String) -> String {
    let digits = Array(digest.prefix(32))
    return stride(from: 0, to: digits.count, by: 4).map {
        String(digits[$0..<min($0 + 4, digits.count)])
    }.joined(separator: "-")
}

package struct PendingList: Hashable, Codable, Sendable {
    package var items: [PendingNode]
    package var asOf: WallTime

    package init(items: [PendingNode], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}

/// A person's answer to a machine that asks.
package struct PendingAnswer: Hashable, Codable, Sendable {
    package var isApproved: Bool
    /// Which machine, by the beginning of its fingerprint, where several ask for one name.
    package var fingerprint: String?
    /// Another site than it asked for.
    package var site: SiteID?

    package init(isApproved: Bool, fingerprint: String? = nil, site: SiteID? = nil) {
        self.isApproved = isApproved
        self.fingerprint = fingerprint
        self.site = site
    }
}

/// A machine's word, by its device key, that it asks to belong, and where.
package struct JoinRequest: Hashable, Codable, Sendable {
    package var site: SiteID
    package var proof: ReturnProof

    package init(site: SiteID, proof: ReturnProof) {
        self.site = site
        self.proof = proof
    }
}

/// What a machine that asks is told.
package enum JoinAnswer: Hashable, Codable, Sendable {
    indirect case enrolled(Enrolment)
    /// Ask again after this long.
    case wait(Interval, reason: String)
}
