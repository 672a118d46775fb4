import Model

/// A reading of used processor time. Two of them make a share.
struct ProcessorSample: Sendable {
    /// On the monotonic clock.
    var at: Int64
    var nanoseconds: Int64

    /// The reading at the start of a container, when nothing was used yet.
    static func start(_ start: WallTime?, now: Int64, wall: WallTime) -> ProcessorSample {
        let age = start.map { max(0, wall.milliseconds - $0.milliseconds) } ?? 0
        return ProcessorSample(at: now - age * 1_000_000, nanoseconds: 0)
    }

    func share(since earlier: ProcessorSample) -> CPUShare {
        let length = max(1_000_000, at - earlier.at)
        return CPUShare(millicores: Int(max(0, nanoseconds - earlier.nanoseconds) * 1000 / length))
    }
}
