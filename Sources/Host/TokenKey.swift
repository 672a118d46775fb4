import Model
import Tokens
import Trust

/// The hub's key for the tokens of people, in a file of its own. Whoever removes it ends them all.
enum TokenKey {
    static func press(
        in directory: String, of vault: Vault
    ) async throws(HostError) -> TokenPress {
        let path = directory + "/token.key"
        let seed: [UInt8]
        if let text = try vault.read(path) {
            let digits = text.filter { !$0.isWhitespace }
            guard let bytes = bytes(hexadecimal: digits), bytes.count == 32 else {
                throw .identity(
                    "\(path) holds no key; remove it to have one made, which ends all tokens of people"
                )
            }
            seed = bytes
        } else {
            seed = Entropy.bytes(32)
            try vault.write(hexadecimal(seed) + "\n", to: path)
        }
        do {
            return try await TokenPress(seed: seed)
        } catch {
            throw .identity("\(path): \(error)")
        }
    }

    /// 16 hexadecimal digits.
    static func newID() -> String { hexadecimal(Entropy.bytes(8)) }
}
