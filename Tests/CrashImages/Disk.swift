import CrashRecorder

/// A disk as a power cut may leave it: what was synced is certain, the rest is a matter of luck.
///
/// Follows a recording event by event. Content and directory entries become durable apart: a synced
/// file without a synced entry is gone.
struct Disk {
    /// What becomes of what was not synced.
    enum Luck: CaseIterable {
        case dropped, kept
        /// Each change for itself: dropped, kept, or torn at 512 bytes.
        case mixed
    }

    private struct File {
        var durable: [UInt8] = []
        var pending: [Change] = []
    }
    private enum Change {
        case write(offset: Int, [UInt8])
        case truncate(Int)
    }
    private enum Entry {
        case create(name: String, file: Int)
        case delete(name: String)
    }

    private var files: [File] = []
    /// As the running process sees it, and as the disk has it.
    private var names: [String: Int] = [:]
    private var durableNames: [String: Int] = [:]
    private var pendingEntries: [Entry] = []

    mutating func apply(_ event: recorder_event) {
        let name = String(String(cString: event.path).split(separator: "/").last ?? "")
        switch event.operation {
        case RECORDER_CREATE:
            names[name] = files.count
            pendingEntries.append(.create(name: name, file: files.count))
            files.append(File())
        case RECORDER_WRITE:
            let bytes = Array(UnsafeBufferPointer(start: event.bytes, count: event.length))
            change(name, .write(offset: Int(event.offset), bytes))
        case RECORDER_TRUNCATE:
            change(name, .truncate(Int(event.offset)))
        case RECORDER_SYNC:
            guard let file = names[name] else { return }
            for change in files[file].pending { perform(change, on: &files[file].durable) }
            files[file].pending = []
        case RECORDER_DELETE:
            names[name] = nil
            pendingEntries.append(.delete(name: name))
        case RECORDER_SYNC_DIRECTORY:
            for entry in pendingEntries { perform(entry, on: &durableNames) }
            pendingEntries = []
        default:
            return
        }
    }

    /// The files that are found after a power cut at this moment.
    func image(_ luck: Luck, _ chance: inout Chance) -> [String: [UInt8]] {
        var found = durableNames
        for entry in pendingEntries where luck.keeps(&chance) { perform(entry, on: &found) }
        return found.mapValues { file in
            var bytes = files[file].durable
            for change in files[file].pending {
                switch (luck, change) {
                case (.mixed, .write(let offset, let data)) where chance.below(3) == 0:
                    tear(offset, data, into: &bytes, &chance)
                default:
                    if luck.keeps(&chance) { perform(change, on: &bytes) }
                }
            }
            return bytes
        }
    }

    private mutating func change(_ name: String, _ change: Change) {
        guard let file = names[name] else { return }
        files[file].pending.append(change)
    }
}

extension Disk.Luck {
    fileprivate func keeps(_ chance: inout Chance) -> Bool {
        switch self {
        case .dropped: false
        case .kept: true
        case .mixed: chance.below(2) == 0
        }
    }
}

extension Disk {
    private func perform(_ change: Change, on bytes: inout [UInt8]) {
        switch change {
        case .write(let offset, let data):
            grow(&bytes, to: offset + data.count)
            bytes.replaceSubrange(offset..<offset + data.count, with: data)
        case .truncate(let size):
            grow(&bytes, to: size)
            bytes.removeLast(bytes.count - size)
        }
    }

    private func perform(_ entry: Entry, on names: inout [String: Int]) {
        switch entry {
        case .create(let name, let file): names[name] = file
        case .delete(let name): names[name] = nil
        }
    }

    /// Writes some of the sectors that `data` touches.
    private func tear(
        _ offset: Int, _ data: [UInt8], into bytes: inout [UInt8], _ chance: inout Chance
    ) {
        let sector = 512
        var start = offset
        while start < offset + data.count {
            let end = min(offset + data.count, (start / sector + 1) * sector)
            if chance.below(2) == 0 {
                perform(
                    .write(offset: start, Array(data[start - offset..<end - offset])), on: &bytes)
            }
            start = end
        }
    }

    private func grow(_ bytes: inout [UInt8], to size: Int) {
        if bytes.count < size {
            bytes.append(contentsOf: repeatElement(0, count: size - bytes.count))
        }
    }
}

/// Seeded chance (SplitMix64): the same seed gives the same images.
struct Chance {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func below(_ bound: Int) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }
}
