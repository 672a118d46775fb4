import Foundation
import Model
import Storage

/// Prints how long a commit takes on the disk that holds `parent`.
func timeCommits(in parent: String) throws {
    print("node store in \(parent)")
    print("synchronous  writes a commit  p50 us  p95 us  us a write")
    for (durability, name) in [(StoreOptions.Durability.full, "FULL"), (.normal, "NORMAL")] {
        for writes in [1, 20] {
            let times = try time(durability, writes: writes, in: parent)
            let middle = times[times.count / 2]
            let late = times[times.count * 95 / 100]
            print("\(name)\t\(writes)\t\(middle)\t\(late)\t\(middle / writes)")
        }
    }
}

/// Microseconds of each of 500 commits, sorted.
private func time(
    _ durability: StoreOptions.Durability, writes: Int, in parent: String
) throws -> [Int] {
    let path = "\(parent)/skerry-bench-\(UUID().uuidString)"
    var options = StoreOptions.production
    options.durability = durability
    let store = try NodeStore(directory: path, options: options)
    let clock = ContinuousClock()
    let times = try (1...500).map { round in
        let batches = (0..<writes).map { write in
            [NodeWrite.append(entry(UInt64(round * writes + write)))]
        }
        let elapsed = try clock.measure { try store.commit(batches) }
        return Int(elapsed.nanoseconds / 1000)
    }
    store.close()
    try FileManager.default.removeItem(atPath: path)
    return times.sorted()
}

private func entry(_ sequence: UInt64) -> LogEntry {
    let at = WallTime(milliseconds: Int64(sequence))
    let event = Event(
        at: at, node: "till-1", reason: "Started", kind: .instance, name: "shop-1",
        message: "container main started after 2 s")
    return LogEntry(sequence: sequence, at: at, body: .event(event))
}
