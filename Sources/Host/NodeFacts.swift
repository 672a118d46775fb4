import Foundation
import Model
import Synchronization

/// What this machine is and how busy it is, read from `/proc`.
final class NodeFacts: Sendable {
    private struct Sample {
        var busy: Int64
        var total: Int64
    }

    private let last = Mutex<Sample?>(nil)

    static func capacity() -> Capacity {
        let memory = memoryField("MemTotal:") ?? 0
        return Capacity(
            cpu: CPUShare(millicores: ProcessInfo.processInfo.activeProcessorCount * 1000),
            memory: ByteCount(memory))
    }

    /// A number for this machine from the serial number that its firmware or board has; zero where
    /// there is none, or only root may read it. A copied disk does not take it along.
    static func machine() -> UInt64 {
        let places = ["/sys/class/dmi/id/product_uuid", "/proc/device-tree/serial-number"]
        guard let serial = places.lazy.compactMap({ lines(of: $0).first }).first else { return 0 }
        // FNV-1a: the hub compares it, and need not know the serial number.
        return serial.utf8.reduce(14_695_981_039_346_656_037) {
            ($0 ^ UInt64($1)) &* 1_099_511_628_211
        }
    }

    /// What the machine used since the last call; nil the first time, and where `/proc` is absent.
    func usage(at now: WallTime) -> Usage? {
        guard let sample = NodeFacts.sample(), let total = NodeFacts.memoryField("MemTotal:"),
            let available = NodeFacts.memoryField("MemAvailable:")
        else { return nil }
        let earlier = last.withLock { last in
            defer { last = sample }
            return last
        }
        guard let earlier, sample.total > earlier.total else { return nil }
        let share =
            Double(sample.busy - earlier.busy) / Double(sample.total - earlier.total)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        return Usage(
            cpu: CPUShare(millicores: Int(share * Double(cores) * 1000)),
            memory: ByteCount(total - available), observedAt: now)
    }

    /// `/proc/stat`, first line: user nice system idle iowait irq softirq steal (proc(5)).
    private static func sample() -> Sample? {
        guard let line = lines(of: "/proc/stat").first else { return nil }
        let fields = line.split(separator: " ").dropFirst().prefix(8).compactMap { Int64($0) }
        guard fields.count == 8 else { return nil }
        let total = fields.reduce(0, +)
        return Sample(busy: total - fields[3] - fields[4], total: total)
    }

    private static func memoryField(_ name: String) -> Int64? {
        guard let line = lines(of: "/proc/meminfo").first(where: { $0.hasPrefix(name) }),
            let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int64($0) })
        else { return nil }
        return kibibytes * 1024
    }

    private static func lines(of path: String) -> [Substring] {
        guard let data = FileManager.default.contents(atPath: path) else { return [] }
        return String(decoding: data, as: UTF8.self).split(separator: "\n")
    }
}
