import Crypto
import Foundation
package import Model
import SwiftASN1
import X509

/// The roots that a node trusts, as PEM.
package enum TrustRoots {
    /// Whether the first of `others` is among `roots`, in name and key.
    package static func holds(_ roots: String, _ others: String) throws(CredentialError) -> Bool {
        let other = try certificates(pem: others)[0]
        return try certificates(pem: roots).contains {
            $0.subject == other.subject && $0.publicKey == other.publicKey
        }
    }

    /// Of these roots the one with this digest.
    package static func pinned(
        _ digest: String, among offered: String
    ) throws(CredentialError) -> String {
        for root in try certificates(pem: offered) where TrustRoots.digest(of: root) == digest {
            return try pemText(of: root)
        }
        throw .certificate(reason: "the hub's root has another fingerprint than was given here")
    }

    /// SHA-256 of the DER form in hexadecimal; nil for what cannot be written.
    static func digest(of certificate: Certificate) -> String? {
        do {
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            return hexadecimal(SHA256.hash(data: serializer.serializedBytes))
        } catch {
            return nil
        }
    }

    /// Certificates of roots for the ones that follow them, as many as are kept and shown. With a hub's
    /// own certificate, its authority and a root that makes five, which is all that a side looks at.
    package static let linksMax = 2

    /// The links to keep where newer ones come, the newest first, and since when those are known that
    /// have to go for it. What has ended is gone without a word.
    package static func links(
        adding newer: String, to known: String, at now: WallTime
    ) throws(CredentialError) -> (kept: String, dropped: [WallTime]) {
        var links: [Certificate] = []
        for link in try certificates(pem: newer + known)
        where !links.contains(link) && link.notValidAfter > Date(now) { links.append(link) }
        var kept = ""
        for link in links.prefix(linksMax) { kept += try pemText(of: link) }
        return (kept, links.dropFirst(linksMax).map { WallTime($0.notValidBefore) })
    }

    /// The first certificates of these.
    package static func newest(
        _ count: Int, of text: String
    ) throws(CredentialError) -> String {
        guard !text.isEmpty else { return "" }
        var kept = ""
        for certificate in try certificates(pem: text).prefix(count) {
            kept += try pemText(of: certificate)
        }
        return kept
    }

    /// The root among these that has this authority's name and key: empty where there is none.
    package static func successor(
        of authority: String, among roots: String
    ) throws(CredentialError) -> String {
        for root in try certificates(pem: roots) where try holds(authority, pemText(of: root)) {
            return try pemText(of: root)
        }
        return ""
    }

    /// What follows `roots` among the certificates that somebody shows: a root that a trusted one gave
    /// a certificate to, what that gave one to, and so on.
    static func links(
        from roots: [Certificate], among shown: some Sequence<Certificate>, at now: WallTime
    ) -> [Certificate] {
        var reached: [Certificate] = []
        for _ in 0..<linksMax {
            let next = shown.filter { link in
                !reached.contains(link)
                    && (roots + reached).contains { $0.vouches(for: link, at: now) }
            }
            if next.isEmpty { return reached }
            reached += next
        }
        return reached
    }

    /// The roots to trust when the hub names `offered`: of these only the ones that a root already
    /// trusted is, in name and key, or to which such a root gave a certificate. A hub cannot put a
    /// stranger there.
    ///
    /// - Throws: where none is left.
    package static func extend(
        _ known: String, with offered: String, at now: WallTime
    ) throws(CredentialError) -> String {
        let trusted = try certificates(pem: known)
        let offered = try certificates(pem: offered)
        let vouched = links(from: trusted, among: offered, at: now)
        var text = ""
        for root in offered
        where (trusted + vouched).contains(where: {
            $0.subject == root.subject && $0.publicKey == root.publicKey
        })
            && root.publicKey.isValidSignature(root.signature, for: root)
        {
            text += try pemText(of: root)
        }
        guard !text.isEmpty else {
            throw .certificate(reason: "none of the roots that the hub named is known here")
        }
        return text
    }
}

extension Certificate {
    /// Whether this root gave `link` to one that follows it, and that is good at this time.
    ///
    /// A hub's issuing authority has the same form but for its name, and is no root.
    fileprivate func vouches(for link: Certificate, at now: WallTime) -> Bool {
        guard link.issuer == subject, link.subject != subject, link.subject.isRoot,
            Date(now) >= link.notValidBefore, Date(now) <= link.notValidAfter,
            publicKey.isValidSignature(link.signature, for: link)
        else { return false }
        do {
            return try link.isAuthority(pathLength: 1)
                && link.extensions.nameConstraints == nil
        } catch {
            return false
        }
    }
}
