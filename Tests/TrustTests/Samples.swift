import Model
import Trust

/// Keys and bundles that are the same in every run.
enum Samples {
    static func key(_ number: UInt8 = 1, role: String = TrustedKey.policyRole) throws -> SigningKey
    {
        try SigningKey(role: role, seed: (0..<32).map { number &+ $0 })
    }

    static let spec = PolicySpec(
        scope: PolicyScope(sites: ["rural", "urban"]), pattern: .mesh,
        stalenessBound: .seconds(600), autonomyWindow: .hours(48),
        authority: [
            AuthorityOverride(
                domain: .update, staleness: .stale, tier: .critical, reach: .alone,
                verdict: .hold, by: .central),
            AuthorityOverride(domain: .scaling, verdict: .restrict),
        ])

    static let issuedAt = WallTime(milliseconds: 1_800_000_000_000)
    static let notAfter = issuedAt + .seconds(86_400)

    static func payload(
        version: UInt64 = 7, role: String = TrustedKey.policyRole, spec: PolicySpec = spec
    ) -> PolicyPayload {
        PolicyPayload(
            role: role, reference: PolicyReference(name: "night-freeze", version: version),
            issuedAt: issuedAt, notAfter: notAfter, spec: spec)
    }

    static func bundle(version: UInt64 = 7, spec: PolicySpec = spec) throws -> PolicyBundle {
        try key().sign(payload(version: version, spec: spec))
    }
}

/// Why a bundle is refused; nil where it is taken.
func refusal(
    of bundle: PolicyBundle, to audience: Audience = .node("rural-1", site: "rural"),
    trusting keys: [TrustedKey]? = nil, holding version: UInt64? = nil,
    at now: WallTime = Samples.issuedAt
) throws -> BundleRefusal? {
    let keys = try keys ?? [Samples.key().trusted]
    do {
        _ = try bundle.admitted(to: audience, trusting: keys, holding: { _ in version }, at: now)
        return nil
    } catch {
        return error
    }
}
