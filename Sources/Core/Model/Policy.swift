/// What a fleet's owners decided about who may decide, for some sites or all.
///
/// A person writes `spec`, signs it on whatever machine holds the key, and applies what is `signed`.
/// Where both are there, what is signed counts.
package struct Policy: Hashable, Codable, Sendable {
    package var metadata: Metadata
    package var spec: PolicySpec
    /// The signed text that `spec` is read from; nil in what people write.
    package var signed: PolicyBundle?
    package var status: PolicyStatus?

    package init(
        metadata: Metadata, spec: PolicySpec, signed: PolicyBundle? = nil,
        status: PolicyStatus? = nil
    ) {
        self.metadata = metadata
        self.spec = spec
        self.signed = signed
        self.status = status
    }
}

extension Policy {
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try fields.decode(Metadata.self, forKey: .metadata)
        spec = try fields.decodeIfPresent(PolicySpec.self, forKey: .spec) ?? PolicySpec()
        signed = try fields.decodeIfPresent(PolicyBundle.self, forKey: .signed)
        status = try fields.decodeIfPresent(PolicyStatus.self, forKey: .status)
    }
}

/// Rows and bounds that replace those of the sites in scope. What is left out stays the site's.
package struct PolicySpec: Hashable, Codable, Sendable {
    package var scope: PolicyScope
    package var pattern: Pattern?
    package var stalenessBound: Interval?
    package var autonomyWindow: Interval?
    package var authority: [AuthorityOverride]
    /// Who may manage the sites in scope, and as what.
    package var roleBindings: [RoleBinding]
    /// Rules in Cedar beyond what roles say. ASCII, without tabs.
    package var cedar: String?

    package init(
        scope: PolicyScope = PolicyScope(), pattern: Pattern? = nil,
        stalenessBound: Interval? = nil, autonomyWindow: Interval? = nil,
        authority: [AuthorityOverride] = [], roleBindings: [RoleBinding] = [],
        cedar: String? = nil
    ) {
        self.scope = scope
        self.pattern = pattern
        self.stalenessBound = stalenessBound
        self.autonomyWindow = autonomyWindow
        self.authority = authority
        self.roleBindings = roleBindings
        self.cedar = cedar
    }
}

extension PolicySpec {
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        scope = try fields.decodeIfPresent(PolicyScope.self, forKey: .scope) ?? PolicyScope()
        pattern = try fields.decodeIfPresent(Pattern.self, forKey: .pattern)
        stalenessBound = try fields.decodeIfPresent(Interval.self, forKey: .stalenessBound)
        autonomyWindow = try fields.decodeIfPresent(Interval.self, forKey: .autonomyWindow)
        authority = try fields.decodeIfPresent([AuthorityOverride].self, forKey: .authority) ?? []
        roleBindings =
            try fields.decodeIfPresent([RoleBinding].self, forKey: .roleBindings) ?? []
        cedar = try fields.decodeIfPresent(String.self, forKey: .cedar)
    }
}

/// Where a policy holds.
package struct PolicyScope: Hashable, Codable, Sendable {
    /// Empty stands for every site.
    package var sites: [SiteID]
    /// The part of their nodes that takes this version; nil for all of them.
    package var canary: Canary?

    package init(sites: [SiteID] = [], canary: Canary? = nil) {
        self.sites = sites
        self.canary = canary
    }

    package func includes(_ site: SiteID) -> Bool { sites.isEmpty || sites.contains(site) }

    package func includes(_ node: NodeID, at site: SiteID) -> Bool {
        includes(site) && canary?.includes(node) ?? true
    }
}

extension PolicyScope {
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        sites = try fields.decodeIfPresent([SiteID].self, forKey: .sites) ?? []
        canary = try fields.decodeIfPresent(Canary.self, forKey: .canary)
    }
}

/// The nodes that try a version before the others: those named, and a share of all.
package struct Canary: Hashable, Codable, Sendable {
    package var nodes: [NodeID]
    /// In a hundred. A larger share has all nodes of a smaller one.
    package var percent: Int?

    package init(nodes: [NodeID] = [], percent: Int? = nil) {
        self.nodes = nodes
        self.percent = percent
    }

    package func includes(_ node: NodeID) -> Bool {
        nodes.contains(node) || Canary.share(of: node) < percent ?? 0
    }

    /// 0 to 99, by the name alone: every hub and every node comes to the same. The low bits are
    /// mixed once more, since names differ in their last letter.
    private static func share(of node: NodeID) -> Int {
        var name = StableHash()
        name.add(node.text)
        let hash = (name.value ^ (name.value >> 33)) &* 0xff51_afd7_ed55_8ccd
        return Int((hash ^ (hash >> 33)) % 100)
    }
}

extension Canary {
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        nodes = try fields.decodeIfPresent([NodeID].self, forKey: .nodes) ?? []
        percent = try fields.decodeIfPresent(Int.self, forKey: .percent)
    }
}

/// Names one version of one policy. Coded as it is written: `night-freeze@7`.
package struct PolicyReference: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var name: String
    package var version: UInt64

    package init(name: String, version: UInt64) {
        self.name = name
        self.version = version
    }

    package init?(_ text: String) {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, isDNSLabel(String(parts[0])), let version = UInt64(parts[1]) else {
            return nil
        }
        self.init(name: String(parts[0]), version: version)
    }

    package var description: String { "\(name)@\(version)" }

    package static func < (left: PolicyReference, right: PolicyReference) -> Bool {
        (left.name, left.version) < (right.name, right.version)
    }
}

extension PolicyReference: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decoder.text(PolicyReference.init, as: "a version such as night-freeze@7")
    }
    package func encode(to encoder: any Encoder) throws { try encoder.text(description) }
}

/// How far a policy has come.
package struct PolicyStatus: Hashable, Codable, Sendable {
    /// One version that is kept, newest first in the list.
    package struct Version: Hashable, Codable, Sendable {
        package var version: UInt64
        package var issuedAt: WallTime
        /// After it no node takes this version any more. One that has it keeps it.
        package var notAfter: WallTime
        package var canary: Canary?
        /// Nodes that shall have it, and those of them that said they do.
        package var wanted: Int
        package var inForce: Int
        package var signed: PolicyBundle

        package init(
            version: UInt64, issuedAt: WallTime, notAfter: WallTime, canary: Canary?, wanted: Int,
            inForce: Int, signed: PolicyBundle
        ) {
            self.version = version
            self.issuedAt = issuedAt
            self.notAfter = notAfter
            self.canary = canary
            self.wanted = wanted
            self.inForce = inForce
            self.signed = signed
        }
    }

    package var versions: [Version]
    /// Nodes that hold another version than they shall, or said nothing yet.
    package var conditions: [Condition]
    package var observedAt: WallTime

    package init(versions: [Version], conditions: [Condition] = [], observedAt: WallTime) {
        self.versions = versions
        self.conditions = conditions
        self.observedAt = observedAt
    }
}
