import Model

/// Why a scalar does not fit its shape.
struct Misfit: Error {
    let code: MistakeCode
    let message: String
    let fix: String
    var replacement: String?

    init(_ code: MistakeCode, _ message: String, fix: String, replacement: String? = nil) {
        self.code = code
        self.message = message
        self.fix = fix
        self.replacement = replacement
    }
}

extension Checker {
    mutating func readScalar(_ written: Written, as shape: Shape, at path: String) -> Checked? {
        switch shape.reading(written) {
        case .success(let value): return value
        case .failure(let misfit):
            add(
                misfit.code, written, at: path, misfit.message, fix: misfit.fix,
                replacement: misfit.replacement)
            return nil
        }
    }

    mutating func readText(_ written: Written, _ rule: TextRule, at path: String) -> String? {
        readScalar(written, as: .text(rule), at: path)?.text
    }
}

extension Shape {
    private var bytesMax: Int {
        if case .text(.rules) = self { return Limits.rulesBytes }
        if case .text(let rule) = self, rule.isSecret { return Limits.secretBytes }
        return Limits.textBytes
    }

    /// The value of a scalar, or why it is none. Lists, maps and records are walked elsewhere.
    func reading(_ written: Written) -> Result<Checked, Misfit> {
        guard case .scalar(let text, let isPlain) = written.content, !written.isNull else {
            return .failure(misfit(written, fix: "write \(wanted) here"))
        }
        guard text.utf8.count <= bytesMax else {
            return .failure(
                Misfit(
                    .tooLong,
                    "\(text.utf8.count) bytes of text, and at most \(bytesMax) are allowed",
                    fix: "shorten it; large content belongs into a file that is mounted"))
        }
        switch self {
        case .text(let rule): return rule.reading(written, text)
        case .flag: return readFlag(written, text)
        case .whole(let range): return readWhole(written, text, range, isPlain: isPlain)
        case .decimal(let range): return readDecimal(written, text, range, isPlain: isPlain)
        case .replicas(let range):
            if text == "perNode" { return .success(.replicas(.perNode)) }
            if nearest(to: text, among: ["perNode", "per-node"]) != nil {
                return .failure(
                    misfit(written, fix: "did you mean 'perNode'?", replacement: "perNode"))
            }
            return readWhole(written, text, range, isPlain: isPlain).map {
                .replicas(.count($0.whole))
            }
        case .duration(let range): return readDuration(text, range)
        case .cpu: return readCPU(text)
        case .bytes(let range, let code): return readBytes(text, range, code)
        case .choice(let words): return readChoice(text, words)
        case .time:
            guard let time = WallTime(text) else {
                return .failure(misfit(written, fix: "write a time such as 2026-11-22T21:42:39Z"))
            }
            return .success(.time(time))
        case .list, .map, .record:
            return .failure(misfit(written, fix: "write \(wanted) here"))
        }
    }

    private func misfit(_ written: Written, fix: String, replacement: String? = nil) -> Misfit {
        Misfit(
            .wrongType, "found \(written.description) where \(wanted) is wanted", fix: fix,
            replacement: replacement)
    }

    private func readFlag(_ written: Written, _ text: String) -> Result<Checked, Misfit> {
        if written.isBoolean { return .success(.flag(text.lowercased() == "true")) }
        let meant = ["yes": "true", "on": "true", "1": "true", "true": "true"]
        let meantNot = ["no": "false", "off": "false", "0": "false", "false": "false"]
        let word = meant[text.lowercased()] ?? meantNot[text.lowercased()]
        return .failure(
            misfit(
                written, fix: word.map { "write \($0), without quotes" } ?? "write true or false",
                replacement: word))
    }

    private func readWhole(
        _ written: Written, _ text: String, _ range: ClosedRange<Int>, isPlain: Bool
    ) -> Result<Checked, Misfit> {
        let digits = text.utf8.first == 45 ? text.utf8.dropFirst() : text.utf8[...]
        let isDecimal = !digits.isEmpty && digits.allSatisfy(isDigit)
        guard isDecimal, digits.first != 48 || digits.count == 1 else {
            let fix =
                isDecimal
                ? "write it without leading zeros"
                : "write a number from \(range.lowerBound) to \(range.upperBound)"
            return .failure(misfit(written, fix: fix))
        }
        guard isPlain else {
            return .failure(
                misfit(written, fix: "write \(shown(text)) without quotes", replacement: text))
        }
        guard let number = Int(text), range.contains(number) else {
            return .failure(
                outOfRange(text, "\(range.lowerBound)", "\(range.upperBound)", .outOfRange))
        }
        return .success(.whole(number))
    }

    private func readDecimal(
        _ written: Written, _ text: String, _ range: ClosedRange<Double>, isPlain: Bool
    ) -> Result<Checked, Misfit> {
        guard looksNumeric(text), let number = Double(text), number.isFinite else {
            return .failure(misfit(written, fix: "write a decimal number such as 59.33"))
        }
        guard isPlain else {
            return .failure(
                misfit(written, fix: "write \(shown(text)) without quotes", replacement: text))
        }
        guard range.contains(number) else {
            let (lowest, highest) = (range.lowerBound, range.upperBound)
            return .failure(
                outOfRange(text, decimalText(lowest), decimalText(highest), .outOfRange))
        }
        return .success(.decimal(number))
    }

    private func readDuration(
        _ text: String, _ range: ClosedRange<Interval>
    ) -> Result<Checked, Misfit> {
        guard let interval = Interval(text) else {
            if isDuration(text) {
                return .failure(
                    outOfRange(text, "\(range.lowerBound)", "\(range.upperBound)", .outOfRange))
            }
            let isCount = !text.isEmpty && text.utf8.count < 9 && text.utf8.allSatisfy(isDigit)
            return .failure(
                Misfit(
                    .badDuration, "\(quoted(text)) is not a duration",
                    fix: isCount
                        ? "add a unit: \(text)s for seconds; there are d, h, m, s and ms"
                        : "write whole numbers with units d, h, m, s or ms, such as 1h30m",
                    replacement: isCount ? "\(text)s" : nil))
        }
        guard range.contains(interval) else {
            return .failure(
                outOfRange(text, "\(range.lowerBound)", "\(range.upperBound)", .outOfRange))
        }
        return .success(.duration(interval))
    }

    private func readCPU(_ text: String) -> Result<Checked, Misfit> {
        let number = text.hasSuffix("m") ? text.dropLast() : text[...]
        let isWritten = number.utf8.allSatisfy { isDigit($0) || $0 == 46 || $0 == 45 }
        if isWritten, number.utf8.first == 45, looksNumeric(String(number)) {
            return .failure(outOfRange(text, "1m", "1024", .impossibleResources))
        }
        guard isWritten, let share = CPUShare(text) else {
            return .failure(
                Misfit(
                    .badQuantity, "\(quoted(text)) is not an amount of processor time",
                    fix: "write cores (1, 1.5) or thousandths of a core (250m)"))
        }
        guard Limits.millicores.contains(share.millicores) else {
            return .failure(outOfRange(text, "1m", "1024", .impossibleResources))
        }
        return .success(.cpu(share))
    }

    private func readBytes(
        _ text: String, _ range: ClosedRange<ByteCount>, _ code: MistakeCode
    ) -> Result<Checked, Misfit> {
        if text.utf8.first == 45, ByteCount(String(text.dropFirst())) != nil {
            return .failure(
                outOfRange(text, "\(range.lowerBound)", "\(range.upperBound)", code))
        }
        guard let count = ByteCount(text) else {
            let near = ByteCount.spelled(text)
            return .failure(
                Misfit(
                    .badQuantity, "\(quoted(text)) is not a size",
                    fix: near.map { "did you mean \($0)?" }
                        ?? "write bytes with a unit such as 64Mi or 1Gi",
                    replacement: near))
        }
        guard range.contains(count) else {
            return .failure(
                outOfRange(text, "\(range.lowerBound)", "\(range.upperBound)", code))
        }
        return .success(.bytes(count))
    }

    private func readChoice(_ text: String, _ words: [String]) -> Result<Checked, Misfit> {
        if words.contains(text) { return .success(.text(text)) }
        let near =
            words.first { $0.lowercased() == text.lowercased() } ?? nearest(to: text, among: words)
        return .failure(
            Misfit(
                .badChoice, "\(quoted(text)) is not one of \(words.joined(separator: ", "))",
                fix: near.map { "did you mean '\($0)'?" } ?? "write \(words[0])",
                replacement: near))
    }

    private func outOfRange(
        _ text: String, _ lowest: String, _ highest: String, _ code: MistakeCode
    ) -> Misfit {
        Misfit(
            code, "\(shown(text)) is outside \(lowest) to \(highest)",
            fix: code == .impossibleResources
                ? "write \(lowest) to \(highest), or leave the field out for no limit"
                : "write a value from \(lowest) to \(highest)")
    }
}

/// Whether `text` has the form of a duration, though it may be longer than any that is allowed.
private func isDuration(_ text: String) -> Bool {
    var rest = text.utf8[...]
    while !rest.isEmpty {
        let digits = rest.prefix { isDigit($0) }
        let unit = rest.dropFirst(digits.count).prefix { isLetter($0) }
        guard !digits.isEmpty, ["d", "h", "m", "s", "ms"].contains(String(Substring(unit))) else {
            return false
        }
        rest = rest.dropFirst(digits.count + unit.count)
    }
    return !text.isEmpty
}

/// A number as a person writes it: 90, not 90.0.
func decimalText(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? "\(Int64(number))" : "\(number)"
}

extension ByteCount {
    /// The size that spellings such as `64MB`, `64 Mi` and `1GiB` most likely mean.
    fileprivate static func spelled(_ text: String) -> String? {
        let digits = text.utf8.prefix { isDigit($0) }
        guard (1...12).contains(digits.count) else { return nil }
        let unit = text.dropFirst(digits.count).filter { $0 != " " }.lowercased()
        let known = [
            "k": "Ki", "kb": "k", "kib": "Ki", "ki": "Ki", "m": "M", "mb": "M", "mib": "Mi",
            "mi": "Mi", "g": "G", "gb": "G", "gib": "Gi", "gi": "Gi", "t": "T", "tb": "T",
            "tib": "Ti", "ti": "Ti",
        ]
        return known[unit].map { String(Substring(digits)) + $0 }
    }
}
