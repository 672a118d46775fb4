/// A length of time as people write it: `72h`, `1h30m`, `250ms`. Never negative.
package struct Interval: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let duration: Duration

    package init(_ duration: Duration) {
        precondition(duration >= .zero, "an interval has a length, not a direction")
        self.duration = duration
    }

    package static func seconds(_ count: Int) -> Interval { Interval(.seconds(count)) }
    package static func hours(_ count: Int) -> Interval { Interval(.seconds(count * 3600)) }

    /// The longest that may be written: ten years. Longer ones are mistakes, and would overflow
    /// sums of clock readings.
    package static let longest = Interval.hours(24 * 3650)

    /// Reads a sequence of number and unit (`d`, `h`, `m`, `s`, `ms`); nil for anything else.
    package init?(_ text: String) {
        var milliseconds: Int64 = 0
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            let unit = rest.dropFirst(digits.count).prefix { $0.isLetter }
            guard let count = Int64(digits), let factor = Interval.units[String(unit)] else {
                return nil
            }
            let (product, overflow) = count.multipliedReportingOverflow(by: factor)
            let (sum, carried) = milliseconds.addingReportingOverflow(product)
            guard !overflow, !carried else { return nil }
            milliseconds = sum
            rest = rest.dropFirst(digits.count + unit.count)
        }
        guard milliseconds <= 24 * 3650 * 3_600_000 else { return nil }
        self.init(.milliseconds(milliseconds))
    }

    /// The shortest exact text: `1h30m`.
    package var description: String {
        var milliseconds = duration.nanoseconds / 1_000_000
        guard milliseconds > 0 else { return "0s" }
        var text = ""
        for (unit, factor) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", Int64(1))] {
            if milliseconds >= factor { text += "\(milliseconds / factor)\(unit)" }
            milliseconds %= factor
        }
        return text
    }

    package static func < (left: Interval, right: Interval) -> Bool {
        left.duration < right.duration
    }

    private static let units: [String: Int64] = [
        "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1,
    ]
}

extension Interval: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decoder.text(Interval.init, as: "a duration such as 72h, 15m or 500ms")
    }
    package func encode(to encoder: any Encoder) throws { try encoder.text(description) }
}

/// A share of processor time in thousandths of a core: `250m`, `1`, `1.5`.
package struct CPUShare: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let millicores: Int

    package init(millicores: Int) { self.millicores = millicores }

    package init?(_ text: String) {
        if text.hasSuffix("m") {
            guard let value = Int(text.dropLast()), value >= 0 else { return nil }
            self.init(millicores: value)
        } else {
            guard let value = Double(text), value >= 0, value <= 1_000_000 else { return nil }
            self.init(millicores: Int((value * 1000).rounded()))
        }
    }

    package var description: String {
        millicores % 1000 == 0 ? "\(millicores / 1000)" : "\(millicores)m"
    }

    package static func < (left: CPUShare, right: CPUShare) -> Bool {
        left.millicores < right.millicores
    }
}

extension CPUShare: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decoder.text(CPUShare.init, as: "processor time such as 250m or 1.5")
    }
    package func encode(to encoder: any Encoder) throws { try encoder.text(description) }
}

/// An amount of memory or disk in bytes: `64Mi`, `1Gi`, `500M`, `1024`.
package struct ByteCount: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let bytes: Int64

    package init(_ bytes: Int64) { self.bytes = bytes }

    package init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard let count = Int64(digits),
            let factor = ByteCount.units.first(where: { $0.0 == text.dropFirst(digits.count) })?.1
        else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        self.init(product)
    }

    package var description: String {
        for (unit, factor) in ByteCount.units where factor & (factor - 1) == 0 && factor > 1 {
            if bytes >= factor, bytes % factor == 0 { return "\(bytes / factor)\(unit)" }
        }
        return "\(bytes)"
    }

    package static func < (left: ByteCount, right: ByteCount) -> Bool { left.bytes < right.bytes }

    private static let units: [(String, Int64)] = [
        ("Ti", 1 << 40), ("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10),
        ("T", 1_000_000_000_000), ("G", 1_000_000_000), ("M", 1_000_000), ("k", 1000), ("", 1),
    ]
}

extension ByteCount: Codable {
    package init(from decoder: any Decoder) throws {
        self = try decoder.text(ByteCount.init, as: "a size such as 64Mi or 1Gi")
    }
    package func encode(to encoder: any Encoder) throws { try encoder.text(description) }
}

extension Decoder {
    /// Reads one text value, or says what it should have been.
    func text<Value>(_ parse: (String) -> Value?, as expectation: String) throws -> Value {
        let container = try singleValueContainer()
        let text = try container.decode(String.self)
        guard let value = parse(text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is not \(expectation)")
        }
        return value
    }
}

extension Encoder {
    func text(_ text: String) throws {
        var container = singleValueContainer()
        try container.encode(text)
    }
}
