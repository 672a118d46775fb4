import Foundation
import Model

/// The values of a Secret as they are inside a box: a JSON object of Base64, so that equal values are
/// equal bytes.
enum SecretText {
    static func bytes(_ values: [String: Data]) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return Array(try encoder.encode(values))
    }

    static func values(_ bytes: [UInt8]) throws -> [String: Data] {
        try JSONDecoder().decode([String: Data].self, from: Data(bytes))
    }

    /// What a box is bound to.
    static func name(_ secret: SecretID, _ digest: String) -> String { "\(secret) \(digest)" }
}
