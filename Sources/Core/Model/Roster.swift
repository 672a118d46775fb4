/// Who belongs to the mesh of a site, by whose word, and how each is reached. Whether anybody answers
/// is another matter.
///
/// The hub makes it and signs it; anybody may carry it. One of a lower version is never taken in the
/// place of one of a higher.
package struct Roster: Hashable, Codable, Sendable {
    package struct Member: Hashable, Codable, Sendable {
        package var node: NodeID
        /// The Ed25519 key by which the node signs what it says of itself, in hexadecimal.
        package var key: String
        /// Where its datagrams go: `address:port`; with `/mtls` behind it, where it takes connections of mutual
        /// TLS in their place.
        package var address: String

        package init(node: NodeID, key: String, address: String) {
            self.node = node
            self.key = key
            self.address = address
        }
    }

    package var site: SiteID
    package var version: RosterVersion
    /// By name.
    package var members: [Member]

    package init(site: SiteID, version: RosterVersion, members: [Member] = []) {
        self.site = site
        self.version = version
        self.members = members
    }
}

/// Which of two rosters is the newer: a hub that was restored counts on in a higher epoch.
package struct RosterVersion: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    package var epoch: UInt64
    package var number: UInt64

    package init(epoch: UInt64, number: UInt64) {
        self.epoch = epoch
        self.number = number
    }

    package static let none = RosterVersion(epoch: 0, number: 0)

    package static func < (left: RosterVersion, right: RosterVersion) -> Bool {
        left.epoch == right.epoch ? left.number < right.number : left.epoch < right.epoch
    }

    package var description: String { "\(epoch).\(number)" }
}

/// What a node tells its hub of its place in the mesh; what others need to find and believe it.
package struct MeshContact: Hashable, Codable, Sendable {
    package var key: String
    package var address: String
    /// The roster that it has on disk.
    package var roster: RosterVersion
    /// The plan that it has on disk; nil from agents that take part in no claims.
    package var plan: RosterVersion?

    package init(
        key: String, address: String, roster: RosterVersion = .none, plan: RosterVersion? = nil
    ) {
        self.key = key
        self.address = address
        self.roster = roster
        self.plan = plan
    }

    /// Whether it can stand in a roster: a key of 32 bytes, and a place that is no text of any length.
    package var isWellFormed: Bool {
        key.utf8.count == 64
            && key.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
            && (3...64).contains(address.utf8.count)
            && address.utf8.allSatisfy { (33...126).contains($0) }
    }
}

/// A roster as it travels: its lines, and the hub's signature with the certificates that prove it.
package struct SignedRoster: Hashable, Codable, Sendable {
    package var lines: [String]
    /// ECDSA over the lines, each with a line feed behind it; DER in hexadecimal.
    package var signature: String
    /// PEM of the signer's certificate and of those above it.
    package var chain: String

    package init(lines: [String], signature: String, chain: String) {
        self.lines = lines
        self.signature = signature
        self.chain = chain
    }
}

extension Roster {
    private static let heading = "skerry.dev/v1 roster"
    /// Members of one roster; a longer text is none.
    package static let membersMax = 1024

    /// The text that is signed.
    package var lines: [String] {
        [Roster.heading, "site \(site)", "version \(version.epoch) \(version.number)"]
            + members.map { "member \($0.node) \($0.key) \($0.address)" }
    }

    /// Reads what `lines` wrote; nil for anything else.
    package init?(lines: [String]) {
        guard (3...3 + Roster.membersMax).contains(lines.count), lines[0] == Roster.heading else {
            return nil
        }
        let site = lines[1].split(separator: " ", omittingEmptySubsequences: false)
        let version = lines[2].split(separator: " ", omittingEmptySubsequences: false)
        guard site.count == 2, site[0] == "site", isDNSLabel(String(site[1])),
            version.count == 3, version[0] == "version", let epoch = UInt64(version[1]),
            let number = UInt64(version[2])
        else { return nil }
        var members: [Member] = []
        for line in lines.dropFirst(3) {
            let words = line.split(separator: " ", omittingEmptySubsequences: false)
                .map(String.init)
            guard words.count == 4, words[0] == "member", isDNSLabel(words[1]),
                MeshContact(key: words[2], address: words[3]).isWellFormed,
                members.last.map({ $0.node.text < words[1] }) ?? true
            else { return nil }
            members.append(Member(node: NodeID(words[1]), key: words[2], address: words[3]))
        }
        self.init(
            site: SiteID(String(site[1])), version: RosterVersion(epoch: epoch, number: number),
            members: members)
    }
}
