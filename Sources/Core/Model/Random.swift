/// A seeded source of chance: SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom
/// number generators", 2014). Not for secrets.
package struct Random: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// Uniform from zero up to and including `limit`, in whole milliseconds.
    package mutating func duration(upTo limit: Duration) -> Duration {
        .milliseconds(Int64.random(in: 0...(limit.nanoseconds / 1_000_000), using: &self))
    }

    /// True with this probability.
    package mutating func chance(_ probability: Double) -> Bool {
        Double(next() >> 11) * 0x1p-53 < probability
    }

    /// A generator whose draws do not disturb this one's.
    package mutating func split() -> Random { Random(seed: next()) }
}
