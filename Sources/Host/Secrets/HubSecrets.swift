import Foundation
import Model
import Transport
import Trust

/// Takes the values of Secrets at the hub's door: behind it they are sealed, and only on their way to a
/// node are they opened, to be sealed again for that node alone.
struct HubSecrets: Sendable {
    private let key: SealingKey

    init(in vault: Vault, at path: String) throws {
        let text = try vault.claim(path) {
            hexadecimal(Entropy.bytes(SealingKey.byteCount)) + "\n"
        }
        guard let bytes = bytes(hexadecimal: text.filter { !$0.isWhitespace }),
            let key = SealingKey(bytes)
        else {
            throw HostError.identity(
                "\(path) is damaged; restore it from a backup, or remove it and apply every Secret "
                    + "again")
        }
        self.key = key
    }

    // MARK: - From people

    /// The same objects, without a value that is not sealed.
    func sealed(_ objects: [Object]) throws(Refusal) -> [Object] {
        var mistakes: [Mistake] = []
        let sealed = objects.enumerated().map { index, object -> Object in
            guard case .secret(let secret) = object else { return object }
            let found = HubSecrets.mistakes(in: secret, of: index)
            mistakes += found
            guard found.isEmpty else { return .secret(secret.shown) }
            do {
                return .secret(try seal(secret))
            } catch {
                mistakes.append(
                    Mistake(
                        object: index, field: "data", message: "the values cannot be sealed",
                        fix: "try again, and look at the hub's log"))
                return .secret(secret.shown)
            }
        }
        guard mistakes.isEmpty else {
            throw Refusal(
                .invalid, "\(mistakes.count) mistakes; nothing was applied", mistakes: mistakes)
        }
        return sealed
    }

    private func seal(_ secret: Secret) throws -> Secret {
        let values = secret.data.compactMapValues { Data(base64Encoded: $0) }
        var text = try SecretText.bytes(values)
        defer { Entropy.wipe(&text) }
        let digest = key.digest(of: text, for: "secret " + secret.metadata.name)
        let box = try key.seal(
            text, as: SecretText.name(secret.id, digest),
            nonce: Entropy.bytes(SealingKey.nonceCount))
        var sealed = secret
        sealed.data = [:]
        sealed.status = nil
        sealed.sealed = SealedValues(
            digest: digest, keys: values.keys.sorted(), box: hexadecimal(box))
        return sealed
    }

    /// As in a file: whoever speaks to the API may say anything. No message holds a value.
    private static func mistakes(in secret: Secret, of index: Int) -> [Mistake] {
        var mistakes: [Mistake] = []
        func add(_ field: String, _ message: String, _ fix: String) {
            mistakes.append(Mistake(object: index, field: field, message: message, fix: fix))
        }
        if !isDNSLabel(secret.metadata.name) {
            add("metadata.name", "it is no name", "use a-z, 0-9 and hyphens, at most 63")
        }
        if secret.data.isEmpty {
            add("data", "a Secret without values", "write at least one: data: {KEY: BASE64}")
        }
        if secret.data.count > Secret.keysMax {
            add(
                "data", "\(secret.data.count) values", "keep \(Secret.keysMax), or make it several")
        }
        if secret.data.values.reduce(0, { $0 + $1.utf8.count }) > Secret.bytesMax * 3 / 2 {
            add(
                "data", "the values have more than \(Secret.bytesMax >> 10) KiB",
                "split it into several Secrets")
        }
        if !(1...63).contains(secret.type.utf8.count) {
            add("type", "a type of \(secret.type.utf8.count) bytes", "write a word, such as Opaque")
        }
        for (key, value) in secret.data.sorted(by: { $0.key < $1.key }).prefix(Secret.keysMax) {
            let isKey = SecretReference.isKey(key)
            if !isKey {
                add("data", "a key that is none", "use letters, digits, '-', '_' and '.'")
            }
            if Data(base64Encoded: value) == nil {
                add(
                    isKey ? "data.\(key)" : "data", "the value is not Base64",
                    "encode it with: base64 -w0 FILE")
            }
        }
        return mistakes
    }

    // MARK: - To nodes

    /// Seals for the node what the document names as its reader; other documents stay as they are.
    func addressed(_ document: Document) throws -> Document {
        guard case .secret(var values) = document.content, let reader = values.reader else {
            return document
        }
        let name = SecretText.name(SecretID(document.key.name), values.digest)
        guard let box = bytes(hexadecimal: values.box), let publicKey = bytes(hexadecimal: reader)
        else { throw SealingFault.notSealedHere }
        var text = try key.open(box, as: name)
        defer { Entropy.wipe(&text) }
        values.box = hexadecimal(try SecretsKey.seal(text, as: name, for: publicKey))
        var document = document
        document.content = .secret(values)
        return document
    }
}
