private let millisecondsInDay: Int64 = 86_400_000

/// Milliseconds since 1970 in UTC. Nil for what is no date of the calendar in one of the forms
/// `YYYY-MM-DD` and `YYYY-MM-DDThh:mm:ss[.SSS](Z|+hhmm|-hhmm)`.
func instant(_ text: String) -> Int64? {
    var rest = FixedDigits(text)
    guard let year = rest.number(4), rest.takes(0x2D), let month = rest.number(2),
        rest.takes(0x2D), let day = rest.number(2), let date = days(year, month, day)
    else { return nil }
    let midnight = Int64(date) * millisecondsInDay
    if rest.isEmpty { return midnight }
    guard rest.takes(0x54), let hour = rest.number(2), rest.takes(0x3A),
        let minute = rest.number(2), rest.takes(0x3A), let second = rest.number(2),
        hour < 24, minute < 60, second < 60
    else { return nil }
    var fraction = 0
    if rest.takes(0x2E) {
        guard let milliseconds = rest.number(3) else { return nil }
        fraction = milliseconds
    }
    guard let east = rest.minutesEast(), rest.isEmpty else { return nil }
    let time = ((hour * 60 + minute - east) * 60 + second) * 1000 + fraction
    return midnight + Int64(time)
}

/// Numbers of a fixed width at the beginning of a text.
private struct FixedDigits {
    private var rest: ArraySlice<UInt8>

    init(_ text: String) {
        // No valid text is longer than 28 bytes.
        rest = Array(text.utf8.prefix(40))[...]
    }

    var isEmpty: Bool { rest.isEmpty }

    mutating func takes(_ byte: UInt8) -> Bool {
        guard rest.first == byte else { return false }
        rest = rest.dropFirst()
        return true
    }

    mutating func number(_ width: Int) -> Int? {
        let digits = rest.prefix(width)
        guard digits.count == width, digits.allSatisfy(isDigit) else { return nil }
        rest = rest.dropFirst(width)
        return digits.reduce(0) { $0 * 10 + Int($1) - 0x30 }
    }

    /// The offset of the zone, which ends the text.
    mutating func minutesEast() -> Int? {
        if takes(0x5A) { return 0 }
        let isEast = takes(0x2B)
        guard isEast || takes(0x2D), let hours = number(2), let minutes = number(2), hours < 24,
            minutes < 60
        else { return nil }
        return isEast ? hours * 60 + minutes : -(hours * 60 + minutes)
    }
}

/// Days since 1970 of a date of the Gregorian calendar, carried back to the year 0.
private func days(_ year: Int, _ month: Int, _ day: Int) -> Int? {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...12).contains(month), (1...lengths[month - 1]).contains(day) else { return nil }
    let before = year == 0 ? 0 : year * 365 + leapDays(before: year)
    return before + lengths.prefix(month - 1).reduce(0, +) + day - 1 - 719_528
}

/// Counted from the year 0, which is a leap year.
private func leapDays(before year: Int) -> Int {
    let last = year - 1
    return last / 4 - last / 100 + last / 400 + 1
}

func startOfDay(_ moment: Int64) -> Int64? {
    let (result, overflows) = moment.subtractingReportingOverflow(timeOfDay(moment))
    return overflows ? nil : result
}

func timeOfDay(_ moment: Int64) -> Int64 {
    let rest = moment % millisecondsInDay
    return rest < 0 ? rest + millisecondsInDay : rest
}

/// Milliseconds of a span such as `1d2h30m`, `-5s` or `250ms`: each unit at most once, in this order.
func period(_ text: String) -> Int64? {
    var rest = Array(text.utf8)[...]
    let isNegative = rest.first == 0x2D
    if isNegative { rest = rest.dropFirst() }
    guard !rest.isEmpty else { return nil }
    let units: [(name: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    var total: Int64 = 0
    var next = 0
    while !rest.isEmpty {
        let digits = rest.prefix(while: isDigit)
        rest = rest.dropFirst(digits.count)
        let letters = rest.prefix { !isDigit($0) }
        rest = rest.dropFirst(letters.count)
        guard !digits.isEmpty,
            let unit = units.indices.first(where: { letters.elementsEqual(units[$0].name.utf8) }),
            unit >= next, let count = signedNumber(digits, isNegative: isNegative)
        else { return nil }
        next = unit + 1
        let (amount, overflows) = count.multipliedReportingOverflow(by: units[unit].milliseconds)
        let (sum, alsoOverflows) = total.addingReportingOverflow(amount)
        guard !overflows, !alsoOverflows else { return nil }
        total = sum
    }
    return total
}
