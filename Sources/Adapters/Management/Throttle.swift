import Model
import Synchronization

/// Too much was asked.
struct Haste: Error {
    let refusal: Refusal
    /// When to come again.
    let seconds: Int
}

/// Keeps one identity from taking what is there for all: so many requests in a second, and so many
/// tokens that are not good from one address.
///
/// Counts at most `callersMax` of them; beyond that the ones that asked longest ago are forgotten.
final class Throttle: Sendable {
    private enum Caller: Hashable {
        case identity(Principal)
        case address(String)
    }

    /// Fills with time and is emptied by requests.
    private struct Bucket {
        var level: Double
        var filledAt: ContinuousClock.Instant
    }

    private let limits: Limits
    private let buckets = Mutex<[Caller: Bucket]>([:])

    init(_ limits: Limits) { self.limits = limits }

    func admit(_ requester: Requester, at now: ContinuousClock.Instant = .now) throws(Haste) {
        let rate = Double(limits.requestsPerSecond)
        let burst = Double(limits.requestsBurst)
        let left = take(1, from: .identity(requester.principal), rate, burst, at: now)
        guard left < 0 else { return }
        throw Haste(
            refusal: Refusal(
                .throttled,
                "\(requester.principal) asks more than \(limits.requestsPerSecond) times a second; "
                    + "wait for a moment, and watch instead of asking again"),
            seconds: max(1, Int((-left / rate).rounded(.up))))
    }

    /// A token that was not good. Throws when there were too many of them.
    func noteGuess(
        from address: String, at now: ContinuousClock.Instant = .now
    ) throws(Haste) {
        let rate = Double(limits.guessesPerMinute) / 60
        let left = take(
            1, from: .address(address), rate, Double(limits.guessesPerMinute), at: now)
        guard left < 0 else { return }
        throw Haste(
            refusal: Refusal(
                .throttled, "too many tokens from \(address) were not good; wait for a while"),
            seconds: max(1, Int((-left / rate).rounded(.up))))
    }

    /// What is left; less than nothing where there was not enough, and then nothing is taken.
    private func take(
        _ amount: Double, from caller: Caller, _ rate: Double, _ burst: Double,
        at now: ContinuousClock.Instant
    ) -> Double {
        buckets.withLock { buckets in
            var bucket = buckets[caller] ?? Bucket(level: burst, filledAt: now)
            let passed = (now - bucket.filledAt) / .seconds(1)
            bucket.level = min(burst, bucket.level + max(0, passed) * rate)
            bucket.filledAt = now
            let left = bucket.level - amount
            if left >= 0 { bucket.level = left }
            if buckets[caller] == nil, buckets.count >= limits.callersMax {
                let oldest = buckets.min { $0.value.filledAt < $1.value.filledAt }
                if let oldest { buckets[oldest.key] = nil }
            }
            buckets[caller] = bucket
            return left
        }
    }
}
