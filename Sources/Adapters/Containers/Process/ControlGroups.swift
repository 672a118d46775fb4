import Glibc
import Model

/// The part of the kernel's control groups that belongs to one process engine.
///
/// They lie at the root of their hierarchy, not below the agent's own group, so that they outlive
/// the agent and a service supervisor that clears its group.
struct ControlGroups: Sendable {
    enum Version { case one, two }

    private let name: String
    private let hierarchies: Hierarchies
    private let version: Version?
    /// `skerry/<engine>` in each hierarchy in use; one in version 2.
    private let memory: String?
    private let cpu: String?
    /// What cannot be limited here, for people.
    let limitations: [String]

    /// `name` must differ between engines of one machine.
    init(name: String) {
        self.name = name
        hierarchies = Hierarchies()
        if let root = hierarchies.unified, ControlGroups.prepareUnified(root, name: name) {
            version = .two
            memory = "\(root)/skerry/\(name)"
            cpu = memory
            limitations = []
            return
        }
        memory = hierarchies.memory.flatMap { ControlGroups.prepare($0, name: name) }
        cpu = hierarchies.cpu.flatMap { ControlGroups.prepare($0, name: name) }
        version = memory == nil && cpu == nil ? nil : .one
        limitations = [
            memory == nil ? "memory limits are not enforced: \(ControlGroups.advice)" : nil,
            cpu == nil ? "processor limits are not enforced: \(ControlGroups.advice)" : nil,
        ].compactMap(\.self)
    }

    /// The group of one container, whether it exists or not; nil where the node has none.
    func group(_ id: ContainerID) -> ControlGroup? {
        guard let version else { return nil }
        let leaf = "\(id.instance).\(id.name)"
        return ControlGroup(
            version: version, memory: memory.map { "\($0)/\(leaf)" },
            cpu: cpu.map { "\($0)/\(leaf)" })
    }

    /// Makes again what was removed while no container ran. A failure shows at the next step.
    func ensure() {
        switch version {
        case nil: break
        case .two: _ = hierarchies.unified.map { ControlGroups.prepareUnified($0, name: name) }
        case .one:
            for root in [hierarchies.memory, hierarchies.cpu].compactMap(\.self) {
                _ = ControlGroups.prepare(root, name: name)
            }
        }
    }

    /// Removes the engine's groups where no container has one, so that nothing stays behind. Only
    /// `skerry` itself does: another engine may be about to make its own in there.
    func removeIfEmpty() {
        for directory in Set([memory, cpu].compactMap(\.self)) { rmdir(directory) }
    }

    private static let advice =
        "no control group hierarchy is writable for the agent; run it as root, or give it one"

    private static func prepareUnified(_ root: String, name: String) -> Bool {
        let wanted = "+memory +cpu"
        guard write(wanted, to: "\(root)/cgroup.subtree_control") || controls(root),
            make("\(root)/skerry"), write(wanted, to: "\(root)/skerry/cgroup.subtree_control"),
            make("\(root)/skerry/\(name)"),
            write(wanted, to: "\(root)/skerry/\(name)/cgroup.subtree_control")
        else { return false }
        return true
    }

    private static func controls(_ root: String) -> Bool {
        let words = String(decoding: read("\(root)/cgroup.subtree_control") ?? [], as: UTF8.self)
            .split(whereSeparator: \.isWhitespace)
        return words.contains("memory") && words.contains("cpu")
    }

    private static func prepare(_ root: String, name: String) -> String? {
        guard make("\(root)/skerry"), make("\(root)/skerry/\(name)"),
            access("\(root)/skerry/\(name)/cgroup.procs", W_OK) == 0
        else { return nil }
        return "\(root)/skerry/\(name)"
    }

    private static func make(_ directory: String) -> Bool {
        mkdir(directory, 0o755) == 0 || errno == EEXIST
    }
}

/// One container's control group: its limits, its members and what it used.
struct ControlGroup: Sendable {
    fileprivate let version: ControlGroups.Version
    fileprivate let memory: String?
    fileprivate let cpu: String?

    /// The files that a process writes itself into to join.
    var memberFiles: [String] { directories.map { "\($0)/cgroup.procs" } }

    private var directories: [String] {
        [memory, cpu == memory ? nil : cpu].compactMap(\.self)
    }

    /// Makes the group anew, so that counters of an earlier process say nothing about this one.
    func create(_ limits: Resources) throws(EngineFailure) {
        killMembers()
        for directory in directories {
            rmdir(directory)
            guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
                throw EngineFailure(
                    .refused, "cannot make the control group \(directory): \(systemError())")
            }
        }
        if let bytes = limits.memory?.bytes { try limitMemory(bytes) }
        if let share = limits.cpu { try limitProcessor(share) }
    }

    func members() -> [pid_t] {
        guard let file = memberFiles.first, let bytes = read(file) else { return [] }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        return lines.compactMap { pid_t($0) }
    }

    /// Kills every member, and those they make meanwhile.
    func killMembers() {
        if version == .two, let memory, write("1", to: "\(memory)/cgroup.kill") { return }
        for _ in 0..<16 {
            let members = members()
            if members.isEmpty { return }
            for pid in members { kill(pid, SIGKILL) }
        }
    }

    /// Removes the group. False while members are still on their way out.
    @discardableResult
    func remove() -> Bool {
        var isGone = true
        for directory in directories where rmdir(directory) != 0 && errno != ENOENT {
            isGone = false
        }
        return isGone
    }

    /// How often the kernel killed a member for want of memory.
    var memoryKills: Int {
        guard let memory else { return 0 }
        let file = version == .two ? "memory.events" : "memory.oom_control"
        return counter("oom_kill", in: "\(memory)/\(file)") ?? 0
    }

    /// Bytes in use without the cache that the kernel would give back at once.
    var memoryBytes: Int64? {
        guard let memory else { return nil }
        let (total, cache) =
            version == .two
            ? ("memory.current", "inactive_file") : ("memory.usage_in_bytes", "total_inactive_file")
        guard let used = number(in: "\(memory)/\(total)") else { return nil }
        return Int64(max(0, used - (counter(cache, in: "\(memory)/memory.stat") ?? 0)))
    }

    private func limitMemory(_ bytes: Int64) throws(EngineFailure) {
        guard let memory else { return }
        let file = version == .two ? "memory.max" : "memory.limit_in_bytes"
        guard write("\(bytes)", to: "\(memory)/\(file)") else {
            throw EngineFailure(
                .refused, "cannot limit memory to \(ByteCount(bytes)): \(systemError())")
        }
        // Swap would only delay the end; many kernels do not count it, then there is no such file.
        _ =
            version == .two
            ? write("0", to: "\(memory)/memory.swap.max")
            : write("\(bytes)", to: "\(memory)/memory.memsw.limit_in_bytes")
        if version == .two { _ = write("1", to: "\(memory)/memory.oom.group") }
    }

    private func limitProcessor(_ share: CPUShare) throws(EngineFailure) {
        guard let cpu else { return }
        let period = 100_000
        // The kernel takes no quota below a millisecond.
        let quota = max(1000, share.millicores * period / 1000)
        let done =
            version == .two
            ? write("\(quota) \(period)", to: "\(cpu)/cpu.max")
            : write("\(period)", to: "\(cpu)/cpu.cfs_period_us")
                && write("\(quota)", to: "\(cpu)/cpu.cfs_quota_us")
        guard done else {
            throw EngineFailure(
                .refused, "cannot limit the processor to \(share): \(systemError())")
        }
    }
}

/// Where the kernel's control groups are mounted.
private struct Hierarchies: Sendable {
    var unified: String?
    var memory: String?
    var cpu: String?

    init() {
        let lines = String(decoding: read("/proc/self/mounts") ?? [], as: UTF8.self)
            .split(separator: "\n")
        for line in lines {
            let fields = line.split(separator: " ")
            guard fields.count > 3 else { continue }
            let place = String(fields[1])
            if fields[2] == "cgroup2" { unified = place }
            guard fields[2] == "cgroup" else { continue }
            let controllers = fields[3].split(separator: ",")
            if controllers.contains("memory") { memory = place }
            if controllers.contains("cpu") { cpu = place }
        }
    }
}

private func number(in file: String) -> Int? {
    read(file).flatMap { Int(String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace }) }
}

/// The value behind a name in a file of `name value` lines.
private func counter(_ name: String, in file: String) -> Int? {
    guard let bytes = read(file) else { return nil }
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
        let words = line.split(separator: " ")
        if words.count == 2, words[0] == name { return Int(words[1]) }
    }
    return nil
}
