package import Model

/// How long ago something was, in the two units that matter at its size: `45s`, `3m12s`, `41h`.
///
/// Always between two readings of the same server, so that a wrong clock here changes nothing.
package struct Age: Hashable, Sendable, CustomStringConvertible {
    private let seconds: Int64

    /// Nil where there is no time to speak of, or where it lies more than a minute ahead: such a
    /// time is wrong, and not an age. Less than that is two clocks that differ a little.
    package init?(of time: WallTime?, asOf now: WallTime) {
        guard let time else { return nil }
        let seconds = (now.milliseconds - time.milliseconds) / 1000
        guard seconds > -60 else { return nil }
        self.seconds = max(0, seconds)
    }

    package init(_ duration: Duration) { seconds = max(0, duration.components.seconds) }

    /// The lengths at which the second unit is dropped are those of kubectl.
    package var description: String {
        let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400)
        return switch seconds {
        case ..<120: "\(seconds)s"
        case ..<600: pair(minutes, "m", seconds % 60, "s")
        case ..<10_800: "\(minutes)m"
        case ..<28_800: pair(hours, "h", minutes % 60, "m")
        case ..<172_800: "\(hours)h"
        case ..<691_200: pair(days, "d", hours % 24, "h")
        case ..<63_072_000: "\(days)d"
        default: pair(days / 365, "y", days % 365, "d")
        }
    }

    private func pair(_ large: Int64, _ largeUnit: String, _ small: Int64, _ smallUnit: String)
        -> String
    {
        small == 0 ? "\(large)\(largeUnit)" : "\(large)\(largeUnit)\(small)\(smallUnit)"
    }
}

extension Age {
    /// The age for a table: unknown is said, never left out.
    static func text(of time: WallTime?, asOf now: WallTime) -> String {
        Age(of: time, asOf: now)?.description ?? "unknown"
    }
}
