import Foundation
import Glibc
import Model

/// Reads both clocks of this machine.
///
/// The monotonic one also counts while the machine sleeps (CLOCK_BOOTTIME on Linux), so a node that
/// slept through its timers notices. It counts from the boot of the machine, so it goes on from one process to the next.
enum SystemClock {
    static func now() -> Moment {
        // Seconds and nanoseconds. By address: the compiler takes the fields of C's `timespec` for those
        // of a library that is not seen here.
        var time: (Int64, Int64) = (0, 0)
        withUnsafeMutablePointer(to: &time) { fields in
            _ = fields.withMemoryRebound(to: timespec.self, capacity: 1) {
                clock_gettime(CLOCK_BOOTTIME, $0)
            }
        }
        return Moment(
            monotonic: Instant(nanoseconds: time.0 * 1_000_000_000 + time.1),
            wall: WallTime(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded())))
    }

    /// A number that no two boots of this machine share: half of the kernel's own id of the boot.
    static func boot() throws -> UInt64 {
        let path = "/proc/sys/kernel/random/boot_id"
        let text = try String(contentsOfFile: path, encoding: .utf8)
        guard let number = UInt64(text.filter(\.isHexDigit).prefix(16), radix: 16) else {
            preconditionFailure("the kernel names its boot with '\(text)', which is no id")
        }
        return number
    }
}
