import Model
import Trust

/// What proves who this node is: an authority of its own, which the hub renews, and certificates that
/// live for minutes, which the node makes from it with or without the hub.
///
/// The control link ends with the certificate that opened it. So a new one opens a session beside the
/// one that stands, and once the hub has welcomed that, it takes over: no moment is without a link, and
/// nobody is told of one.
extension Agent {
    struct Credentials: Equatable, Sendable {
        enum Succession: Equatable, Sendable { case none, dialling, greeting }

        var succession = Succession.none
        /// When the hub last renewed the node's authority.
        var certifiedAt: Instant?
        /// What stood for the hub's roots when it was last asked.
        var trust: String?
        /// Why no certificate can be made; people were told.
        var trouble: String?
    }

    func renew(into effects: inout [Effect]) {
        effects.append(.issue(link.isUp ? .connected : .local))
    }

    mutating func noteIssued(
        life: Duration, at issued: Instant, into effects: inout [Effect]
    ) {
        credentials.trouble = nil
        let due = Renewal.due(after: issued, life: life, using: &random)
        // As the end of the node's authority comes near, lives become shorter and shorter.
        effects.append(.wake(at: max(due, issued + Agent.renewalRetry), for: .renewal))
        redial(into: &effects)
    }

    /// A session that stands is followed by one with the newest certificate.
    mutating func redial(into effects: inout [Effect]) {
        guard link.isUp, credentials.succession == .none else { return }
        credentials.succession = .dialling
        effects.append(.redial)
    }

    /// The link goes on with what it has until that ends; so do the workloads, whatever becomes of it.
    mutating func noteIssueFailed(
        _ reason: String, at now: Moment, into effects: inout [Effect]
    ) {
        effects.append(.wake(at: now.monotonic + Agent.renewalRetry, for: .renewal))
        guard credentials.trouble != reason else { return }
        credentials.trouble = reason
        tell(
            .warning, "CertificateNotRenewed", .node, configuration.node.text,
            "no certificate can be made for this node (\(reason)); its workloads go on", at: now)
    }

    mutating func noteRedialFailed(
        _ reason: String, at now: Moment, into effects: inout [Effect]
    ) {
        guard credentials.succession != .none else { return }
        credentials.succession = .none
        ship(at: now, into: &effects)
        let wait = Agent.redialRetry / 2 + random.duration(upTo: Agent.redialRetry)
        effects.append(.wake(at: now.monotonic + wait, for: .redial))
    }

    /// At each new contact, unless the last was just before, on a link that stays up twice a day, and
    /// when the hub has other roots than it had.
    ///
    /// - Parameter trust: what stands for its roots.
    mutating func askAuthority(
        isSuccession: Bool, trust: String?, at now: Moment, into effects: inout [Effect]
    ) {
        let pause: Duration = isSuccession ? .seconds(12 * 3600) : .seconds(3600)
        if let last = credentials.certifiedAt, now.monotonic - last < pause,
            credentials.trust == trust
        {
            return
        }
        credentials.trust = trust
        effects.append(.askAuthority)
    }

    mutating func noteCertified(
        isFirst: Bool, at now: Moment, into effects: inout [Effect]
    ) {
        credentials.certifiedAt = now.monotonic
        // What this node showed until then was of another kind.
        if isFirst { renew(into: &effects) }
    }

    /// How soon a certificate that could not be made, or a session that did not come about, is tried
    /// again: well inside the third of its life that is left.
    private static let renewalRetry = Duration.seconds(60)
    private static let redialRetry = Duration.seconds(30)
}
