/// Who runs one instance of a workload that a mesh decides about, and by which claim.
///
/// A node says it of itself alone. What others are known to hold comes from them, or from the plan.
package struct Tenure: Hashable, Codable, Sendable {
    package var instance: InstanceID
    /// Counts the claims on the instance: of two, the higher is the newer.
    package var epoch: UInt64
    package var holder: NodeID
    /// Everybody in reach has acknowledged it, so it may run. Until then it is asked for.
    package var isHeld: Bool
    /// In whose place it was taken; nil where the plan gave it.
    package var predecessor: NodeID?
    /// The newest plan that the holder knew of.
    package var plan: RosterVersion
    /// Since when, by the clock of the holder.
    package var since: WallTime
    package var isReady: Bool
    /// How many instances its holder has by claims, which says how well one more is placed there.
    package var load: Int

    package init(
        instance: InstanceID, epoch: UInt64, holder: NodeID, isHeld: Bool,
        predecessor: NodeID? = nil, plan: RosterVersion = .none,
        since: WallTime = WallTime(milliseconds: 0),
        isReady: Bool = false, load: Int = 0
    ) {
        self.instance = instance
        self.epoch = epoch
        self.holder = holder
        self.isHeld = isHeld
        self.predecessor = predecessor
        self.plan = plan
        self.since = since
        self.isReady = isReady
        self.load = load
    }

    /// Of two claims of one epoch, the one of the earlier name is the higher.
    package func outranks(_ other: Tenure) -> Bool {
        epoch == other.epoch ? holder < other.holder : epoch > other.epoch
    }
}
