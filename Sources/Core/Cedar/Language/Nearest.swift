/// The word among `words` that `text` was most likely meant to be, or nil if none is near.
func nearest(to text: String, among words: [String]) -> String? {
    guard (1...60).contains(text.utf8.count) else { return nil }
    let lowered = Array(text.lowercased().utf8)
    // A third of the letters may be wrong, as compilers have found to be about right.
    let allowed = max(1, lowered.count / 3)
    return words.map { ($0, distance(lowered, Array($0.lowercased().utf8))) }
        .filter { $0.1 <= allowed }
        .min { ($0.1, $0.0) < ($1.1, $1.0) }?.0
}

/// How many letters must be added, removed, changed or swapped with their neighbour to turn one word
/// into the other (Damerau 1964, optimal string alignment).
private func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var earlier: [Int] = []
    var previous = Array(0...right.count)
    for row in left.indices {
        var current = [row + 1]
        for column in right.indices {
            let change = previous[column] + (left[row] == right[column] ? 0 : 1)
            var best = min(change, previous[column + 1] + 1, current[column] + 1)
            if row > 0, column > 0, left[row] == right[column - 1],
                left[row - 1] == right[column]
            {
                best = min(best, earlier[column - 1] + 1)
            }
            current.append(best)
        }
        (earlier, previous) = (previous, current)
    }
    return previous[right.count]
}
