package import Model

/// Why a bundle is not taken. What is in force stays.
package enum BundleRefusal: Error, Equatable, Sendable {
    /// Nobody here is trusted to sign policy.
    case noKeys
    case unknownKey(String)
    /// What was signed is not what is there: changed, or written half.
    case brokenSignature(key: String)
    case tooLarge(bytes: Int)
    /// Signed, and not understood: most likely made by a later version.
    case unreadable(line: Int, what: String)
    /// The key may not sign policy, or what it signed is none.
    case role(key: String, keyRole: String, says: String)
    /// Meant for others.
    case scope(PolicyReference, sites: [SiteID], canary: Bool)
    case version(PolicyReference, holds: UInt64)
    case expired(PolicyReference, at: WallTime, now: WallTime)
    case digest(PolicyReference)
    /// In order, and its rows do not go together with what else holds.
    case rows(PolicyReference, message: String, fix: String)
    /// Another name stands on it than in it.
    case name(PolicyReference, called: String)

    /// One word for programs, as in the reason of a condition.
    package var word: String {
        switch self {
        case .noKeys: "NoKeys"
        case .unknownKey: "UnknownKey"
        case .brokenSignature: "BrokenSignature"
        case .tooLarge: "TooLarge"
        case .unreadable: "Unreadable"
        case .role: "WrongRole"
        case .scope: "OutOfScope"
        case .version: "OldVersion"
        case .expired: "Expired"
        case .digest: "WrongDigest"
        case .rows: "FaultyRows"
        case .name: "WrongName"
        }
    }
}

extension BundleRefusal: CustomStringConvertible {
    package var description: String { "\(message); \(fix)" }

    package var message: String {
        switch self {
        case .noKeys: "no key is trusted here to sign policy"
        case .unknownKey(let id): "it is signed by key \(id), which is not trusted here"
        case .brokenSignature(let id):
            "its signature is not that of key \(id): it was changed after signing, or is only a part"
        case .tooLarge(let bytes):
            "it has \(bytes) bytes, and at most \(PolicyPayload.bytesMax) are read"
        case .unreadable(let line, let what):
            "line \(line) of what was signed (\(what)) is not understood here"
        case .role(let id, let keyRole, let says):
            "key \(id) signs for the role '\(keyRole)' and the bundle says '\(says)'"
        case .scope(let reference, let sites, let canary):
            "\(reference) is for \(BundleRefusal.words(sites))\(canary ? ", a canary of them" : "")"
                + ", and not for here"
        case .version(let reference, let held) where reference.version == held:
            "there is another \(reference) here already"
        case .version(let reference, let held):
            "\(reference) is older than version \(held), which is held here"
        case .expired(let reference, let end, let now):
            "\(reference) could be taken until \(end), and it is \(now)"
        case .digest(let reference): "the content of \(reference) is not what its head promises"
        case .rows(let reference, let message, _): "\(reference): \(message)"
        case .name(let reference, let called):
            "what is signed is \(reference), and it is called '\(called)'"
        }
    }

    /// What to do.
    package var fix: String {
        switch self {
        case .noKeys: "name one with the setting policyKeys (--policy-keys FILE.pub)"
        case .unknownKey: "sign it with a key that is"
        case .brokenSignature: "sign it again, or copy it again"
        case .tooLarge: "make several policies of it"
        case .unreadable: "it may be from a later version of Skerry: update this side"
        case .role: "sign with a key whose role is '\(TrustedKey.policyRole)'"
        case .scope: "apply the Site first, or sign it for other sites"
        case .version(let reference, let held) where reference.version == held:
            "sign what is new with a higher version"
        case .version(let reference, _):
            "to go back, sign the older content as a new version: "
                + "skerry policy rollback \(reference.name) --to VERSION"
        case .expired, .digest: "sign it again"
        case .rows(_, _, let fix): fix
        case .name(let reference, _): "write metadata.name: \(reference.name)"
        }
    }

    private static func words(_ sites: [SiteID]) -> String {
        if sites.isEmpty { return "every site" }
        let shown = sites.prefix(5).map(\.text).joined(separator: ", ")
        return (sites.count == 1 ? "site " : "sites ") + shown + (sites.count > 5 ? ", …" : "")
    }
}
