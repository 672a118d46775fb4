import Foundation
import Model
import SwiftASN1
import X509

/// What a path from a leaf to a root must be beyond RFC 5280.
///
/// swift-certificates and BoringSSL both accept a leaf without a URI under an authority that is
/// confined to one, a leaf that outlives its issuer, and any purpose and usage; and they differ
/// about sub-hosts, users and case in a URI. Here nothing is accepted that is not of the one form
/// in which this fleet issues.
struct PathRules: VerifierPolicy, Sendable {
    let expectation: PeerVerifier.Expectation
    /// Whether paths of the kind that was issued before there were authorities of nodes are good.
    let admitsOld: Bool

    let verifyingCriticalExtensions: [ASN1ObjectIdentifier] = [
        .X509ExtensionID.keyUsage, .X509ExtensionID.extendedKeyUsage,
        .X509ExtensionID.subjectAlternativeName,
    ]

    /// The longest lives, each with room for the back-dating: a leaf that lives longer than it
    /// should is a stolen key that does.
    static let nodeLeafMax = NodeAuthority.leafLife + .seconds(120)
    static let hubLeafMax: Duration = .seconds(91 * 86_400)
    static let nodeAuthorityMax: Duration = .seconds(40 * 86_400)

    func chainMeetsPolicyRequirements(
        chain: UnverifiedCertificateChain
    ) -> PolicyEvaluationResult {
        do {
            guard let objection = try objection(to: Array(chain)) else { return .meetsPolicy }
            return .failsToMeetPolicy(reason: objection)
        } catch {
            return .failsToMeetPolicy(reason: "its extensions cannot be read (\(error))")
        }
    }

    /// Nil where the path is good. It begins with the leaf and ends with a trusted root.
    private func objection(to path: [Certificate]) throws -> String? {
        if case .caller = expectation {
            guard let uri = try path[0].onlyURI, let caller = CallerIdentity(uri: uri) else {
                return "it does not name exactly one workload, node or user"
            }
            return try PathRules(expectation: caller.expectation, admitsOld: false)
                .objection(to: path)
        }
        if let objection = try leafForm(path[0]) ?? PathRules.nesting(path) { return objection }
        switch expectation {
        case .node:
            if path.count == 2, admitsOld { return try oldNode(path[0]) }
            return try node(path)
        case .hub:
            if path.count == 2, admitsOld { return try names(ofHub: path[0], isOld: true) }
            return try names(ofHub: path[0], isOld: false) ?? PathRules.issued(path)
                ?? PathRules.lives(path[0], atMost: PathRules.hubLeafMax)
        case .user:
            guard case .user? = try PeerIdentity(of: path[0]) else {
                return "it does not name exactly one user"
            }
            if path.count == 2, admitsOld { return nil }
            return try PathRules.issued(path)
        case .workload: return try workload(path)
        case .caller: return "whoever calls is judged by what it is"
        }
    }

    // MARK: - The leaf

    private func leafForm(_ leaf: Certificate) throws -> String? {
        guard leaf.version == .v3, try leaf.extensions.basicConstraints == .notCertificateAuthority
        else { return "it is an authority's certificate, not that of a hub, node or user" }
        guard try leaf.extensions.keyUsage == KeyUsage(digitalSignature: true) else {
            return "its key is for other uses than to sign a handshake"
        }
        let usages: [ExtendedKeyUsage.Usage]
        switch expectation {
        case .hub: usages = [.serverAuth]
        case .node, .user, .caller: usages = [.clientAuth]
        case .workload: usages = [.clientAuth, .serverAuth]
        }
        guard try leaf.extensions.extendedKeyUsage == ExtendedKeyUsage(usages) else {
            switch expectation {
            case .hub: return "it is not that of a hub"
            case .node: return "it is not that of a node"
            case .user: return "it is not that of a user"
            case .workload, .caller: return "it is not that of a workload"
            }
        }
        return nil
    }

    private func node(_ path: [Certificate]) throws -> String? {
        guard let uri = try path[0].onlyURI, let identity = PeerIdentity(uri: uri),
            case .node = identity
        else { return "it does not name exactly one node" }
        return try issuedByNode(path, at: identity.host)
    }

    private func workload(_ path: [Certificate]) throws -> String? {
        guard let uri = try path[0].onlyURI,
            case .workload(_, let node, let site)? = CallerIdentity(uri: uri)
        else { return "it does not name exactly one workload" }
        return try issuedByNode(path, at: SubjectName.host(of: node, at: site))
    }

    /// Signed by the authority of the node in whose host the name is, and that by a hub's.
    private func issuedByNode(_ path: [Certificate], at host: String) throws -> String? {
        guard path.count == 4 else { return "it is not signed by the authority of its node" }
        let own = path[1]
        guard try own.isAuthority(pathLength: 0),
            try own.extensions.nameConstraints == NameConstraints(confiningTo: host)
        else { return "it names \(host), and the authority that signed it is another's" }
        return try PathRules.issued(Array(path.dropFirst()))
            ?? PathRules.lives(path[0], atMost: PathRules.nodeLeafMax)
            ?? PathRules.lives(own, atMost: PathRules.nodeAuthorityMax)
    }

    private func oldNode(_ leaf: Certificate) throws -> String? {
        guard let uri = try leaf.onlyURI, PeerIdentity(oldURI: uri) != nil else {
            return "it does not name exactly one node"
        }
        return nil
    }

    /// One URI that says hub; besides it addresses and plain names.
    private func names(ofHub leaf: Certificate, isOld: Bool) throws -> String? {
        var hubs = 0
        for name in try leaf.extensions.subjectAlternativeNames ?? SubjectAlternativeNames([]) {
            switch name {
            case .uniformResourceIdentifier(let uri):
                guard case .hub? = PeerIdentity(uri: uri) else {
                    return "it is not that of a hub"
                }
                hubs += 1
            case .dnsName(let name):
                guard isHostName(name) else { return "it holds the name '\(name)'" }
            case .ipAddress(let address):
                guard [4, 16].contains(address.bytes.count) else {
                    return "it holds a range of addresses"
                }
            default: return "it holds a name that is neither a host nor an address"
            }
        }
        return hubs == (isOld ? 0 : 1) ? nil : "it is not that of a hub"
    }

    // MARK: - The path

    /// No certificate is valid at a time at which its issuer is not.
    private static func nesting(_ path: [Certificate]) -> String? {
        for (certificate, issuer) in zip(path, path.dropFirst())
        where certificate.notValidAfter > issuer.notValidAfter
            || certificate.notValidBefore < issuer.notValidBefore
        {
            return "it outlives the authority that signed it"
        }
        return nil
    }

    /// Signed by a hub's issuing authority, and that by a root: with nobody in between, or with the
    /// certificate that a root gives to the one that follows it. Where more than one followed, the path
    /// ends with the last such certificate.
    static func issued(_ path: [Certificate]) throws -> String? {
        guard (3...4).contains(path.count), let root = path.last,
            try root.isAuthority(pathLength: 2) || root.isLink
        else { return "it is not signed by a hub's authority" }
        for authority in path.dropFirst().dropLast() {
            guard try authority.isAuthority(pathLength: 1),
                try authority.extensions.nameConstraints == nil
            else { return "it is not signed by a hub's authority" }
        }
        return nil
    }

    private static func lives(_ certificate: Certificate, atMost life: Duration) -> String? {
        let actual = WallTime(certificate.notValidAfter) - WallTime(certificate.notValidBefore)
        return actual <= life ? nil : "it lives longer than anything of its kind"
    }
}

extension Certificate {
    /// Whether a root gave it to another: a path may end there where this side trusts the first.
    fileprivate var isLink: Bool { get throws { try subject.isRoot && isAuthority(pathLength: 1) } }

    /// Whether it may sign certificates and do nothing else, with so many authorities below it.
    func isAuthority(pathLength: Int) throws -> Bool {
        guard
            case .isCertificateAuthority(maxPathLength: pathLength)? =
                try extensions.basicConstraints
        else { return false }
        return try extensions.keyUsage == KeyUsage(keyCertSign: true)
    }
}
