/// What stands in a certificate, for people.
package struct CertificateFacts: Hashable, Codable, Sendable {
    /// `spiffe://…`; for an authority its name.
    package var subject: String
    package var issuer: String
    /// In hexadecimal.
    package var serial: String
    package var notBefore: WallTime
    package var notAfter: WallTime
    /// SHA-256 of its DER form in hexadecimal.
    package var fingerprint: String
    /// The device for which an authority of a node was made.
    package var device: String?
    /// Whether the link stood when a node issued it; nil where no node did.
    package var mode: IssuanceMode?

    package init(
        subject: String, issuer: String, serial: String, notBefore: WallTime, notAfter: WallTime,
        fingerprint: String, device: String? = nil, mode: IssuanceMode? = nil
    ) {
        self.subject = subject
        self.issuer = issuer
        self.serial = serial
        self.notBefore = notBefore
        self.notAfter = notAfter
        self.fingerprint = fingerprint
        self.device = device
        self.mode = mode
    }
}

/// One certificate of the fleet, as the hub or a node knows it.
package struct CertificateReport: Hashable, Codable, Sendable {
    package enum Role: String, Codable, CaseIterable, Sendable {
        /// At the top.
        case root
        /// The hub's, which signs authorities of nodes, hubs and people.
        case issuing
        /// A node's own authority.
        case authority
        /// What is shown in handshakes.
        case leaf
    }

    /// Who signed it.
    package enum Issuer: String, Codable, CaseIterable, Sendable { case root, hub, node }

    /// By whom, and so when, it is replaced.
    package enum Renewal: String, Codable, CaseIterable, Sendable {
        /// By a person.
        case byHand
        /// By the hub, while it runs.
        case byHub
        /// By the node, which asks the hub at each contact.
        case byContact
        /// By the node alone, with or without its hub.
        case byNode
    }

    /// `root`, `issuing`, `hub`, or `NODE/authority` and `NODE/leaf`.
    package var name: String
    package var role: Role
    /// Whose it is; nil for the hub's.
    package var node: NodeID?
    package var issuedBy: Issuer
    package var renewal: Renewal
    package var facts: CertificateFacts
    /// When it was last shown here; nil where it lies here.
    package var seenAt: WallTime?
    /// When it was revoked.
    package var revokedAt: WallTime?

    package init(
        name: String, role: Role, node: NodeID? = nil, issuedBy: Issuer, renewal: Renewal,
        facts: CertificateFacts, seenAt: WallTime? = nil, revokedAt: WallTime? = nil
    ) {
        self.name = name
        self.role = role
        self.node = node
        self.issuedBy = issuedBy
        self.renewal = renewal
        self.facts = facts
        self.seenAt = seenAt
        self.revokedAt = revokedAt
    }
}

/// The certificates that are known somewhere, and the time by which they are judged there.
package struct CertificateList: Hashable, Codable, Sendable {
    package var items: [CertificateReport]
    /// By the clock that certificates are judged by.
    package var asOf: WallTime
    /// How far that clock can be relied on: `Measured`, `Estimated`, `ClockBehind` or `ClockAhead`.
    package var clock: String

    package init(items: [CertificateReport], asOf: WallTime, clock: String) {
        self.items = items
        self.asOf = asOf
        self.clock = clock
    }
}
