/// Bytes from the system's entropy, and the end of bytes that nobody may find later.
enum Entropy {
    static func bytes(_ count: Int) -> [UInt8] {
        var system = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &system) }
    }

    /// Overwrites them in place. Copies that were made before are not reached.
    @inline(never)
    static func wipe(_ bytes: inout [UInt8]) {
        for index in bytes.indices { bytes[index] = 0 }
    }
}
