import Containers
import Foundation
import Model
import Transport
import Trust

/// Opens values for the containers of this node, for the moment of their start and for files in memory.
struct NodeSecrets: Sendable {
    /// Where a container finds its files.
    static let inside = "/run/skerry/secrets"

    private let key: SecretsKey
    private let rooms: RuntimeRooms
    /// Whether what is started sees the node's own files.
    private let sharesFiles: Bool

    /// The half that the hub is told.
    var publicKey: String { hexadecimal(key.publicKey) }

    init(in vault: Vault, at path: String, rooms: RuntimeRooms, engine: any Engine) throws {
        let text = try vault.claim(path) { hexadecimal(SecretsKey().bytes) + "\n" }
        guard let bytes = bytes(hexadecimal: text.filter { !$0.isWhitespace }) else {
            throw HostError.identity(
                "\(path) is damaged; remove it, and the hub seals everything for a new key")
        }
        key = try SecretsKey(bytes: bytes)
        self.rooms = rooms
        sharesFiles = engine is ProcessEngine
    }

    /// The request with values in the place of references.
    func opened(_ request: StartRequest) throws(EngineFailure) -> StartRequest {
        guard !request.spec.secretNeeds.isEmpty else { return request }
        var known: [SecretID: [String: Data]] = [:]
        for (id, values) in request.secrets { known[id] = try open(values, of: id) }
        var request = request
        request.secrets = [:]
        for (name, reference) in request.spec.secretEnv {
            guard let value = known[reference.secret]?[reference.key] else {
                throw missing(reference.secret)
            }
            guard let text = String(data: value, encoding: .utf8), !text.utf8.contains(0) else {
                throw EngineFailure(
                    .refused,
                    "the value \(reference) cannot be a variable: it is not text; take it as a file, "
                        + "with secretFiles")
            }
            request.env[name] = text
        }
        guard !request.spec.secretFiles.isEmpty else { return request }
        let directory = try rooms.renew("secrets", of: request.id, isShared: sharesFiles)
        for mount in request.spec.secretFiles {
            guard let values = known[mount.secret] else { throw missing(mount.secret) }
            let source = directory + "/" + mount.secret.text
            try rooms.write(values, to: source, isShared: sharesFiles)
            try show(mount, from: source, in: &request)
        }
        request.env["SKERRY_SECRETS"] = sharesFiles ? directory : NodeSecrets.inside
        return request
    }

    private func show(
        _ mount: SecretMount, from source: String, in request: inout StartRequest
    ) throws(EngineFailure) {
        guard !sharesFiles else {
            guard mount.target == nil else {
                throw EngineFailure(
                    .refused,
                    "'\(request.id)' wants Secret '\(mount.secret)' at \(mount.target ?? ""), and "
                        + "processes see the node's own files: leave 'target' out and read below "
                        + "$SKERRY_SECRETS, or use a container engine")
            }
            return
        }
        request.spec.mounts.append(
            Mount(
                source: source,
                target: mount.target ?? NodeSecrets.inside + "/" + mount.secret.text,
                readOnly: true))
    }

    private func open(
        _ values: SealedValues, of secret: SecretID
    ) throws(EngineFailure) -> [String: Data] {
        do {
            let name = SecretText.name(secret, values.digest)
            guard let box = bytes(hexadecimal: values.box) else {
                throw SealingFault.notSealedHere
            }
            var text = try key.open(box, as: name)
            defer { Entropy.wipe(&text) }
            return try SecretText.values(text)
        } catch {
            throw EngineFailure(
                .refused,
                "Secret '\(secret)' cannot be opened on this node: it was sealed for an earlier key "
                    + "of it; the hub sends it anew at the next contact")
        }
    }

    private func missing(_ secret: SecretID) -> EngineFailure {
        EngineFailure(.refused, "Secret '\(secret)' is not on this node; apply it at the hub")
    }
}
