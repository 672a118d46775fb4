package import Model

/// Tokens with which people ask without a certificate.
extension Hub {
    /// A token is of use for so long at most: what is short-lived need not be found when it is lost.
    package static let userTokenLifeMax = Duration.seconds(7 * 86_400)
    /// How long the record of a token that is over is kept, to say why it is refused.
    private static let userTokenMemory = Duration.seconds(7 * 86_400)

    /// All that are known, those that are over included; by user and age.
    package var peopleTokens: [UserToken] {
        userTokens.rows.sorted {
            ($0.user, $0.issuedAt, $0.id) < ($1.user, $1.issuedAt, $1.id)
        }
    }

    package func userToken(_ id: String) -> UserToken? { userTokens[id] }

    mutating func vouch(_ token: UserToken, at now: Moment) throws(Refusal) {
        guard isDNSLabel(token.user) else {
            throw Refusal(
                .invalid,
                "'\(token.user)' is no name of a user: use lower-case letters, digits and hyphens, "
                    + "at most 63")
        }
        let life = token.expiresAt - token.issuedAt
        guard life > .zero, life <= Hub.userTokenLifeMax else {
            throw Refusal(.invalid, "a token is for a moment at least and for 7d at most")
        }
        forgetUserTokens(at: now)
        let valid = userTokens.rows.filter { $0.fault(at: now.wall) == nil }
        guard valid.count < limits.userTokens else {
            throw Refusal(
                .conflict, "\(limits.userTokens) tokens are out already; revoke some first")
        }
        guard valid.count(where: { $0.user == token.user }) < limits.tokensPerUser else {
            throw Refusal(
                .conflict,
                "\(limits.tokensPerUser) tokens of '\(token.user)' are out already; revoke some: "
                    + "skerry get tokens")
        }
        userTokens.insert(token, for: token.id)
        journal.writes.append(.userToken(token))
        tell(
            .normal, "TokenIssued", .policy, "people",
            "\(token.issuedBy) made token \(token.id) for user '\(token.user)', until "
                + "\(token.expiresAt)", at: now)
    }

    /// One that is over already stays as it is.
    mutating func revokeToken(
        _ id: String, by who: String, at now: Moment
    ) throws(Refusal) -> UserToken {
        guard var token = userTokens[id] else {
            throw Refusal(.notFound, "there is no token '\(id)'; skerry get tokens lists them")
        }
        guard token.revokedAt == nil else { return token }
        token.revokedAt = now.wall
        token.revokedBy = who
        userTokens.insert(token, for: id)
        journal.writes.append(.userToken(token))
        tell(
            .normal, "TokenRevoked", .policy, "people",
            "\(who) revoked token \(id) of user '\(token.user)'", at: now)
        return token
    }

    /// Whoever is revoked loses the tokens too that are out; one that is made later is good.
    mutating func endTokens(of entry: Revocation, by who: String, at now: Moment) {
        for var token in userTokens.rows
        where SubjectName.user(token.user) == entry.subject && token.fault(at: now.wall) == nil {
            token.revokedAt = now.wall
            token.revokedBy = who
            userTokens.insert(token, for: token.id)
            journal.writes.append(.userToken(token))
        }
    }

    /// What a backup holds as good may have been revoked since.
    mutating func revokeAllTokens(at now: Moment) {
        for var token in userTokens.rows where token.fault(at: now.wall) == nil {
            token.revokedAt = now.wall
            token.revokedBy = "the return from a backup"
            userTokens.insert(token, for: token.id)
            journal.writes.append(.userToken(token))
        }
    }

    private mutating func forgetUserTokens(at now: Moment) {
        let limit = limits.userTokens * 4
        let over = userTokens.rows.filter { $0.fault(at: now.wall) != nil }
            .sorted { $0.expiresAt < $1.expiresAt }
        for (index, token) in over.enumerated() {
            let isOld = token.expiresAt + Hub.userTokenMemory < now.wall
            guard isOld || userTokens.count - index > limit else { continue }
            userTokens.remove(token.id)
            journal.writes.append(.removeUserToken(id: token.id))
        }
    }
}
