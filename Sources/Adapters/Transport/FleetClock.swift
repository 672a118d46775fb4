package import Model

/// The time by which certificates are judged.
package struct FleetClock: Sendable {
    package var now: @Sendable () -> WallTime
    /// Before this it cannot be, whatever `now` says: what separates the two is not known.
    package var earliest: @Sendable () -> WallTime
    /// A hub that is trusted showed by its certificate that it is this time at least.
    package var learn: @Sendable (WallTime) -> Void

    package init(
        now: @escaping @Sendable () -> WallTime, earliest: @escaping @Sendable () -> WallTime,
        learn: @escaping @Sendable (WallTime) -> Void
    ) {
        self.now = now
        self.earliest = earliest
        self.learn = learn
    }

    /// A clock that is sure of itself and learns from nobody, as a hub's.
    package init(certain now: @escaping @Sendable () -> WallTime) {
        self.init(now: now, earliest: now, learn: { _ in })
    }
}
