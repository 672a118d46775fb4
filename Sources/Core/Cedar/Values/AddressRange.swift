/// An address with the number of its leading bits that name its network: all of them for one address.
///
/// `10.0.0.1/8` and `10.0.0.2/8` are different values, though as ranges they hold the same addresses.
struct AddressRange: Hashable, Sendable {
    let isSix: Bool
    /// An IPv4 address in the lower 32 bits.
    let bits: UInt128
    let prefix: Int

    /// Nil for what is neither an address nor a range. IPv4 written inside IPv6 is refused, as Cedar does.
    init?(_ text: String) {
        let bytes = Array(text.utf8)
        // No valid text is longer, and what follows looks at each byte several times.
        guard bytes.count <= 43 else { return nil }
        let parts = bytes.split(separator: 0x2F, maxSplits: 1, omittingEmptySubsequences: false)
        if let four = Self.four(parts[0]) {
            (isSix, bits) = (false, four)
        } else if let six = Self.six(parts[0]) {
            (isSix, bits) = (true, six)
        } else {
            return nil
        }
        let width = isSix ? 128 : 32
        guard parts.count == 2 else {
            prefix = width
            return
        }
        guard let prefix = Self.prefix(parts[1]), prefix <= width else { return nil }
        self.prefix = prefix
    }

    private static func prefix(_ text: ArraySlice<UInt8>) -> Int? {
        guard (1...3).contains(text.count), text.allSatisfy(isDigit),
            text.count == 1 || text.first != 0x30
        else { return nil }
        return text.reduce(0) { $0 * 10 + Int($1) - 0x30 }
    }

    /// Four numbers without leading zeros, which some read as octal.
    private static func four(_ text: ArraySlice<UInt8>) -> UInt128? {
        let parts = text.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var result: UInt128 = 0
        for part in parts {
            guard let number = prefix(part), number <= 255 else { return nil }
            result = result << 8 | UInt128(number)
        }
        return result
    }

    /// Eight groups, of which one `::` may stand for one or more that are zero.
    private static func six(_ text: ArraySlice<UInt8>) -> UInt128? {
        var groups: [UInt128] = []
        var gap: Int?
        var index = text.startIndex
        func isColon(_ index: Int) -> Bool { index < text.endIndex && text[index] == 0x3A }
        if isColon(index) {
            guard isColon(index + 1) else { return nil }
            gap = 0
            index += 2
        }
        while index < text.endIndex {
            let group = text[index...].prefix { $0 != 0x3A }
            guard let value = hexadecimalGroup(group) else { return nil }
            groups.append(value)
            index += group.count
            guard index < text.endIndex else { break }
            if isColon(index + 1) {
                guard gap == nil else { return nil }
                gap = groups.count
                index += 2
            } else {
                index += 1
                guard index < text.endIndex else { return nil }
            }
        }
        if let gap {
            guard groups.count < 8 else { return nil }
            groups.insert(contentsOf: repeatElement(0, count: 8 - groups.count), at: gap)
        }
        guard groups.count == 8 else { return nil }
        return groups.reduce(0) { $0 << 16 | $1 }
    }

    private static func hexadecimalGroup(_ text: ArraySlice<UInt8>) -> UInt128? {
        guard (1...4).contains(text.count) else { return nil }
        var value: UInt128 = 0
        for byte in text {
            guard let digit = hexadecimal(Unicode.Scalar(byte)) else { return nil }
            value = value << 4 | UInt128(digit)
        }
        return value
    }

    private var width: Int { isSix ? 128 : 32 }

    /// The bits that differ between addresses of the range. A shift by 128 leaves nothing.
    private var hostMask: UInt128 { (UInt128.max >> UInt128(128 - width)) >> UInt128(prefix) }

    private var first: UInt128 { bits & ~hostMask }
    private var last: UInt128 { bits | hostMask }

    /// Never between the two families.
    func isWithin(_ other: AddressRange) -> Bool {
        isSix == other.isSix && other.first <= first && last <= other.last
    }

    /// In 127.0.0.0/8, or ::1.
    var isLoopback: Bool { isSix ? bits == 1 && prefix == 128 : bits >> 24 == 127 && prefix >= 8 }

    /// All of the range in 224.0.0.0/4, or in ff00::/8.
    var isMulticast: Bool {
        isSix ? bits >> 120 == 0xFF && prefix >= 8 : bits >> 28 == 0xE && prefix >= 4
    }
}
