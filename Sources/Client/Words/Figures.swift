import Model

/// Figures as people read them: rounded to what fits a column.
enum Figure {
    /// Three digits at most in front of the unit: `412Mi`, `1.5Gi`.
    static func text(_ bytes: ByteCount) -> String {
        var value = Double(bytes.bytes)
        var unit = 0
        let units = ["B", "Ki", "Mi", "Gi", "Ti"]
        while value >= 1000, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let tenths = (value * 10).rounded()
        if tenths < 100, tenths.truncatingRemainder(dividingBy: 10) != 0 {
            return "\(tenths / 10)\(units[unit])"
        }
        return "\(Int(value.rounded()))\(units[unit])"
    }

    static func text(_ share: CPUShare) -> String { share.description }

    /// Part of a whole in percent; nil where the whole is not known or nothing.
    static func percent(_ part: Int64, of whole: Int64) -> String {
        whole > 0 ? "\((part * 100 + whole / 2) / whole)%" : "unknown"
    }
}
