import CrashRecorder
import Foundation
package import Storage

/// Records a store at work, cuts the power at random moments, and looks at what is left.
///
/// One trial at a time in a process: the recorder is shared.
package struct Trial<Store: Subject> {
    /// What was found in the images.
    package struct Tally: Hashable, Sendable {
        package var images = 0
        /// Opened, with nothing set aside or left out.
        package var opened = 0
        /// Held an older state than was acknowledged, though a whole one.
        package var lost = 0
        /// The most steps lost in one image.
        package var lostMost = 0
        /// Did not open, or held a state that never was.
        package var corrupt = 0
        /// The first image that was not as it should be, in words.
        package var first: String?
    }

    private let directory: String
    private let options: StoreOptions
    private let steps: Int

    /// `directory` must be empty, and ought to be in memory: thousands of images are written there.
    package init(directory: String, durability: StoreOptions.Durability, steps: Int) {
        self.directory = directory
        self.steps = steps
        options = StoreOptions(
            logEntries: 1000, events: 1000, ballastBytes: 256 << 10, walPages: 20,
            durability: durability)
    }

    package func run(images: Int, seed: UInt64) throws -> Tally {
        try record()
        let states = Store.states(count: steps)
        var chance = Chance(seed: seed)
        var tally = Tally()
        var disk = Disk()
        var acknowledged: Int?
        var next = 0
        let events = recorder_count()
        for cut in (0..<images).map({ _ in chance.below(events + 1) }).sorted() {
            while next < cut {
                let event = recorder_at(next)
                if event.operation == RECORDER_MARK { acknowledged = Int(event.offset) }
                disk.apply(event)
                next += 1
            }
            let luck = Disk.Luck.allCases[min(2, chance.below(5))]
            let image = disk.image(luck, &chance)
            let verdict = try examine(image, acknowledged: acknowledged, states: states)
            tally.count(verdict, as: "seed \(seed), cut \(cut) of \(events), unsynced \(luck)")
        }
        return tally
    }

    /// Takes all steps, with a mark behind each and a clean close now and then.
    private func record() throws {
        let place = directory + "/recorded"
        let code = recorder_install()
        precondition(code == 0, "SQLite does not take the recorder: error \(code)")
        recorder_start(place)
        defer { recorder_stop() }
        var store = try Store(directory: place, options: options)
        recorder_mark(0)
        for number in 1...steps {
            try store.take(step: number)
            recorder_mark(Int64(number))
            if number % 60 == 0 {
                store.close()
                store = try Store(directory: place, options: options)
            }
        }
        store.close()
        try FileManager.default.removeItem(atPath: place)
    }

    fileprivate enum Verdict {
        case intact
        case lost(steps: Int)
        case corrupt(String)
    }

    private func examine(
        _ image: [String: [UInt8]], acknowledged: Int?, states: [Store.Snapshot]
    ) throws -> Verdict {
        let place = directory + "/image"
        try FileManager.default.createDirectory(
            atPath: place, withIntermediateDirectories: false)
        defer { discard(place) }
        for (name, bytes) in image {
            try Data(bytes).write(to: URL(fileURLWithPath: "\(place)/\(name)"))
        }
        do {
            let store = try Store(directory: place, options: options)
            defer { store.close() }
            return try judge(store, acknowledged: acknowledged, states: states)
        } catch {
            return .corrupt("\(error)")
        }
    }

    private func judge(
        _ store: Store, acknowledged: Int?, states: [Store.Snapshot]
    ) throws -> Verdict {
        let opening = store.opening
        guard opening == .clean || (acknowledged == nil && opening == .fresh(lost: nil)) else {
            return .corrupt("opened as \(opening)")
        }
        let found = try store.load()
        guard store.damaged.isEmpty else { return .corrupt("\(store.damaged)") }
        let step = Store.step(of: found)
        guard states.indices.contains(step), found == states[step],
            step <= (acknowledged ?? 0) + 1
        else { return .corrupt("held a state that never was, near step \(step)") }
        if let acknowledged, step < acknowledged { return .lost(steps: acknowledged - step) }
        // What opens must also go on from there.
        guard step < steps else { return .intact }
        try store.take(step: step + 1)
        return try store.load() == states[step + 1]
            ? .intact : .corrupt("did not take step \(step + 1)")
    }

    private func discard(_ place: String) {
        do {
            try FileManager.default.removeItem(atPath: place)
        } catch {
            preconditionFailure("cannot remove \(place): \(error)")
        }
    }
}

extension Trial.Tally {
    fileprivate mutating func count(_ verdict: Trial.Verdict, as image: String) {
        images += 1
        switch verdict {
        case .intact:
            opened += 1
            return
        case .lost(let steps):
            opened += 1
            lost += 1
            lostMost = max(lostMost, steps)
            first = first ?? "\(image): \(steps) acknowledged steps lost"
        case .corrupt(let reason):
            corrupt += 1
            first = first ?? "\(image): \(reason)"
        }
    }
}

/// Runs `body` with an empty directory, in memory where the system has such a place.
package func withScratchDirectory<Value>(_ body: (String) throws -> Value) throws -> Value {
    let memory = "/dev/shm"
    let parent =
        FileManager.default.isWritableFile(atPath: memory)
        ? memory : FileManager.default.temporaryDirectory.path
    let path = "\(parent)/skerry-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let outcome = Result { try body(path) }
    try FileManager.default.removeItem(atPath: path)
    return try outcome.get()
}
