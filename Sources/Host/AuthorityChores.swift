import Model
import Transport

/// What people do with a fleet's root: make it elsewhere, have an issuing authority signed by it, and
/// replace either while nodes are away. On the hub's machine; a hub that runs takes up what was replaced
/// within seconds. Nothing here needs a network.
package struct AuthorityChores {
    private let files: AuthorityFiles
    private let name: String
    private let now: WallTime

    /// Opens a hub's directory.
    ///
    /// - Parameter isBeginning: whether what is done there may be the first of all.
    package init(
        _ settings: HubSettings, isBeginning: Bool = false,
        log: @escaping @Sendable (String) -> Void
    ) throws {
        let directory = settings.state + "/identity"
        guard isBeginning || PrivateFile.isDirectory(directory) else {
            throw HostError.identity(
                "there is no hub in \(settings.state); make one with: "
                    + "skerry hub init --state \(settings.state)")
        }
        try PrivateFile.makeDirectory(directory)
        files = AuthorityFiles(
            directory: directory,
            vault: try Vault(settings.state, settings.seal, settings.sealBefore, log: log))
        name = settings.name
        now = try FleetTime(ofHub: directory).attest()
    }

    // MARK: - Where the root's key is

    /// Makes a root in a directory that only its owner may enter: `root.pem` with the key, `root.crt`
    /// to be handed on. With `former` that root gives a certificate to the new one, `links.crt`.
    package static func makeRoot(
        named name: String, in directory: String, following former: String? = nil
    ) throws {
        let now = SystemClock.now().wall
        try PrivateFile.makeDirectory(directory)
        let path = directory + "/root.pem"
        guard try PrivateFile.read(path) == nil else {
            throw HostError.identity("there is a root in \(path) already; choose another directory")
        }
        let root = try RootAuthority(
            name: try serial(name, now), validity: HubAuthority.rootLife, now: now)
        if let former {
            let link = try AuthorityChores.root(at: former).vouch(for: root, now: now)
            // A hub that has not heard of the former gets both at once.
            let links = try TrustRoots.links(
                adding: link, to: AuthorityChores.links(beside: former), at: now)
            try PrivateFile.write(links.kept, to: directory + "/links.crt")
        }
        try PrivateFile.write(try root.trustRoots, to: directory + "/root.crt")
        // Last: without it the directory holds nothing that anybody trusts.
        try PrivateFile.write(try root.pem, to: path)
    }

    /// Signs the request of a hub. Answers what the hub takes in: its authority, the root, and what
    /// earlier roots gave to that.
    package static func sign(_ request: String, with root: String, for days: Int) throws -> String {
        guard let text = try PrivateFile.read(request) else {
            throw HostError.file(request, doing: "read", "there is no such file")
        }
        let authority = try AuthorityChores.root(at: root)
        return try authority.sign(
            request: text, validity: .seconds(days * 86_400), now: SystemClock.now().wall)
            + authority.trustRoots + links(beside: root)
    }

    private static func links(beside root: String) throws -> String {
        let directory = root.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
        return try PrivateFile.read((directory.isEmpty ? "." : directory) + "/links.crt") ?? ""
    }

    private static func root(at path: String) throws -> RootAuthority {
        guard let text = try PrivateFile.read(path) else {
            throw HostError.file(path, doing: "read", "there is no such file")
        }
        return try RootAuthority(pem: text)
    }

    /// A root is a name and a key, so that of each differs.
    private static func serial(_ name: String, _ now: WallTime) throws -> String {
        let suffix = "-\(now.milliseconds / 1000)-\(UInt16.random(in: 10_000...65_535))"
        guard isDNSLabel(name), name.utf8.count + suffix.utf8.count <= 63 else {
            throw HostError.identity("'\(name)' cannot name a root: use a-z, 0-9 and hyphens")
        }
        return name + suffix
    }

    // MARK: - On the hub

    /// Makes a key for an issuing authority, and answers the request to have it signed.
    package func request() throws -> String {
        let key = NodeKey()
        try files.write(key.pem, to: .asked)
        return try key.request(named: name)
    }

    /// Takes in what the root signed. A root that is not this hub's is taken where it is the first, or
    /// where one that this hub accepts gave it a certificate.
    package func install(_ path: String) throws {
        guard let bundle = try PrivateFile.read(path) else {
            throw HostError.file(path, doing: "read", "there is no such file")
        }
        guard let key = try files.text(.asked) else {
            throw HostError.identity(
                "this hub has asked for nothing: begin with 'skerry ca request'")
        }
        let parts = try AuthorityBundle(bundle, key: key, name: name, now: now)
        let hasRoot = try files.text(.root) != nil || files.text(.rootAlone) != nil
        if hasRoot {
            let root = try current()
            if try !TrustRoots.holds(root, parts.root) {
                _ = try TrustRoots.extend(
                    root + (files.text(.rootsBefore) ?? ""), with: parts.root + parts.links, at: now
                )
                try keepBefore(root)
            }
        }
        let links = try parts.links.isEmpty ? nil : links(adding: parts.links)
        if let links { try files.write(links, to: .links) }
        try files.write(parts.root, to: .rootAlone)
        try files.write(try parts.issuing.pem, to: .issuing)
        // The key of a root that was here signs nothing from here on.
        try files.remove(.root)
        try files.remove(.asked)
    }

    /// Makes a new issuing authority from the root, which must be here. What the one before signed
    /// stays good until it ends.
    package func rotateIssuing() throws {
        let root = try rootHere()
        try files.write(
            try root.issueIssuing(name: name, validity: HubAuthority.issuingLife, now: now).pem,
            to: .issuing)
    }

    /// Makes a new root and an issuing authority below it. Whoever trusts the one before accepts the
    /// new one, by the certificate that it got from that.
    ///
    /// - Throws: where a node that is away could know none of the roots that are still vouched for.
    package func rotateRoot() throws {
        let root = try rootHere()
        let next = try RootAuthority(
            name: try AuthorityChores.serial(name, now), validity: HubAuthority.rootLife, now: now)
        let links = try links(adding: root.vouch(for: next, now: now))
        // In this order: until the new root is in its place all that is there is accepted besides.
        try files.write(links, to: .links)
        try keepBefore(try root.trustRoots)
        try files.write(try next.pem, to: .root)
        try files.write(
            try next.issueIssuing(name: name, validity: HubAuthority.issuingLife, now: now).pem,
            to: .issuing)
    }

    /// Accepts nothing below earlier roots any more.
    package func retire() throws { try files.retire() }

    private func rootHere() throws -> RootAuthority {
        guard let text = try files.text(.root) else {
            throw HostError.identity(
                "the root's key is not on this hub: rotate where it is, with --root FILE --to "
                    + "DIRECTORY, and then 'skerry ca request', 'sign' and 'install'")
        }
        return try RootAuthority(pem: text)
    }

    private func current() throws -> String {
        if let alone = try files.text(.rootAlone) { return alone }
        return try rootHere().trustRoots
    }

    private func keepBefore(_ root: String) throws {
        let before = try files.text(.rootsBefore) ?? ""
        guard !before.contains(root) else { return }
        try files.write(
            try TrustRoots.newest(TrustRoots.linksMax, of: root + before), to: .rootsBefore)
    }

    /// What this hub shows with a newer link, if nobody can be away who needs one that goes for it.
    private func links(adding newer: String) throws -> String {
        let (kept, dropped) = try TrustRoots.links(
            adding: newer, to: files.text(.links) ?? "", at: now)
        if let since = dropped.max(), since + AuthorityChores.awayMax > now {
            throw HostError.identity(
                "roots were replaced \(TrustRoots.linksMax) times since \(since), and a node that was "
                    + "away meanwhile would have to be enrolled anew; run 'skerry ca retire' first if "
                    + "every node has been in contact since the last time, or wait until "
                    + "\(since + AuthorityChores.awayMax)")
        }
        return kept
    }

    /// As long as the authority of a node may be good at most.
    private static let awayMax = Duration.seconds(40 * 86_400)
}
