/// Ten thousandths: `12.5` is 125000. Nil for what is no decimal of 1 to 4 places, or too large.
func decimalValue(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    let isNegative = bytes.first == 0x2D
    guard let point = bytes.firstIndex(of: 0x2E) else { return nil }
    let whole = bytes[(isNegative ? 1 : 0)..<max(point, isNegative ? 1 : 0)]
    let places = bytes[(point + 1)...]
    guard !whole.isEmpty, (1...4).contains(places.count),
        whole.allSatisfy(isDigit), places.allSatisfy(isDigit)
    else { return nil }
    var digits = Array(whole) + places
    digits.append(contentsOf: repeatElement(0x30, count: 4 - places.count))
    return signedNumber(digits, isNegative: isNegative)
}

/// Digits as a number, or nil where it does not fit. Built with its sign, as the smallest number has no
/// positive twin.
func signedNumber(_ digits: some Sequence<UInt8>, isNegative: Bool) -> Int64? {
    var value: Int64 = 0
    for digit in digits {
        let (tens, overflows) = value.multipliedReportingOverflow(by: 10)
        let unit = Int64(digit) - 0x30
        let (next, alsoOverflows) = tens.addingReportingOverflow(isNegative ? -unit : unit)
        guard !overflows, !alsoOverflows else { return nil }
        value = next
    }
    return value
}
