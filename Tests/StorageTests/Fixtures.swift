import Foundation
import Model
import Storage

/// A path for a store, of which nothing is left once `body` is through.
func withDirectory<Value>(_ body: (String) throws -> Value) throws -> Value {
    let path = FileManager.default.temporaryDirectory.path + "/skerry-store-\(UUID().uuidString)"
    let outcome = Result { try body(path) }
    if FileManager.default.fileExists(atPath: path) {
        try FileManager.default.removeItem(atPath: path)
    }
    return try outcome.get()
}

func document(_ name: String, revision: UInt64, text: String = "") -> Document {
    let site = Site(
        metadata: Metadata(name: name, annotations: ["text": text]), spec: SiteSpec())
    return Document(
        key: .site(SiteID(name)), revision: revision, content: .site(site))
}

func entry(_ sequence: UInt64, _ body: LogEntry.Body) -> LogEntry {
    LogEntry(sequence: sequence, at: WallTime(milliseconds: Int64(sequence)), body: body)
}

func event(_ text: String) -> Event {
    Event(
        at: WallTime(milliseconds: 7), node: "till", reason: "Started", kind: .instance,
        name: "shop-0", message: text)
}

func status(_ ordinal: Int, restarts: Int = 0) -> InstanceStatus {
    InstanceStatus(
        id: InstanceID(workload: "shop", ordinal: ordinal), node: "till", site: "harbour",
        tier: .critical, observedGeneration: 3, phase: .running, ready: true, restarts: restarts,
        startedAt: WallTime(milliseconds: 5), ports: ["http": 8080], reason: "", message: "",
        observedAt: WallTime(milliseconds: 9))
}

func record(_ ordinal: Int) -> InstanceRecord {
    InstanceRecord(
        id: InstanceID(workload: "shop", ordinal: ordinal), generation: 4,
        containers: [ContainerSpec(name: "main", command: ["serve"])], ports: ["http": 8080])
}

/// Overwrites `count` bytes of a file.
func damage(_ file: String, at offset: UInt64, count: Int) throws {
    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: file))
    try handle.seek(toOffset: offset)
    try handle.write(contentsOf: Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 151 + 7) }))
    try handle.close()
}
