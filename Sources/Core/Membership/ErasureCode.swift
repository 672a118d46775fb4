/// A systematic erasure code over bytes: of a block's pieces and its repair pieces, any as many as the
/// block has pieces bring it back (Blömer and others, "An XOR-based erasure-resilient coding scheme",
/// 1995: a Cauchy matrix, here over the field of 256 elements).
enum ErasureCode {
    /// Pieces of a block, at most; and as many repair pieces.
    static let piecesMax = 128

    private static let tables: (exponents: [UInt8], logarithms: [Int]) = {
        var exponents = [UInt8](repeating: 0, count: 510)
        var logarithms = [Int](repeating: 0, count: 256)
        var value = 1
        for power in 0..<255 {
            exponents[power] = UInt8(value)
            exponents[power + 255] = UInt8(value)
            logarithms[value] = power
            value <<= 1
            if value > 255 { value ^= 0x11D }
        }
        return (exponents, logarithms)
    }()

    private static func inverse(_ value: UInt8) -> UInt8 {
        tables.exponents[255 - tables.logarithms[Int(value)]]
    }

    static func product(_ left: UInt8, _ right: UInt8) -> UInt8 {
        guard left != 0, right != 0 else { return 0 }
        return tables.exponents[
            tables.logarithms[Int(left)] + tables.logarithms[Int(right)]]
    }

    /// The weight of a piece in a repair piece: rows and columns never meet in the field.
    private static func weight(repair: Int, piece: Int) -> UInt8 {
        inverse(UInt8(128 + repair) ^ UInt8(piece))
    }

    /// `target` plus `piece` times `factor`.
    private static func add(_ piece: [UInt8], times factor: UInt8, to target: inout [UInt8]) {
        guard factor != 0 else { return }
        let row = (0..<256).map { product(factor, UInt8($0)) }
        target.withUnsafeMutableBufferPointer { target in
            row.withUnsafeBufferPointer { row in
                for index in piece.indices { target[index] ^= row[Int(piece[index])] }
            }
        }
    }

    static func repair(_ number: Int, of pieces: ArraySlice<[UInt8]>) -> [UInt8] {
        var sum = [UInt8](repeating: 0, count: pieces.first?.count ?? 0)
        for (index, piece) in pieces.enumerated() {
            add(piece, times: weight(repair: number, piece: index), to: &sum)
        }
        return sum
    }

    /// Fills what is missing in `pieces` from repair pieces; false where there are too few.
    static func restore(_ pieces: inout [[UInt8]?], from repairs: [(number: Int, bytes: [UInt8])])
        -> Bool
    {
        let missing = pieces.indices.filter { pieces[$0] == nil }
        guard repairs.count >= missing.count else { return false }
        var rows = repairs.prefix(missing.count).map { repair in
            (
                weights: missing.map { weight(repair: repair.number, piece: $0) },
                sum: repair.bytes, number: repair.number
            )
        }
        for (index, piece) in pieces.enumerated() {
            guard let piece else { continue }
            for row in rows.indices {
                add(
                    piece, times: weight(repair: rows[row].number, piece: index), to: &rows[row].sum
                )
            }
        }
        // Every square part of a Cauchy matrix can be inverted, so a pivot is never zero for ever.
        for column in missing.indices {
            guard let pivot = (column..<rows.count).first(where: { rows[$0].weights[column] != 0 })
            else { return false }
            rows.swapAt(column, pivot)
            let scale = inverse(rows[column].weights[column])
            rows[column].weights = rows[column].weights.map { product($0, scale) }
            rows[column].sum = rows[column].sum.map { product($0, scale) }
            for row in rows.indices where row != column {
                let factor = rows[row].weights[column]
                add(rows[column].weights, times: factor, to: &rows[row].weights)
                add(rows[column].sum, times: factor, to: &rows[row].sum)
            }
        }
        for (row, index) in missing.enumerated() { pieces[index] = rows[row].sum }
        return true
    }
}
