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
    /// `host:port` where the node enrolled, and can come back; nil from hubs of old.
    package var enrolmentAddress: String?
    /// Who may sign policy for this node, from here on: no hub can change that.
    package var policyKeys: [TrustedKey]

    package init(
        node: NodeID, site: SiteID, certificateChain: String, trustRoots: String,
        controlAddress: String, enrolmentAddress: String? = nil, policyKeys: [TrustedKey] = []
    ) {
        self.enrolmentAddress = enrolmentAddress
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
        enrolmentAddress = try fields.decodeIfPresent(String.self, forKey: .enrolmentAddress)
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
    /// `host:port` where the node can come back when all else has expired.
    package var enrolmentAddress: String?

    package init(certificateChain: String, trustRoots: String, enrolmentAddress: String? = nil) {
        self.certificateChain = certificateChain
        self.trustRoots = trustRoots
        self.enrolmentAddress = enrolmentAddress
    }
}

/// Who vouched for a node when it issued itself a certificate.
package enum IssuanceMode: String, Hashable, Codable, Sendable {
    /// The link to the hub stood.
    case connected
    /// The node alone, by the authority it was given earlier.
    case local
}

/// What a node says whose authority has expired, on a link that proves the hub only.
package enum ReturnRequest: Hashable, Codable, Sendable {
    /// Asks for something to sign.
    case begin(NodeID)
    case prove(ReturnProof)
}

/// A node's word, by its device key, that it asks for a new authority here and at this moment.
package struct ReturnProof: Hashable, Codable, Sendable {
    package var node: NodeID
    /// As the hub gave it.
    package var nonce: [UInt8]
    /// DER SubjectPublicKeyInfo of the key for the new authority, and of the device key.
    package var publicKey: [UInt8]
    package var deviceKey: [UInt8]
    /// Of the device key over all of this.
    package var signature: [UInt8]

    package init(
        node: NodeID, nonce: [UInt8], publicKey: [UInt8], deviceKey: [UInt8], signature: [UInt8]
    ) {
        self.node = node
        self.nonce = nonce
        self.publicKey = publicKey
        self.deviceKey = deviceKey
        self.signature = signature
    }
}

/// What a node that comes back is to sign.
package struct ReturnChallenge: Hashable, Codable, Sendable {
    package var nonce: [UInt8]
    package init(nonce: [UInt8]) { self.nonce = nonce }
}

/// What the hub knows of how a node proves who it is.
package struct NodeCredential: Hashable, Codable, Sendable {
    /// The digest of its device key; nil for a node that has not said one.
    package var device: String?
    /// When its authority was last renewed, and when that ends.
    package var certifiedAt: WallTime?
    package var authorityEnds: WallTime?
    /// By which values of Secrets are sealed for it; nil for a node that has not said one.
    package var secretsKey: String?

    package init(
        device: String? = nil, certifiedAt: WallTime? = nil, authorityEnds: WallTime? = nil,
        secretsKey: String? = nil
    ) {
        self.secretsKey = secretsKey
        self.device = device
        self.certifiedAt = certifiedAt
        self.authorityEnds = authorityEnds
    }
}
