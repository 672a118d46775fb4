import Glibc

/// What the kernel noted about processes it killed for want of memory.
enum KernelLog {
    /// Whether it killed one in the control group of a container.
    ///
    /// For engines that do not notice themselves: conmon before 2.2 listens for a signal of cgroups
    /// v1 that current kernels do not send. Only root may read the log; nobody else gets a yes.
    static func tellsOfMemoryKill(in container: String) -> Bool {
        let descriptor = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var record = [UInt8](repeating: 0, count: 8192)
        while true {
            // Each read gives one record; EPIPE means that the next one was overwritten.
            let count = Glibc.read(descriptor, &record, record.count)
            if count < 0 && errno == EPIPE { continue }
            guard count > 0 else { return false }
            let text = String(decoding: record[..<count], as: UTF8.self)
            if text.contains("oom-kill:"), text.contains(container) { return true }
        }
    }
}
