package struct SecretID: Name {
    package let text: String
    package init(_ text: String) { self.text = text }
}

/// Values that workloads need and nobody else may read.
///
/// `data` is there on the way from a person to the hub alone. What the hub keeps and sends is `sealed`,
/// and what people are shown is neither.
package struct Secret: Hashable, Codable, Sendable {
    package var metadata: Metadata
    /// As with other orchestrators: a word for people and tools.
    package var type: String
    /// Base64 by key.
    package var data: [String: String]
    package var sealed: SealedValues?
    package var status: SecretStatus?

    /// Of all values together, and how many there may be.
    package static let bytesMax = 64 << 10
    package static let keysMax = 64
    package static let opaque = "Opaque"

    package init(
        metadata: Metadata, type: String = opaque, data: [String: String] = [:],
        sealed: SealedValues? = nil, status: SecretStatus? = nil
    ) {
        self.metadata = metadata
        self.type = type
        self.data = data
        self.sealed = sealed
        self.status = status
    }

    package var id: SecretID { SecretID(metadata.name) }

    /// As people may see it.
    package var shown: Secret {
        var shown = self
        shown.status = sealed.map { SecretStatus(keys: $0.keys) } ?? status
        shown.data = [:]
        shown.sealed = nil
        return shown
    }
}

extension Secret {
    private enum CodingKeys: String, CodingKey { case metadata, type, data, sealed, status }

    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        metadata = try fields.decode(Metadata.self, forKey: .metadata)
        type = try fields.decodeIfPresent(String.self, forKey: .type) ?? Secret.opaque
        data = try fields.decodeIfPresent([String: String].self, forKey: .data) ?? [:]
        sealed = try fields.decodeIfPresent(SealedValues.self, forKey: .sealed)
        status = try fields.decodeIfPresent(SecretStatus.self, forKey: .status)
    }

    package func encode(to encoder: any Encoder) throws {
        var fields = encoder.container(keyedBy: CodingKeys.self)
        try fields.encode(metadata, forKey: .metadata)
        try fields.encode(type, forKey: .type)
        if !data.isEmpty { try fields.encode(data, forKey: .data) }
        try fields.encodeIfPresent(sealed, forKey: .sealed)
        try fields.encodeIfPresent(status, forKey: .status)
    }
}

/// Values must not reach a log by way of a printed object.
extension Secret: CustomStringConvertible, CustomDebugStringConvertible {
    package var description: String { "Secret \(metadata.name)" }
    package var debugDescription: String { description }
}

package struct SecretStatus: Hashable, Codable, Sendable {
    /// What its values are called, in order.
    package var keys: [String]

    package init(keys: [String]) { self.keys = keys }
}

/// The values of a Secret, for one reader.
///
/// Sealing the same values twice gives two boxes. What tells whether they are the same is the digest,
/// which the hub makes with a key of its own, so nobody else can try values against it.
package struct SealedValues: Codable, Sendable {
    package var digest: String
    package var keys: [String]
    /// In hexadecimal.
    package var box: String
    /// Whose key opens the box, in hexadecimal: a node's; nil for the hub's own.
    package var reader: String?

    package init(digest: String, keys: [String], box: String, reader: String? = nil) {
        self.digest = digest
        self.keys = keys
        self.box = box
        self.reader = reader
    }
}

extension SealedValues: Hashable {
    package static func == (left: SealedValues, right: SealedValues) -> Bool {
        left.digest == right.digest && left.keys == right.keys
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(digest)
        hasher.combine(keys)
    }
}

/// One value of a Secret: `NAME/KEY`.
package struct SecretReference: Hashable, Sendable, CustomStringConvertible {
    package var secret: SecretID
    package var key: String

    /// Nil unless it is a name and a key with one slash between them.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, isDNSLabel(String(parts[0])),
            SecretReference.isKey(String(parts[1]))
        else { return nil }
        secret = SecretID(String(parts[0]))
        key = String(parts[1])
    }

    package var description: String { "\(secret)/\(key)" }

    /// Whether a value may be called so: it becomes the name of a file.
    package static func isKey(_ text: String) -> Bool {
        (1...253).contains(text.utf8.count) && text != "." && text != ".."
            && text.utf8.allSatisfy {
                (97...122).contains($0) || (65...90).contains($0) || (48...57).contains($0)
                    || [45, 46, 95].contains($0)
            }
    }
}

extension SecretReference: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let reference = SecretReference(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "a reference to a Secret is NAME/KEY")
        }
        self = reference
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

/// All values of a Secret as files in a directory that is in memory.
package struct SecretMount: Hashable, Codable, Sendable {
    package var secret: SecretID
    /// The directory inside; nil for the usual place, which the container finds in `SKERRY_SECRETS`.
    package var target: String?

    package init(secret: SecretID, target: String? = nil) {
        self.secret = secret
        self.target = target
    }
}

extension ContainerSpec {
    /// What it needs of each Secret: the keys that it names, none where it takes all as files.
    package var secretNeeds: [SecretID: Set<String>] {
        var needs: [SecretID: Set<String>] = [:]
        for mount in secretFiles { needs[mount.secret, default: []] = [] }
        for reference in secretEnv.values {
            needs[reference.secret, default: []].insert(reference.key)
        }
        return needs
    }
}

extension [ContainerSpec] {
    /// The Secrets that any of them names, in order.
    package var secrets: [SecretID] { Set(flatMap(\.secretNeeds.keys)).sorted() }
}
