/// What happened, folded into one number: equal runs give equal numbers.
///
/// FNV-1a over whole words instead of bytes: the codes are small and many.
struct Chronicle {
    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var events = 0

    mutating func record(_ code: UInt64, _ value: UInt64, at time: Int64) {
        fold(code)
        fold(value)
        fold(UInt64(bitPattern: time))
        events += 1
    }

    private mutating func fold(_ word: UInt64) {
        hash = (hash ^ word) &* 0x0000_0100_0000_01B3
        hash ^= hash >> 29
    }
}
