package import Model

/// What a policy key signs so that a hub may revoke more at once than it may alone: whom, and when.
package struct RevocationWarrant: Equatable, Sendable {
    /// `node/NAME` or `user/NAME`, as it was asked.
    package let subjects: [String]
    package let at: WallTime

    /// A warrant is used at once: one that is found later revokes nobody.
    package static let life = Duration.seconds(3600)
    private static let headline = "skerry revocation warrant 1"
    private static let subjectsMax = 10_000

    /// Nil unless one of `keys` signed it and it says what a warrant says.
    package init?(_ bundle: PolicyBundle, keys: [TrustedKey]) {
        guard bundle.payload.count <= RevocationWarrant.subjectsMax + 2,
            let key = keys.first(where: { $0.id == bundle.key }),
            let signature = bytes(hexadecimal: bundle.signature),
            key.verifies(signature, of: bundle.payload),
            bundle.payload.count >= 3, bundle.payload[0] == RevocationWarrant.headline,
            bundle.payload[1].hasPrefix("at "), let time = Int64(bundle.payload[1].dropFirst(3))
        else { return nil }
        at = WallTime(milliseconds: time)
        subjects = Array(bundle.payload.dropFirst(2))
    }

    fileprivate static func lines(_ subjects: [String], at time: WallTime) -> [String] {
        [headline, "at \(time.milliseconds)"] + subjects
    }
}

extension SigningKey {
    package func warrant(
        revoking subjects: [String], at time: WallTime
    ) throws(KeyFault) -> PolicyBundle {
        try sign(lines: RevocationWarrant.lines(subjects, at: time))
    }
}
