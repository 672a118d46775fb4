import Crypto
import Foundation
package import Model

/// Asks nodes that come back for a proof that they hold their device key, and checks it.
///
/// A nonce is good for a short while, for one node and for this process. It says so itself, under a
/// key that nobody else has, so that strangers who ask for many of them cost no memory.
package struct ReturnDesk: Sendable {
    private let key = SymmetricKey(size: .bits256)
    private let now: @Sendable () -> WallTime

    private static let patience: Duration = .seconds(30)

    package init(now: @escaping @Sendable () -> WallTime) { self.now = now }

    package func challenge(for node: NodeID) -> ReturnChallenge {
        ReturnChallenge(nonce: nonce(for: node, at: now()))
    }

    /// Whether who sent this holds the device key that it names.
    package func accepts(_ proof: ReturnProof) -> Bool {
        guard proof.nonce.count == 40 else { return false }
        let time = WallTime(
            milliseconds: Int64(
                bitPattern: proof.nonce.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }))
        let age = now() - time
        guard age >= .zero, age <= ReturnDesk.patience else { return false }
        var message = Array(proof.nonce.prefix(8))
        message += Array(proof.node.text.utf8)
        guard
            HMAC<SHA256>.isValidAuthenticationCode(
                proof.nonce.dropFirst(8), authenticating: message, using: key)
        else { return false }
        return proof.isSigned
    }

    private func nonce(for node: NodeID, at time: WallTime) -> [UInt8] {
        let stamp = withUnsafeBytes(of: UInt64(bitPattern: time.milliseconds).bigEndian) {
            Array($0)
        }
        return stamp
            + HMAC<SHA256>.authenticationCode(
                for: stamp + Array(node.text.utf8), using: key)
    }
}

extension ReturnProof {
    /// Signs what the hub asked for.
    package init(
        node: NodeID, nonce: [UInt8], key: NodeKey, device: any DeviceKey
    ) throws(CredentialError) {
        self.init(
            node: node, nonce: nonce, publicKey: key.publicKey, deviceKey: device.publicKey,
            signature: [])
        do {
            signature = try device.signature(of: message)
        } catch {
            throw .key(reason: "\(error)")
        }
    }

    var isSigned: Bool {
        do {
            let key = try P256.Signing.PublicKey(derRepresentation: deviceKey)
            return key.isValidSignature(
                try P256.Signing.ECDSASignature(derRepresentation: signature), for: message)
        } catch {
            return false
        }
    }

    /// Each part behind its length, so that no two proofs read the same.
    private var message: [UInt8] {
        var message = Array("skerry return 1".utf8)
        for part in [Array(node.text.utf8), nonce, publicKey, deviceKey] {
            message += withUnsafeBytes(of: UInt32(part.count).bigEndian) { Array($0) }
            message += part
        }
        return message
    }
}
