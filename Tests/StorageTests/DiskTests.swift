import CrashImages
import CrashRecorder
import Foundation
import Model
import Storage
import Testing

/// Disks that fail, fill up or lose power. One at a time: the recorder is shared by the process.
@Suite(.serialized) struct DiskTests {
    @Test func `a node loses nothing acknowledged in a power cut, and NORMAL would`() throws {
        try expectPromise(of: NodeStore.self)
    }

    @Test func `a hub loses nothing acknowledged in a power cut, and NORMAL would`() throws {
        try expectPromise(of: HubStore.self)
    }

    private func expectPromise<Store: Subject>(of store: Store.Type) throws {
        let full = try tally(store, .full)
        #expect(full.opened == full.images && full.lost == 0 && full.corrupt == 0, "\(full)")
        let normal = try tally(store, .normal)
        #expect(normal.lost > 0, "images that do not show a missing sync prove nothing")
    }

    @Test func `a power cut during the very first start leaves a store that opens`() throws {
        // Two steps are soon done: most cuts fall into the making of the store.
        let node = try tally(NodeStore.self, .full, steps: 2)
        #expect(node.opened == node.images && node.lost == 0, "\(node)")
        let hub = try tally(HubStore.self, .full, steps: 2)
        #expect(hub.opened == hub.images && hub.lost == 0, "\(hub)")
    }

    private func tally<Store: Subject>(
        _ store: Store.Type, _ durability: StoreOptions.Durability, steps: Int = 80
    ) throws -> Trial<Store>.Tally {
        try withScratchDirectory { directory in
            try Trial<Store>(directory: directory, durability: durability, steps: steps)
                .run(images: 60, seed: 7)
        }
    }

    @Test func `after a failed sync nothing is acknowledged until the disk works again`() throws {
        try withDirectory { directory in
            #expect(recorder_install() == 0)
            recorder_start(directory)
            defer { recorder_stop() }
            let store = try NodeStore(directory: directory, options: .tight)
            try store.commit([[.epoch(1)]])

            recorder_fail_syncs(1)
            defer { recorder_fail_syncs(0) }
            for epoch in 2...3 as ClosedRange<UInt64> {
                let error = #expect(throws: StoreError.self) {
                    try store.commit([[.epoch(epoch)]])
                }
                guard case .disk = error else {
                    Issue.record("threw \(String(describing: error))")
                    return
                }
            }
            recorder_fail_syncs(0)
            try store.commit([[.appliedRevision(9)]])
            #expect(try store.load().appliedRevision == 9)
            store.close()
            let again = try NodeStore(directory: directory, options: .tight)
            #expect(again.opening == .clean)
            #expect(try again.load().appliedRevision == 9)
        }
    }

    @Test func `an idle store writes nothing`() throws {
        try withDirectory { directory in
            #expect(recorder_install() == 0)
            let store = try NodeStore(directory: directory, options: .tight)
            try store.commit([[.epoch(1)]])
            _ = try store.snapshot()
            recorder_start(directory)
            defer { recorder_stop() }
            _ = try store.load()
            try store.commit([])
            try store.commit([[], []])
            _ = try store.snapshot()
            store.rebuildBallast()
            #expect(recorder_count() == 0)
        }
    }

    @Test(.enabled(if: canMount, "needs root, to mount a small disk"))
    func `a full disk gives up the ballast and takes it back`() throws {
        try withSmallDisk(mebibytes: 3) { mount in
            let store = try NodeStore(directory: mount + "/state", options: .production)
            #expect(store.ballastIsHeld)
            try store.commit([[.document(document("a", revision: 1)), .epoch(1)]])
            let filler = mount + "/filler"
            try fill(filler)

            // Intent still finds room, on what the ballast held back.
            for revision in 2...40 as ClosedRange<UInt64> {
                let text = String(repeating: "x", count: 4000)
                try store.commit([
                    [.document(document("a", revision: revision, text: text))],
                    [
                        .append(entry(revision, .event(event("e")))),
                        .trimLog(through: revision - 1),
                    ],
                ])
            }
            #expect(!store.ballastIsHeld)
            #expect(try store.load().documents.first?.revision == 40)

            try FileManager.default.removeItem(atPath: filler)
            try store.commit([[.epoch(2)]])
            #expect(store.ballastIsHeld)
            store.close()
            let again = try NodeStore(directory: mount + "/state", options: .production)
            #expect(again.opening == .clean)
            #expect(try again.load().epoch == 2)
        }
    }

    @Test(.enabled(if: canMount, "needs root, to mount a small disk"))
    func `a disk that stays full refuses commits, keeps what it has and recovers`() throws {
        try withSmallDisk(mebibytes: 3) { mount in
            let store = try HubStore(directory: mount + "/state", options: .production)
            try store.commit([[.epoch(1)]])
            let fillers = [mount + "/filler", mount + "/filler2"]
            try fill(fillers[0])
            let site = Site(
                metadata: Metadata(
                    name: "wide",
                    annotations: ["text": String(repeating: "x", count: 2 << 20)]),
                spec: SiteSpec())
            #expect(throws: StoreError.full(directory: mount + "/state")) {
                try store.commit([[.epoch(2), .site(site)]])
            }
            #expect(!store.ballastIsHeld)
            #expect(try store.load() == HubSnapshot(epoch: 1))
            // Someone else takes the space that the ballast gave up.
            try fill(fillers[1])
            store.close()

            let again = try HubStore(directory: mount + "/state", options: .production)
            #expect(again.opening == .clean)
            #expect(try again.load() == HubSnapshot(epoch: 1))
            for filler in fillers { try FileManager.default.removeItem(atPath: filler) }
            try again.commit([[.epoch(3)]])
            #expect(again.ballastIsHeld)
            #expect(try again.load().epoch == 3)
        }
    }
}

private let canMount = geteuid() == 0

private func withSmallDisk(mebibytes: Int, _ body: (String) throws -> Void) throws {
    try withDirectory { directory in
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let mounted = mount("tmpfs", directory, "tmpfs", 0, "size=\(mebibytes)m")
        try #require(mounted == 0, "mount: \(String(cString: strerror(errno)))")
        defer { umount2(directory, Int32(MNT_DETACH)) }
        try body(directory)
    }
}

/// Writes a file until the disk takes no more.
private func fill(_ path: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
    try #require(file >= 0)
    defer { close(file) }
    var block = 1 << 16
    let bytes = [UInt8](repeating: 1, count: block)
    while block > 0 {
        if write(file, bytes, block) <= 0 { block /= 2 }
    }
}
