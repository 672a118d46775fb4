import Storage

extension Opening {
    /// What a person should know about how the store was found; nothing if all is well.
    var remarks: [String] {
        switch self {
        case .clean, .fresh(lost: nil): []
        case .recoveredFromSnapshot(let lost): ["the store was damaged: \(lost)"]
        case .fresh(let lost?): ["the store was damaged and could not be saved: \(lost)"]
        }
    }

    /// Whether the store is an earlier one than there was.
    var isCopy: Bool {
        switch self {
        case .clean, .fresh: false
        case .recoveredFromSnapshot: true
        }
    }
}
