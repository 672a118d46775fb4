import Crypto
package import Model

/// The key of one log: signs its checkpoints, and a hub's tree heads.
package struct AuditKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// Nil for anything but 32 bytes of entropy.
    package init?(seed: [UInt8]) {
        do {
            key = try Curve25519.Signing.PrivateKey(rawRepresentation: seed)
        } catch {
            return nil
        }
    }

    package var seed: [UInt8] { Array(key.rawRepresentation) }
    package var verifier: AuditVerifyingKey {
        AuditVerifyingKey(bytes: Array(key.publicKey.rawRepresentation))
    }

    package func checkpoint(of chain: AuditChain, at time: WallTime) -> AuditCheckpoint {
        sign(AuditCheckpoint(log: chain.log, index: chain.index, head: chain.head, at: time))
    }

    package func sign(_ checkpoint: AuditCheckpoint) -> AuditCheckpoint {
        var signed = checkpoint
        signed.signature = sign(checkpoint.signedText)
        return signed
    }

    func sign(_ text: [UInt8]) -> String {
        do {
            return hexadecimal(try key.signature(for: text))
        } catch {
            preconditionFailure("Ed25519 signs whatever it is given: \(error)")
        }
    }
}

/// The public half of a log's key.
package struct AuditVerifyingKey: Hashable, Sendable {
    package let bytes: [UInt8]

    package init(bytes: [UInt8]) { self.bytes = bytes }

    package init?(text: String) {
        guard let bytes = Model.bytes(hexadecimal: text), bytes.count == 32 else { return nil }
        self.bytes = bytes
    }

    package var text: String { hexadecimal(bytes) }

    package func verifies(_ checkpoint: AuditCheckpoint) -> Bool {
        verifies(checkpoint.signature, of: checkpoint.signedText)
    }

    func verifies(_ signature: String, of text: [UInt8]) -> Bool {
        guard let signature = Model.bytes(hexadecimal: signature), signature.count == 64 else {
            return false
        }
        do {
            let key = try Curve25519.Signing.PublicKey(rawRepresentation: bytes)
            return key.isValidSignature(signature, for: text)
        } catch {
            // What is no key has signed nothing.
            return false
        }
    }
}

extension AuditCheckpoint {
    /// One line for each field, so that no two checkpoints have the same text.
    package var signedText: [UInt8] {
        Array("skerry-audit-checkpoint 1\n\(log)\n\(index)\n\(head)\n\(at)\n".utf8)
    }

    /// What a Merkle log holds of it.
    package var leaf: [UInt8] { signedText + Array("\(signature)\n".utf8) }
}
