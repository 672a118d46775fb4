import Glibc
import Model

/// What the kernel says in `/proc` about the processes of this node.
enum ProcessTable {
    /// A process as `/proc/PID/stat` shows it.
    struct Entry: Equatable {
        var pid: pid_t
        var session: pid_t
        var isZombie: Bool
        /// Since boot, in clock ticks. With the pid it names a process for the length of a boot.
        var startTicks: UInt64
        var cpuTicks: UInt64
        var residentBytes: Int64
    }

    static let ticksPerSecond = Int64(sysconf(Int32(_SC_CLK_TCK)))
    private static let pageBytes = Int64(sysconf(Int32(_SC_PAGESIZE)))

    /// Differs between any two boots.
    static func bootID() -> String {
        String(decoding: read("/proc/sys/kernel/random/boot_id") ?? [], as: UTF8.self)
            .filter { !$0.isWhitespace }
    }

    static func pids() -> [pid_t] {
        guard let directory = opendir("/proc") else { return [] }
        defer { closedir(directory) }
        var pids: [pid_t] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let pid = pid_t(name) { pids.append(pid) }
        }
        return pids
    }

    /// Nil where there is no such process.
    static func entry(_ pid: pid_t) -> Entry? {
        guard let fields = stat(pid), fields.count > 21, let session = pid_t(fields[3]),
            let user = UInt64(fields[11]),
            let system = UInt64(fields[12]), let start = UInt64(fields[19]),
            let pages = Int64(fields[21])
        else { return nil }
        return Entry(
            pid: pid, session: session, isZombie: hasEnded(fields),
            startTicks: start, cpuTicks: user + system, residentBytes: pages * pageBytes)
    }

    /// What follows the name in `/proc/PID/stat`: the state first.
    private static func stat(_ pid: pid_t) -> [Substring]? {
        guard let bytes = read("/proc/\(pid)/stat"),
            // The name in parentheses may itself contain blanks and parentheses.
            let end = bytes.lastIndex(of: UInt8(ascii: ")"))
        else { return nil }
        return String(decoding: bytes[(end + 1)...], as: UTF8.self).split(separator: " ")
    }

    private static func hasEnded(_ stat: [Substring]) -> Bool {
        stat.first == "Z" || stat.first == "X"
    }

    /// All processes by session: the session of a container's main process is the container.
    static func sessions() -> [pid_t: [Entry]] {
        Dictionary(grouping: pids().compactMap(entry), by: \.session)
    }

    /// The variables a process was started with, `NAME=value` each; empty where they are not ours
    /// to read.
    ///
    /// While a process turns into another program (`execve`) the kernel shows none for a moment, of
    /// a busy machine a long one, and taking that for an answer would start a container twice. It
    /// may be the other program when its words are read, so only a second look counts.
    static func environment(_ pid: pid_t) -> [String] {
        var isSettled = false
        for _ in 0..<50 {
            guard let bytes = read("/proc/\(pid)/environ") else { return [] }
            if !bytes.isEmpty || isSettled {
                return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
            }
            isSettled = !isBetweenPrograms(pid)
            if !isSettled { usleep(1000) }
        }
        return []
    }

    /// It has no words either; nor have threads of the kernel and what has ended, but for good.
    private static func isBetweenPrograms(_ pid: pid_t) -> Bool {
        guard read("/proc/\(pid)/cmdline")?.isEmpty == true, let fields = stat(pid),
            fields.count > 6, let flags = UInt32(fields[6])
        else { return false }
        let isOfKernel = flags & 0x0020_0000 != 0  // PF_KTHREAD
        return !isOfKernel && !hasEnded(fields)
    }

    static func startedAt(ticks: UInt64) -> WallTime {
        var uptime = timespec()
        clock_gettime(CLOCK_BOOTTIME, &uptime)
        let upMilliseconds = Int64(uptime.tv_sec) * 1000 + Int64(uptime.tv_nsec) / 1_000_000
        let startMilliseconds = Int64(ticks) * 1000 / ticksPerSecond
        return WallTime(
            milliseconds: wallTime().milliseconds - upMilliseconds + startMilliseconds)
    }
}

/// The wall clock, for what people read.
func wallTime() -> WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return WallTime(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}

/// The monotonic clock in nanoseconds, for lengths of time.
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

/// What the last system call complained about, in words.
func systemError(_ code: Int32 = errno) -> String {
    String(cString: strerror(code))
}

/// Reads a small file whole, at most 1 MiB; nil where it cannot be read.
func read(_ path: String) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 16 * 1024)
    while bytes.count < 1024 * 1024 {
        let count = Glibc.read(descriptor, &block, block.count)
        guard count >= 0 else { return nil }
        if count == 0 { break }
        bytes += block[..<count]
    }
    return bytes
}

/// Writes into a file that exists, such as those of the kernel. False with `errno` on failure.
func write(_ text: String, to path: String) -> Bool {
    let descriptor = open(path, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    return Glibc.write(descriptor, text, text.utf8.count) == text.utf8.count
}
