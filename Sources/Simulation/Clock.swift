import Model

/// The clocks of one machine: a monotonic one that begins anew, anywhere, at each boot, and a wall
/// clock that drifts and jumps.
struct Clock {
    private var monotonicBase: Int64
    private var wallOffset: Int64
    /// Parts per million.
    private let drift: Int64

    init(using random: inout Random) {
        monotonicBase = 0
        drift = Int64(random.next() % 101) - 50
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
            monotonic: Instant(nanoseconds: time + monotonicBase),
            wall: WallTime(
                milliseconds: Clock.epoch + wallOffset + milliseconds
                    + milliseconds * drift / 1_000_000))
    }

    /// The virtual time at which the monotonic clock shows `instant`.
    func time(of instant: Instant) -> Int64 { instant.nanoseconds - monotonicBase }

    /// 2026-01-01T00:00:00Z: where every simulated story begins.
    private static let epoch: Int64 = 1_767_225_600_000
}
