import Crypto
import Foundation
package import Model
import SwiftASN1
import X509

/// The hub's authority: signs one authority for each node, the hub itself, and operators.
///
/// A certificate says only what the hub decided. Of a request nothing but the public key is taken.
package struct IssuingAuthority: Sendable {
    let issuer: Issuer
    private let name: String

    init(issuer: Issuer, name: String) {
        self.issuer = issuer
        self.name = name
    }

    package init(pem: String, name: String) throws(CredentialError) {
        issuer = try Issuer(pem: pem)
        self.name = name
    }

    package var pem: String { get throws(CredentialError) { try issuer.pem } }
    package var notBefore: WallTime { WallTime(issuer.certificate.notValidBefore) }
    package var notAfter: WallTime { WallTime(issuer.certificate.notValidAfter) }

    /// Whether one of these roots, in PEM, signed it.
    package func isBelow(roots: String) throws(CredentialError) -> Bool {
        try certificates(pem: roots).contains { root in
            root.subject == issuer.certificate.issuer
                && root.publicKey.isValidSignature(
                    issuer.certificate.signature, for: issuer.certificate)
        }
    }

    /// Whether `root` signed it.
    package func isBelow(_ root: RootAuthority) -> Bool {
        root.issuer.certificate.subject == issuer.certificate.issuer
            && root.issuer.certificate.publicKey.isValidSignature(
                issuer.certificate.signature, for: issuer.certificate)
    }

    /// A server certificate for the hub with its key. `names` are DNS names and IP addresses;
    /// `localhost`, 127.0.0.1 and ::1 are always among them.
    ///
    /// - Parameter begin: nil for a moment ago.
    package func issueHub(
        names: [String], validity: Duration, from begin: WallTime? = nil, now: WallTime
    ) throws(CredentialError) -> TLSIdentity {
        var seen: Set<String> = []
        let all = (["localhost", "127.0.0.1", "::1"] + names).filter { seen.insert($0).inserted }
        let identity = PeerIdentity.hub(name)
        var alternatives: [GeneralName] = [.uniformResourceIdentifier(identity.uri)]
        for name in all { alternatives.append(try generalName(name)) }
        return try issue(
            identity, key: NodeKey(), organization: nil, alternatives: alternatives,
            usage: .serverAuth,
            validity: validity, from: begin, now: now)
    }

    /// An authority for a node, as PEM with what is above it. `publicKey` is DER
    /// SubjectPublicKeyInfo, P-256. It can sign for this node's names and for no other.
    package func issueNodeAuthority(
        _ node: NodeID, site: SiteID, publicKey: [UInt8], device: String? = nil,
        validity: Duration, now: WallTime
    ) throws(CredentialError) -> String {
        let identity = PeerIdentity.node(node, site: site)
        for name in identity.names where !isDNSLabel(name) { throw .name(name) }
        let key = try p256(publicKey)
        do {
            let certificate = try issuer.signAuthority(
                key, as: DistinguishedName(authorityOf: identity.host, device: device),
                pathLength: 0, confinedTo: identity.host, validity: validity, now: now)
            return try pemText(of: certificate) + pemText(of: issuer.certificate)
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }

    /// A client certificate for a person who runs the fleet and has this key. PEM.
    package func issueOperator(
        _ name: String, key: NodeKey, validity: Duration, now: WallTime
    ) throws(CredentialError) -> String {
        let identity = PeerIdentity.user(name)
        return try issue(
            identity, key: key, organization: "operator",
            alternatives: [.uniformResourceIdentifier(identity.uri)], usage: .clientAuth,
            validity: validity, from: nil, now: now
        ).certificateChain
    }

    /// Whether this authority signed the first certificate in `chain` and that is good until then.
    package func vouches(for chain: String, until time: WallTime) throws(CredentialError) -> Bool {
        let leaf = try certificates(pem: chain)[0]
        return Date(time) < leaf.notValidAfter && leaf.issuer == issuer.certificate.subject
            && issuer.certificate.publicKey.isValidSignature(leaf.signature, for: leaf)
    }

    private func issue(
        _ identity: PeerIdentity, key: NodeKey, organization: String?,
        alternatives: [GeneralName], usage: ExtendedKeyUsage.Usage, validity: Duration,
        from begin: WallTime?, now: WallTime
    ) throws(CredentialError) -> TLSIdentity {
        for name in identity.names where !isDNSLabel(name) { throw .name(name) }
        do {
            let leaf = try issuer.signLeaf(
                .init(key.signing.publicKey),
                as: try distinguishedName(identity.names[0], organization),
                alternatives: alternatives, usage: usage, validity: validity, from: begin, now: now)
            return TLSIdentity(
                certificateChain: try pemText(of: leaf) + pemText(of: issuer.certificate),
                privateKey: key.pem)
        } catch let error as CredentialError {
            throw error
        } catch {
            throw .certificate(reason: "\(error)")
        }
    }
}

private func generalName(_ text: String) throws(CredentialError) -> GeneralName {
    if let address = addressBytes(text) {
        return .ipAddress(ASN1OctetString(contentBytes: address[...]))
    }
    guard isHostName(text) else { throw .name(text) }
    return .dnsName(text)
}

/// Labels with dots between them, in lower case.
func isHostName(_ text: String) -> Bool {
    let labels = text.split(separator: ".", omittingEmptySubsequences: false)
    return text.utf8.count <= 253 && labels.allSatisfy { isDNSLabel(String($0)) }
}

/// The 4 or 16 bytes of an IP address in text; nil for anything else.
func addressBytes(_ text: String) -> [UInt8]? {
    for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
        var bytes = [UInt8](repeating: 0, count: count)
        if inet_pton(family, text, &bytes) == 1 { return bytes }
    }
    return nil
}
