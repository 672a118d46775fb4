/// How a new node asks to belong: the token it was given and the public half of a key it made.
package struct EnrolmentRequest: Hashable, Codable, Sendable {
    package var tokenID: String
    package var tokenSecret: String
    package var node: NodeID
    /// Nil takes the site of the token; another site than the token's is refused.
    package var site: SiteID?
    /// DER SubjectPublicKeyInfo of the P-256 key with which the node is to sign its own certificates.
    package var publicKey: [UInt8]
    /// The same of the long-lived key by which it can come back when all else has expired.
    package var deviceKey: [UInt8]?

    package init(
        tokenID: String, tokenSecret: String, node: NodeID, site: SiteID?, publicKey: [UInt8],
        deviceKey: [UInt8]? = nil
    ) {
        self.tokenID = tokenID
        self.tokenSecret = tokenSecret
        self.node = node
        self.site = site
        self.publicKey = publicKey
        self.deviceKey = deviceKey
    }
}

/// What an enrolled node gets back.
package struct Enrolment: Hashable, Codable, Sendable {
    package var node: NodeID
    package var site: SiteID
    /// PEM of the node's own authority and of those above it, without the root. From a hub of old the
    /// certificate of the node itself.
    package var certificateChain: String
    /// PEM of the roots whose certificates the node trusts.
    package var trustRoots: String
    /// `host:port` of the control link.
    package var controlAddress: String
    /// Who may sign policy for this node, from here on: no hub can change that.
    package var policyKeys: [TrustedKey]

    package init(
        node: NodeID, site: SiteID, certificateChain: String, trustRoots: String,
        controlAddress: String, policyKeys: [TrustedKey] = []
    ) {
        self.node = node
        self.site = site
        self.certificateChain = certificateChain
        self.trustRoots = trustRoots
        self.controlAddress = controlAddress
        self.policyKeys = policyKeys
    }
}

extension Enrolment {
    /// One from before there were signed policies names no keys.
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        node = try fields.decode(NodeID.self, forKey: .node)
        site = try fields.decode(SiteID.self, forKey: .site)
        certificateChain = try fields.decode(String.self, forKey: .certificateChain)
        trustRoots = try fields.decode(String.self, forKey: .trustRoots)
        controlAddress = try fields.decode(String.self, forKey: .controlAddress)
        policyKeys = try fields.decodeIfPresent([TrustedKey].self, forKey: .policyKeys) ?? []
    }
}

/// A node asks for an authority of its own: a certificate with which it signs its short-lived ones.
package struct CertificationRequest: Hashable, Codable, Sendable {
    /// DER SubjectPublicKeyInfo of a fresh P-256 key.
    package var publicKey: [UInt8]
    /// The same of the key by which the node can come back when all else has expired.
    package var deviceKey: [UInt8]?

    package init(publicKey: [UInt8], deviceKey: [UInt8]? = nil) {
        self.publicKey = publicKey
        self.deviceKey = deviceKey
    }
}

/// What the hub answers: the node's authority, and whom to trust from here on.
package struct Certification: Hashable, Codable, Sendable {
    /// PEM of the node's authority and of those above it, without the root.
    package var certificateChain: String
    /// PEM of the roots. A node takes only those that its own vouch for.
    package var trustRoots: String

    package init(certificateChain: String, trustRoots: String) {
        self.certificateChain = certificateChain
        self.trustRoots = trustRoots
    }
}

/// Who vouched for a node when it issued itself a certificate.
package enum IssuanceMode: String, Hashable, Codable, Sendable {
    /// The link to the hub stood.
    case connected
    /// The node alone, by the authority it was given earlier.
    case local
}
