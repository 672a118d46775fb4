import Glibc
import Model

/// Reads both clocks of this machine.
///
/// The monotonic one is CLOCK_BOOTTIME: it also counts while the machine sleeps, so a node that
/// slept through its timers notices.
enum SystemClock {
    static func now() -> Moment {
        Moment(
            monotonic: Instant(nanoseconds: read(CLOCK_BOOTTIME)),
            wall: WallTime(milliseconds: read(CLOCK_REALTIME) / 1_000_000))
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        let result = clock_gettime(clock, &time)
        precondition(result == 0, "Linux has had this clock since 2.6.39")
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}
