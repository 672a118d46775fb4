package import Model

/// Who looks at a bundle, as far as its scope goes.
package enum Audience: Equatable, Sendable {
    /// Takes what is for any of its sites, and a canary too.
    case hub(sites: [SiteID])
    case node(NodeID, site: SiteID)
    /// Only reads.
    case reader
}

extension PolicyBundle {
    /// Checks a bundle that comes in, in this order: signature, role, scope, version, expiry, digest.
    /// Nothing of it may be kept before all of them have passed.
    ///
    /// - Parameters:
    ///   - held: the version held here of the policy with a name; nil for none.
    ///   - now: the latest time that is known to have come. A clock that runs behind lets an expired
    ///     bundle in; it never takes one out that is in force.
    package func admitted(
        to audience: Audience, trusting keys: [TrustedKey], holding held: (String) -> UInt64?,
        at now: WallTime
    ) throws(BundleRefusal) -> PolicyPayload {
        let signer = try signer(among: keys)
        var reader = PayloadReader(payload)
        var (policy, digest) = try reader.head()
        let reference = policy.reference
        guard signer.role == TrustedKey.policyRole, policy.role == TrustedKey.policyRole else {
            throw .role(key: signer.id, keyRole: signer.role, says: policy.role)
        }
        guard audience.isMeant(by: policy.spec.scope) else {
            throw .scope(
                reference, sites: policy.spec.scope.sites,
                canary: policy.spec.scope.canary != nil)
        }
        if let version = held(reference.name), reference.version <= version {
            throw .version(reference, holds: version)
        }
        guard now <= policy.notAfter else {
            throw .expired(reference, at: policy.notAfter, now: now)
        }
        guard digest == Trust.digest(of: reader.rest) else { throw .digest(reference) }
        try reader.content(of: &policy)
        return policy
    }

    /// Reads a bundle that was admitted before, as from the disk: it is in force whatever its age.
    package func read() throws(BundleRefusal) -> PolicyPayload {
        var reader = PayloadReader(payload)
        var (policy, digest) = try reader.head()
        guard digest == Trust.digest(of: reader.rest) else { throw .digest(policy.reference) }
        try reader.content(of: &policy)
        return policy
    }

    /// The key that signed it, if it is one of `keys` and did.
    private func signer(among keys: [TrustedKey]) throws(BundleRefusal) -> TrustedKey {
        let bytes = payload.reduce(0) { $0 + $1.utf8.count + 1 }
        guard bytes <= PolicyPayload.bytesMax else { throw .tooLarge(bytes: bytes) }
        guard !keys.isEmpty else { throw .noKeys }
        let id = String(key.prefix(64))
        guard let signer = keys.first(where: { $0.id == key }) else { throw .unknownKey(id) }
        guard let signature = Model.bytes(hexadecimal: signature), signature.count == 64,
            // A line break inside of a line would make two texts of the same bytes.
            payload.allSatisfy({ $0.utf8.allSatisfy { (32...126).contains($0) } }),
            signer.verifies(signature, of: payload)
        else { throw .brokenSignature(key: id) }
        return signer
    }
}

extension Audience {
    fileprivate func isMeant(by scope: PolicyScope) -> Bool {
        switch self {
        case .reader: true
        case .hub(let sites): scope.sites.allSatisfy(sites.contains)
        case .node(let node, let site): scope.includes(node, at: site)
        }
    }
}
