/// The functions and methods of Cedar's extension types.
package enum Function: String, CaseIterable, Sendable {
    case decimal, lessThan, lessThanOrEqual, greaterThan, greaterThanOrEqual
    case ip, isIpv4, isIpv6, isLoopback, isMulticast, isInRange
    case datetime, offset, durationSince, toDate, toTime
    case duration, toMilliseconds, toSeconds, toMinutes, toHours, toDays

    /// Makes a value of an extension type from a string, and is called as a function.
    var isMethod: Bool {
        switch self {
        case .decimal, .ip, .datetime, .duration: false
        default: true
        }
    }

    /// With what a method is called on.
    var argumentCount: Int {
        switch self {
        case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual, .isInRange, .offset,
            .durationSince:
            2
        default: 1
        }
    }
}

extension Function {
    func callAsFunction(_ arguments: [Datum]) throws(Failure) -> Datum {
        guard arguments.count == argumentCount else { throw .function(self) }
        return argumentCount == 1
            ? try unary(arguments[0]) : try binary(arguments[0], arguments[1])
    }

    private func unary(_ argument: Datum) throws(Failure) -> Datum {
        switch (self, argument) {
        case (.decimal, .string(let text)):
            try decimalValue(text.string).map { .decimal($0) }.or(self)
        case (.ip, .string(let text)): try AddressRange(text.string).map { .ip($0) }.or(self)
        case (.datetime, .string(let text)): try instant(text.string).map { .datetime($0) }.or(self)
        case (.duration, .string(let text)): try period(text.string).map { .duration($0) }.or(self)
        case (_, .ip(let range)): try inspect(range)
        case (.toDate, .datetime(let moment)): try startOfDay(moment).map { .datetime($0) }.or(self)
        case (.toTime, .datetime(let moment)): .duration(timeOfDay(moment))
        case (_, .duration(let span)): try measure(span)
        default: throw .type
        }
    }

    private func inspect(_ range: AddressRange) throws(Failure) -> Datum {
        switch self {
        case .isIpv4: .bool(!range.isSix)
        case .isIpv6: .bool(range.isSix)
        case .isLoopback: .bool(range.isLoopback)
        case .isMulticast: .bool(range.isMulticast)
        default: throw .type
        }
    }

    /// In whole units, towards zero.
    private func measure(_ milliseconds: Int64) throws(Failure) -> Datum {
        switch self {
        case .toMilliseconds: .long(milliseconds)
        case .toSeconds: .long(milliseconds / 1000)
        case .toMinutes: .long(milliseconds / 60_000)
        case .toHours: .long(milliseconds / 3_600_000)
        case .toDays: .long(milliseconds / 86_400_000)
        default: throw .type
        }
    }

    private func binary(_ left: Datum, _ right: Datum) throws(Failure) -> Datum {
        switch (self, left, right) {
        case (.lessThan, .decimal(let left), .decimal(let right)): return .bool(left < right)
        case (.lessThanOrEqual, .decimal(let left), .decimal(let right)):
            return .bool(left <= right)
        case (.greaterThan, .decimal(let left), .decimal(let right)): return .bool(left > right)
        case (.greaterThanOrEqual, .decimal(let left), .decimal(let right)):
            return .bool(left >= right)
        case (.isInRange, .ip(let inner), .ip(let outer)): return .bool(inner.isWithin(outer))
        case (.offset, .datetime(let moment), .duration(let span)):
            let (sum, overflows) = moment.addingReportingOverflow(span)
            guard !overflows else { throw .overflow }
            return .datetime(sum)
        case (.durationSince, .datetime(let later), .datetime(let earlier)):
            let (span, overflows) = later.subtractingReportingOverflow(earlier)
            guard !overflows else { throw .overflow }
            return .duration(span)
        default: throw .type
        }
    }
}

extension Datum? {
    /// The value, or the failure of the function that could not make it.
    fileprivate func or(_ function: Function) throws(Failure) -> Datum {
        guard let self else { throw .function(function) }
        return self
    }
}
