/// Why a store could not be opened, read or written.
package enum StoreError: Error, Hashable, Sendable {
    /// Another process has it; nil where that process did not leave its number.
    case inUse(directory: String, process: Int32?)
    /// Written by a newer version, which may mean things this one cannot know.
    case newer(directory: String)
    /// The file is a database, but not of this kind of store.
    case foreign(directory: String, expected: String)
    /// The disk is full and the ballast was not enough. Nothing of the commit is stored.
    case full(directory: String)
    /// The disk failed. Whether the commit is stored is not known, and nothing may rest on it.
    case disk(doing: String, reason: String)
    /// What is on the disk is damaged. Opening the store again repairs it as far as that can be done.
    case damaged(directory: String, reason: String)
    /// The values themselves cannot be stored. Nothing of the commit is.
    case unstorable(reason: String)
    case closed(directory: String)
}

extension StoreError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .inUse(let directory, let process?):
            "the store at \(directory) is in use by process \(process): "
                + "stop that process, or choose another state directory"
        case .inUse(let directory, nil):
            "the store at \(directory) is in use by another process: "
                + "stop that process, or choose another state directory"
        case .newer(let directory):
            "the store at \(directory) was written by a newer version of skerry: "
                + "start that version, or choose another state directory"
        case .foreign(let directory, let expected):
            "the store at \(directory) is not the store of a \(expected): "
                + "choose another state directory"
        case .full(let directory):
            "the disk that holds the store at \(directory) is full: free some space on it"
        case .disk(let doing, let reason):
            "\(doing): \(reason): check the disk and the permissions of the state directory"
        case .damaged(let directory, let reason):
            "the store at \(directory) is damaged (\(reason)): "
                + "restart skerry, which restores the last good snapshot"
        case .unstorable(let reason):
            "this cannot be stored: \(reason)"
        case .closed(let directory):
            "the store at \(directory) is closed"
        }
    }
}
