package import Model

/// Stops whoever took over a hub from revoking a fleet at once: beyond a share of it inside a window
/// each revocation has to be signed by a policy key as well. Hub and nodes measure alike.
extension RevocationBrake {
    package struct Excess: Equatable, Sendable {
        package var count: Int
        package var allowance: Int
    }

    /// Nil where `list` may take the place of `kept`.
    ///
    /// - Parameter fleet: by how many nodes the share is measured.
    package func excess(
        in list: RevocationList, after kept: RevocationList?, fleet: Int, keys: [TrustedKey]
    ) -> Excess? {
        let warranted = RevocationBrake.warranted(list.warrants, keys: keys)
        let known = Set((kept?.entries ?? []).map(\.identity))
        let times = list.entries.filter { entry in
            !warranted.contains { $0.covers(entry) }
        }.map { entry in
            // One that is new here was made after the list that is here, whatever it says.
            known.contains(entry.identity) ? entry.at : max(entry.at, kept?.issuedAt ?? entry.at)
        }.sorted()
        let allowance = allowance(of: fleet)
        var first = 0
        for (last, time) in times.enumerated() {
            while time - times[first] > window { first += 1 }
            let count = last - first + 1
            if count > allowance { return Excess(count: count, allowance: allowance) }
        }
        return nil
    }

    /// How many more may be revoked at this time.
    package func left(
        in list: RevocationList?, fleet: Int, keys: [TrustedKey], at now: WallTime
    ) -> Int {
        let warranted = RevocationBrake.warranted(list?.warrants ?? [], keys: keys)
        let recent = (list?.entries ?? []).count { entry in
            now - entry.at <= window && !warranted.contains { $0.covers(entry) }
        }
        return max(0, allowance(of: fleet) - recent)
    }

    private static func warranted(
        _ bundles: [PolicyBundle], keys: [TrustedKey]
    ) -> [RevocationWarrant] {
        bundles.compactMap { RevocationWarrant($0, keys: keys) }
    }
}

extension RevocationWarrant {
    package func covers(_ entry: Revocation) -> Bool {
        let distance = max(entry.at - at, at - entry.at)
        return distance <= RevocationWarrant.life
            && subjects.contains { entry.subject.hasSuffix("/" + $0) }
    }
}

extension Revocation {
    /// What tells one from another.
    fileprivate var identity: Identity { Identity(subject: subject, device: device, at: at) }

    fileprivate struct Identity: Hashable {
        let subject: String
        let device: String?
        let at: WallTime
    }
}
