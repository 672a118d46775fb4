import Model

/// A rate that cannot be exceeded for longer than its depth lasts, in bytes.
struct TokenBucket: Hashable, Sendable {
    private let bytesPerSecond: Int64
    private let depth: Int64
    /// In millionths of a byte, so that short waits are not lost to rounding.
    private var tokens: Int64
    private var refilled: Instant

    private static let fine: Int64 = 1_000_000

    init(bytesPerSecond: Int, depth: Int, at now: Instant) {
        precondition(bytesPerSecond > 0 && depth > 0, "a bucket that never fills lets nothing pass")
        self.bytesPerSecond = Int64(bytesPerSecond)
        self.depth = Int64(depth) * Self.fine
        tokens = self.depth
        refilled = now
    }

    /// The part of the depth that is there, from 0 to 1.
    mutating func fill(at now: Instant) -> Double {
        refill(at: now)
        return Double(tokens) / Double(depth)
    }

    /// Takes `bytes` if they are there and `reserve` (a part of the depth) stays.
    mutating func take(_ bytes: Int, keeping reserve: Double = 0, at now: Instant) -> Bool {
        refill(at: now)
        let wanted = Int64(bytes) * Self.fine
        guard tokens - wanted >= Int64(Double(depth) * reserve) else { return false }
        tokens -= wanted
        return true
    }

    /// Takes `bytes` whether they are there or not; what is owed is the depth at most.
    mutating func charge(_ bytes: Int, at now: Instant) {
        refill(at: now)
        tokens = max(-depth, tokens - Int64(bytes) * Self.fine)
    }

    private mutating func refill(at now: Instant) {
        // A pause longer than an hour fills any bucket; the product below must not overflow.
        let waited = min(max(0, (now - refilled).nanoseconds), 3_600_000_000_000)
        refilled = max(refilled, now)
        tokens = min(depth, tokens + waited / 1000 * bytesPerSecond)
    }
}
