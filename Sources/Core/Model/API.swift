/// Any object, as it stands in a file or in an answer: told apart by `kind`.
package enum Object: Hashable, Sendable {
    case site(Site)
    case node(Node)
    case workload(Workload)
    case instance(Instance)
    case policy(Policy)
    case secret(Secret)

    package var kind: Kind {
        switch self {
        case .site: .site
        case .node: .node
        case .workload: .workload
        case .instance: .instance
        case .policy: .policy
        case .secret: .secret
        }
    }

    package var metadata: Metadata {
        switch self {
        case .site(let site): site.metadata
        case .node(let node): node.metadata
        case .workload(let workload): workload.metadata
        case .instance(let instance): instance.metadata
        case .policy(let policy): policy.metadata
        case .secret(let secret): secret.metadata
        }
    }

    /// `Workload/route-optimizer`: how messages name it.
    package var reference: String { "\(kind.rawValue)/\(metadata.name)" }
}

extension Object: Codable {
    private enum Header: String, CodingKey { case apiVersion, kind }

    package init(from decoder: any Decoder) throws {
        let header = try decoder.container(keyedBy: Header.self)
        switch try header.decode(Kind.self, forKey: .kind) {
        case .site: self = .site(try Site(from: decoder))
        case .node: self = .node(try Node(from: decoder))
        case .workload: self = .workload(try Workload(from: decoder))
        case .instance: self = .instance(try Instance(from: decoder))
        case .policy: self = .policy(try Policy(from: decoder))
        case .secret: self = .secret(try Secret(from: decoder))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var header = encoder.container(keyedBy: Header.self)
        try header.encode(Model.apiVersion, forKey: .apiVersion)
        try header.encode(kind, forKey: .kind)
        switch self {
        case .site(let site): try site.encode(to: encoder)
        case .node(let node): try node.encode(to: encoder)
        case .workload(let workload): try workload.encode(to: encoder)
        case .instance(let instance): try instance.encode(to: encoder)
        case .policy(let policy): try policy.encode(to: encoder)
        case .secret(let secret): try secret.encode(to: encoder)
        }
    }
}

/// The answer to a list request.
package struct ObjectList: Hashable, Codable, Sendable {
    package var items: [Object]
    /// When the server put the answer together. Each item carries the age of its own facts.
    package var asOf: WallTime

    package init(items: [Object], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}

package struct EventList: Hashable, Codable, Sendable {
    package var items: [Event]
    package var asOf: WallTime

    package init(items: [Event], asOf: WallTime) {
        self.items = items
        self.asOf = asOf
    }
}

/// What `apply` did, or would do, to one object.
package struct ApplyResult: Hashable, Codable, Sendable {
    package enum Outcome: String, Codable, Sendable { case created, configured, unchanged }

    package var kind: Kind
    package var name: String
    package var outcome: Outcome

    package init(kind: Kind, name: String, outcome: Outcome) {
        self.kind = kind
        self.name = name
        self.outcome = outcome
    }
}

/// One mistake in what was sent. `object` is an index into the request's list.
package struct Mistake: Error, Hashable, Codable, Sendable {
    package var object: Int
    /// `spec.containers[0].image`
    package var field: String
    package var message: String
    /// What to write instead.
    package var fix: String

    package init(object: Int, field: String, message: String, fix: String) {
        self.object = object
        self.field = field
        self.message = message
        self.fix = fix
    }
}

/// A small change to one object that is not worth a manifest.
///
/// Coded as `{"labels":{"a":"b","c":null}}`, `{"cordon":true}` or `{"resolve":"hub"}`.
package enum Edit: Hashable, Sendable {
    /// A nil value removes the label.
    case labels([String: String?])
    case cordon(Bool)
    /// Ends the conflict between a node and its hub.
    case resolve(Side)
}

extension Edit: Codable {
    private enum CodingKeys: String, CodingKey { case labels, cordon, resolve }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        switch fields.allKeys {
        case [.labels]:
            self = .labels(try fields.decode([String: String?].self, forKey: .labels))
        case [.cordon]: self = .cordon(try fields.decode(Bool.self, forKey: .cordon))
        case [.resolve]: self = .resolve(try fields.decode(Side.self, forKey: .resolve))
        default:
            throw DecodingError.dataCorrupted(
                DecodingError.Context(
                    codingPath: decoder.codingPath,
                    debugDescription: "an edit has one of 'labels', 'cordon' and 'resolve'"))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .labels(let labels): try fields.encode(labels, forKey: .labels)
        case .cordon(let isCordoned): try fields.encode(isCordoned, forKey: .cordon)
        case .resolve(let keep): try fields.encode(keep, forKey: .resolve)
        }
    }
}

/// Why a request was not carried out. Every interface maps it to its own codes.
package struct Refusal: Error, Hashable, Codable, Sendable, CustomStringConvertible {
    package enum Code: String, Codable, Sendable {
        case invalid, notFound, denied, conflict, unavailable
        /// Who asks is not known, or no longer.
        case unauthenticated
        /// Too much was asked; wait for a moment.
        case throttled
    }

    package var code: Code
    package var message: String
    package var mistakes: [Mistake]

    package var description: String { message }

    package init(_ code: Code, _ message: String, mistakes: [Mistake] = []) {
        self.code = code
        self.message = message
        self.mistakes = mistakes
    }
}

/// Who answers at the other end.
package struct ServerInfo: Hashable, Codable, Sendable {
    package enum Role: String, Codable, Sendable { case hub, node }

    package var role: Role
    /// The hub's name, or the node's.
    package var name: String
    package var version: String
    /// On a node: whether the hub is in contact, and since when that is so.
    package var hubInContact: Bool?
    package var since: WallTime?
    /// Nil from servers of old, which seal nothing.
    package var disk: DiskProtection?

    package init(
        role: Role, name: String, version: String, hubInContact: Bool? = nil,
        since: WallTime? = nil, disk: DiskProtection? = nil
    ) {
        self.disk = disk
        self.role = role
        self.name = name
        self.version = version
        self.hubInContact = hubInContact
        self.since = since
    }
}

/// What lies sealed on the disk of a hub or a node, and what a thief of that disk would learn.
package struct DiskProtection: Hashable, Codable, Sendable {
    /// `systemd`, `passphrase` or `tpm`: what unwraps the sealing key; nil where nothing is sealed.
    package var sealedBy: String?
    /// For people, a sentence each.
    package var stolenDisk: [String]

    package init(sealedBy: String?, stolenDisk: [String]) {
        self.sealedBy = sealedBy
        self.stolenDisk = stolenDisk
    }
}

/// A join token as handed to a person, once. `text` is the only copy of the secret.
package struct IssuedToken: Hashable, Codable, Sendable {
    package var text: String
    package var site: SiteID
    package var expiresAt: WallTime

    package init(text: String, site: SiteID, expiresAt: WallTime) {
        self.text = text
        self.site = site
        self.expiresAt = expiresAt
    }
}
