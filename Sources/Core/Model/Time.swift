/// A point on the monotonic clock of one boot. It means nothing after a reboot or on another node.
package struct Instant: Hashable, Comparable, Sendable {
    package var nanoseconds: Int64

    package init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    package static func seconds(_ seconds: Int64) -> Instant {
        Instant(nanoseconds: seconds * 1_000_000_000)
    }
    package static func milliseconds(_ milliseconds: Int64) -> Instant {
        Instant(nanoseconds: milliseconds * 1_000_000)
    }

    package static func < (left: Instant, right: Instant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
    package static func + (instant: Instant, duration: Duration) -> Instant {
        Instant(nanoseconds: instant.nanoseconds + duration.nanoseconds)
    }
    package static func - (left: Instant, right: Instant) -> Duration {
        .nanoseconds(left.nanoseconds - right.nanoseconds)
    }
}

/// A reading of the wall clock, in milliseconds since 1970 (UTC). For people, certificates and the
/// autonomy window only; a length of time is measured with `Instant`.
///
/// Coded as RFC 3339 text with milliseconds.
package struct WallTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package static func < (left: WallTime, right: WallTime) -> Bool {
        left.milliseconds < right.milliseconds
    }
    package static func + (time: WallTime, duration: Duration) -> WallTime {
        WallTime(milliseconds: time.milliseconds + duration.nanoseconds / 1_000_000)
    }
    package static func - (left: WallTime, right: WallTime) -> Duration {
        .milliseconds(left.milliseconds - right.milliseconds)
    }

    /// RFC 3339 with milliseconds, in UTC: `2026-11-22T21:42:39.120Z`.
    package var description: String {
        let (day, millisecondOfDay) = milliseconds.quotientAndRemainderFloored(by: 86_400_000)
        let (year, month, dayOfMonth) = civil(fromDays: day)
        let second = millisecondOfDay / 1000
        return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(dayOfMonth, 2) + "T"
            + padded(second / 3600, 2) + ":" + padded(second / 60 % 60, 2) + ":"
            + padded(second % 60, 2) + "." + padded(millisecondOfDay % 1000, 3) + "Z"
    }

    /// Reads RFC 3339 in UTC (`Z` or a numeric offset); nil for anything else.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == 45, bytes[7] == 45, bytes[10] == 84 || bytes[10] == 32,
            bytes[13] == 58, bytes[16] == 58,
            let year = number(bytes[0..<4]), let month = number(bytes[5..<7]),
            let day = number(bytes[8..<10]), let hour = number(bytes[11..<13]),
            let minute = number(bytes[14..<16]), let second = number(bytes[17..<19]),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 61
        else { return nil }
        // A day that its month does not have comes out as one of the next month.
        guard civil(fromDays: days(year: year, month: month, day: day)).month == month else {
            return nil
        }
        var rest = bytes[19...]
        var fraction: Int64 = 0
        if rest.first == 46 {
            let digits = rest.dropFirst().prefix { (48...57).contains($0) }
            guard !digits.isEmpty, digits.count <= 9, let value = number(digits.prefix(3)) else {
                return nil
            }
            fraction = value * [100, 10, 1][min(digits.count, 3) - 1]
            rest = rest.dropFirst(1 + digits.count)
        }
        guard let offset = zone(rest) else { return nil }
        let seconds = days(year: year, month: month, day: day) * 86_400
        self.init(
            milliseconds: (seconds + hour * 3600 + minute * 60 + second - offset) * 1000 + fraction)
    }
}

extension WallTime: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decoder.text(WallTime.init, as: "a time such as 2026-11-22T21:42:39Z")
    }
    package func encode(to encoder: any Encoder) throws { try encoder.text(description) }
}

/// Both clocks, read at the same moment.
package struct Moment: Hashable, Sendable {
    package var monotonic: Instant
    package var wall: WallTime

    package init(monotonic: Instant, wall: WallTime) {
        self.monotonic = monotonic
        self.wall = wall
    }
}

/// When something was, so that its age can be told later: by the monotonic clock within one boot,
/// by the wall clock beyond it.
package struct Reading: Hashable, Sendable {
    package var wall: WallTime
    package var monotonic: Instant
    /// A number that no two boots of a machine share.
    package var boot: UInt64

    package init(_ moment: Moment, boot: UInt64) {
        wall = moment.wall
        monotonic = moment.monotonic
        self.boot = boot
    }

    /// Never negative: a clock that was set back makes nothing younger than new.
    package func age(at now: Moment, boot: UInt64) -> Duration {
        max(.zero, boot == self.boot ? now.monotonic - monotonic : now.wall - wall)
    }
}

extension Duration {
    package var nanoseconds: Int64 {
        components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
    }
}

// Civil calendar arithmetic after Howard Hinnant, "chrono-compatible low-level date algorithms".

private func civil(fromDays days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let (era, dayOfEra) = shifted.quotientAndRemainderFloored(by: 146_097)
    let yearOfEra =
        (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    return (
        yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
        dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    )
}

private func days(year: Int64, month: Int64, day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let (era, yearOfEra) = shifted.quotientAndRemainderFloored(by: 400)
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

private func zone(_ bytes: ArraySlice<UInt8>) -> Int64? {
    if bytes.elementsEqual([90]) || bytes.elementsEqual([122]) { return 0 }
    let field = Array(bytes)
    guard field.count == 6, field[0] == 43 || field[0] == 45, field[3] == 58,
        let hours = number(field[1..<3]), let minutes = number(field[4..<6]), minutes < 60
    else { return nil }
    return (field[0] == 43 ? 1 : -1) * (hours * 3600 + minutes * 60)
}

private func number(_ digits: ArraySlice<UInt8>) -> Int64? {
    guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int64($1 - 48) }
}

private func padded(_ value: Int64, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
}

extension Int64 {
    fileprivate func quotientAndRemainderFloored(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
