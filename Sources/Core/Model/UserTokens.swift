/// Leave for one person to use the management interface for a while, without a certificate.
///
/// The hub keeps this record and not the token: what the bearer shows is signed, and counts only as long
/// as the record stands.
package struct UserToken: Hashable, Codable, Sendable {
    /// The public name of the token, which is also in its text.
    package var id: String
    package var user: String
    package var issuedBy: String
    package var issuedAt: WallTime
    package var expiresAt: WallTime
    package var revokedAt: WallTime?
    package var revokedBy: String?

    package init(
        id: String, user: String, issuedBy: String, issuedAt: WallTime, expiresAt: WallTime
    ) {
        self.id = id
        self.user = user
        self.issuedBy = issuedBy
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }

    /// Why the token admits nobody at a moment; nil where it does.
    package func fault(at now: WallTime) -> String? {
        if let revokedAt {
            return "it was revoked at \(revokedAt)" + (revokedBy.map { " by \($0)" } ?? "")
        }
        return now < expiresAt ? nil : "it expired at \(expiresAt)"
    }
}

package struct UserTokenList: Hashable, Codable, Sendable {
    package var items: [UserToken]
    package var asOf: WallTime

    package init(items: [UserToken], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}

/// A token as handed to a person, once. `text` is the only copy.
package struct IssuedUserToken: Hashable, Codable, Sendable {
    package var text: String
    package var token: UserToken

    package init(text: String, token: UserToken) {
        self.text = text
        self.token = token
    }
}

/// Who asks, as the server sees it.
package struct WhoAmI: Hashable, Codable, Sendable {
    /// Nil for the console of a node.
    package var user: String?
    /// `certificate`, `token` or `socket`.
    package var credential: String
    package var token: String?
    package var expiresAt: WallTime?

    package init(
        user: String?, credential: String, token: String? = nil, expiresAt: WallTime? = nil
    ) {
        self.user = user
        self.credential = credential
        self.token = token
        self.expiresAt = expiresAt
    }
}
