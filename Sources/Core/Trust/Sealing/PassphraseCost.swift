import Crypto
import CryptoExtras

/// How much work and memory it takes to try one passphrase: the parameters of scrypt (RFC 7914).
package struct PassphraseCost: Hashable, Sendable {
    /// The power of two of rounds.
    package var rounds: Int
    package var blockSize: Int
    package var parallelism: Int

    /// 32 MiB and about a quarter of a second on a small machine, at each start: as strong as the
    /// 128 MiB and one lane that are often advised, on nodes that have not that much to spare.
    package static let standard = PassphraseCost(rounds: 15, blockSize: 8, parallelism: 3)

    package init(rounds: Int, blockSize: Int, parallelism: Int) {
        self.rounds = rounds
        self.blockSize = blockSize
        self.parallelism = parallelism
    }

    /// A damaged or hostile file shall not take all the memory there is.
    var isBounded: Bool {
        (14...18).contains(rounds) && (8...16).contains(blockSize) && (1...8).contains(parallelism)
    }

    package func key(
        from passphrase: [UInt8], salt: [UInt8]
    ) throws(SealingFault) -> SealingKey {
        guard isBounded, salt.count >= 16 else { throw .parameters }
        do {
            return SealingKey(
                try KDF.Scrypt.deriveKey(
                    from: passphrase, salt: salt, outputByteCount: SealingKey.byteCount,
                    rounds: 1 << rounds, blockSize: blockSize, parallelism: parallelism))
        } catch {
            throw .parameters
        }
    }
}
