import Model
import Trust

/// Whoever signs policy, on a machine of its own.
struct Signer {
    let key: SigningKey

    init(_ number: UInt8 = 1, role: String = TrustedKey.policyRole) throws {
        key = try SigningKey(role: role, seed: [UInt8](repeating: number, count: 32))
    }

    var trusted: [TrustedKey] { [key.trusted] }

    /// Two years around the time of the benches.
    func bundle(
        _ version: UInt64, named name: String = "freeze", sites: [SiteID] = ["urban"],
        canary: Canary? = nil, rows: [AuthorityOverride] = [Signer.holdUpdates],
        window: Interval? = nil, roles: [RoleBinding] = [], cedar: String? = nil,
        issuedAt: WallTime = WallTime(milliseconds: 1_730_000_000_000),
        notAfter: WallTime = WallTime(milliseconds: 1_790_000_000_000)
    ) throws -> PolicyBundle {
        try key.sign(
            PolicyPayload(
                reference: PolicyReference(name: name, version: version), issuedAt: issuedAt,
                notAfter: notAfter,
                spec: PolicySpec(
                    scope: PolicyScope(sites: sites, canary: canary), autonomyWindow: window,
                    authority: rows, roleBindings: roles, cedar: cedar)))
    }

    static let holdUpdates = AuthorityOverride(domain: .update, verdict: .hold)

    static func name(of bundle: PolicyBundle) -> String {
        let line = bundle.payload.first { $0.hasPrefix("name ") }
        return String(line?.dropFirst(5) ?? "broken")
    }
}
