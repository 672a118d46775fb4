/// Who shows a certificate, as far as that can be revoked.
package struct Bearer: Hashable, Sendable {
    /// `spiffe://…`, as the certificate says.
    package var subject: String
    /// The device for which the authority of a node was made.
    package var device: String?
    package var issuedAt: WallTime

    package init(subject: String, device: String?, issuedAt: WallTime) {
        self.subject = subject
        self.device = device
        self.issuedAt = issuedAt
    }
}

/// One identity that is no longer good.
package struct Revocation: Hashable, Codable, Sendable {
    /// `spiffe://…`: of a node or of a user.
    package var subject: String
    /// Of a node, the device that had it: a machine that is enrolled under the name later is another.
    /// Nil stands for everything that was issued until then.
    package var device: String?
    package var at: WallTime
    package var reason: String

    package init(subject: String, device: String?, at: WallTime, reason: String) {
        self.subject = subject
        self.device = device
        self.at = at
        self.reason = reason
    }

    package func covers(_ bearer: Bearer) -> Bool {
        guard bearer.subject == subject else { return false }
        guard let device, let other = bearer.device else { return bearer.issuedAt <= at }
        return device == other
    }
}

/// All identities that are no longer good. The hub signs it, nodes keep it; its version never goes back.
package struct RevocationList: Hashable, Codable, Sendable {
    package var version: UInt64
    package var issuedAt: WallTime
    /// After this a node says that it hears nothing new; what is revoked stays so.
    package var expiresAt: WallTime
    /// How many nodes there are, by which the brake is measured.
    package var fleet: Int
    package var entries: [Revocation]
    /// What further keys signed, for more at once than the hub may revoke alone. See `Trust`.
    package var warrants: [PolicyBundle]
    /// PEM of the authority that signed it, and of those above it, without the root.
    package var certificateChain: String
    /// ECDSA over all of the above but the chain, DER.
    package var signature: [UInt8]

    package init(
        version: UInt64, issuedAt: WallTime, expiresAt: WallTime, fleet: Int,
        entries: [Revocation] = [], warrants: [PolicyBundle] = [], certificateChain: String = "",
        signature: [UInt8] = []
    ) {
        self.version = version
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.fleet = fleet
        self.entries = entries
        self.warrants = warrants
        self.certificateChain = certificateChain
        self.signature = signature
    }

    package func covers(_ bearer: Bearer) -> Bool { entries.contains { $0.covers(bearer) } }

    /// Whether it is to take the place of `other`: a later version, or the same one signed later.
    package func follows(_ other: RevocationList?) -> Bool {
        guard let other else { return true }
        return version > other.version || version == other.version && issuedAt > other.issuedAt
    }
}

/// How many identities a hub may revoke without a second key.
package struct RevocationBrake: Hashable, Codable, Sendable {
    /// In hundredths of the fleet; one identity is always allowed.
    package var percent: Int
    package var window: Duration

    package init(percent: Int = 20, window: Duration = .seconds(86_400)) {
        precondition((0...100).contains(percent), "a share is between nothing and all")
        self.percent = percent
        self.window = window
    }

    package func allowance(of fleet: Int) -> Int { max(1, max(0, fleet) * percent / 100) }
}

/// A list as a node keeps it, with the size of the fleet by which its brake is measured.
///
/// That is a size which the hub has said for a whole window, so that a hub that was taken over cannot
/// say a larger one and use it at once.
package struct KeptRevocations: Hashable, Codable, Sendable {
    package var list: RevocationList
    package private(set) var fleet: Int
    /// Where neighbours brought it: when the list was signed that the hub itself sent before. Who was
    /// revoked since is still in what the hub dealt here.
    package private(set) var carriedAfter: WallTime?
    /// What it will be when the hub has said so for a window, and since when it does.
    private var candidate: Int
    private var since: WallTime

    /// The first one is taken at its word.
    package init(first list: RevocationList) {
        self.list = list
        fleet = list.fleet
        candidate = list.fleet
        since = list.issuedAt
    }

    /// The same list, brought by a neighbour that had it after one that was signed then.
    package func carried(after time: WallTime) -> KeptRevocations {
        var kept = self
        kept.carriedAfter = carriedAfter ?? time
        return kept
    }

    /// As the hub itself sent it.
    package var told: KeptRevocations {
        var kept = self
        kept.carriedAfter = nil
        return kept
    }

    package func followed(by next: RevocationList, window: Duration) -> KeptRevocations {
        var kept = self
        kept.list = next
        if next.issuedAt - since >= window {
            kept.fleet = candidate
            kept.candidate = next.fleet
            kept.since = next.issuedAt
        } else {
            kept.candidate = min(candidate, next.fleet)
        }
        return kept
    }
}

/// What `get revocations` shows.
package struct RevocationReport: Hashable, Codable, Sendable {
    package var version: UInt64
    package var issuedAt: WallTime?
    package var expiresAt: WallTime?
    package var items: [Revocation]
    /// How many more may be revoked at the moment without a second key; nil on a node.
    package var allowance: Int?
    package var asOf: WallTime

    package init(
        version: UInt64, issuedAt: WallTime?, expiresAt: WallTime?, items: [Revocation],
        allowance: Int?, asOf: WallTime
    ) {
        self.version = version
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.items = items
        self.allowance = allowance
        self.asOf = asOf
    }
}

/// What a person asks to be revoked.
package struct RevocationRequest: Hashable, Codable, Sendable {
    /// `node/NAME` or `user/NAME`.
    package var subjects: [String]
    package var reason: String
    /// Signed by a policy key, for more than the brake lets through.
    package var warrant: PolicyBundle?

    package init(subjects: [String], reason: String, warrant: PolicyBundle? = nil) {
        self.subjects = subjects
        self.reason = reason
        self.warrant = warrant
    }
}
