import Model

/// The clocks of one machine: a monotonic one that begins anew, anywhere, at each boot and runs a
/// little too fast or too slow, and a wall clock that drifts and jumps.
struct Clock {
    private var monotonicBase: Int64
    private var wallOffset: Int64
    /// After so many nanoseconds the monotonic clock gains or loses one.
    private let period: Int64
    private let gain: Int64
    /// Parts per million.
    private let wallDrift: Int64

    init(drift: Double, using random: inout Random) {
        monotonicBase = 0
        let drift = drift * (2 * random.unit - 1)
        period = Int64(1e6 / max(abs(drift), 1e-6))
        gain = drift < 0 ? -1 : 1
        wallDrift = Int64(random.next() % 101) - 50
        wallOffset = Int64(random.next() % 10_000)
        boot(at: 0, using: &random)
    }

    mutating func boot(at time: Int64, using random: inout Random) {
        monotonicBase = Int64(random.next() % 1_000_000_000_000) - time
    }

    mutating func jump(by milliseconds: Int64) { wallOffset += milliseconds }

    func moment(at time: Int64) -> Moment {
        let milliseconds = time / 1_000_000
        return Moment(
            monotonic: Instant(nanoseconds: monotonic(at: time)),
            wall: WallTime(
                milliseconds: Clock.epoch + wallOffset + milliseconds
                    + milliseconds * wallDrift / 1_000_000))
    }

    /// The virtual time at which the monotonic clock shows `instant`.
    func time(of instant: Instant) -> Int64 {
        let shown = instant.nanoseconds - monotonicBase
        let (periods, rest) = shown.quotientAndRemainder(dividingBy: period + gain)
        return periods * period + rest
    }

    private func monotonic(at time: Int64) -> Int64 {
        time + monotonicBase + time / period * gain
    }

    /// 2026-01-01T00:00:00Z: where every simulated story begins.
    private static let epoch: Int64 = 1_767_225_600_000
}
