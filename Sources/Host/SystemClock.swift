import Foundation
import Model

/// Reads both clocks of this machine.
///
/// The monotonic one also counts while the machine sleeps (CLOCK_BOOTTIME on Linux), so a node that
/// slept through its timers notices. It counts from the start of this process.
enum SystemClock {
    private static let origin = ContinuousClock.now

    static func now() -> Moment {
        // Made by its first use, which has to come before the reading: time would begin below zero.
        let origin = origin
        return Moment(
            monotonic: Instant(nanoseconds: (ContinuousClock.now - origin).nanoseconds),
            wall: WallTime(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded())))
    }
}
