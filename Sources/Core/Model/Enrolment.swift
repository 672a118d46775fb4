/// How a new node asks to belong: the token it was given and the public half of a key it made.
package struct EnrolmentRequest: Hashable, Codable, Sendable {
    package var tokenID: String
    package var tokenSecret: String
    package var node: NodeID
    /// Nil takes the site of the token; another site than the token's is refused.
    package var site: SiteID?
    /// DER SubjectPublicKeyInfo of a P-256 key.
    package var publicKey: [UInt8]

    package init(
        tokenID: String, tokenSecret: String, node: NodeID, site: SiteID?, publicKey: [UInt8]
    ) {
        self.tokenID = tokenID
        self.tokenSecret = tokenSecret
        self.node = node
        self.site = site
        self.publicKey = publicKey
    }
}

/// What an enrolled node gets back.
package struct Enrolment: Hashable, Codable, Sendable {
    package var node: NodeID
    package var site: SiteID
    /// PEM, the leaf first.
    package var certificateChain: String
    /// PEM of the authority whose certificates the node trusts.
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
