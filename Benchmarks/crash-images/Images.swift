import CrashImages
import Storage

/// Prints what the images of both stores held; false where a promise was broken, or where the
/// check itself would not notice one.
func cutPower(images: Int, seed: UInt64) throws -> Bool {
    print("store  synchronous  images  opened  acked lost  most  corrupt")
    let node = try both(NodeStore.self, images: images, seed: seed)
    let hub = try both(HubStore.self, images: images, seed: seed)
    return node && hub
}

private func both<Store: Subject>(
    _ store: Store.Type, images: Int, seed: UInt64
) throws -> Bool {
    let full = try row(store, .full, images, seed)
    let normal = try row(store, .normal, images, seed)
    if let first = full.first { print("broken promise: \(first)") }
    if normal.lost == 0 {
        print("NORMAL lost nothing: these images would not show a missing sync either")
    }
    return full.lost == 0 && full.corrupt == 0 && normal.lost > 0
}

private func row<Store: Subject>(
    _ store: Store.Type, _ durability: StoreOptions.Durability, _ images: Int, _ seed: UInt64
) throws -> Trial<Store>.Tally {
    let tally = try withScratchDirectory { directory in
        try Trial<Store>(directory: directory, durability: durability, steps: 200)
            .run(images: images, seed: seed)
    }
    let columns = [
        (Store.name, 5), (durability == .full ? "FULL" : "NORMAL", 11), ("\(tally.images)", 6),
        ("\(tally.opened)", 6), ("\(tally.lost)", 10), ("\(tally.lostMost)", 4),
        ("\(tally.corrupt)", 7),
    ]
    print(
        columns.map { text, width in
            String(repeating: " ", count: max(0, width - text.count)) + text
        }.joined(separator: "  "))
    return tally
}
