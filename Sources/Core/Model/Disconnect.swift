/// What becomes of a workload's copies on a node that is cut off.
///
/// Says nothing by itself: without one, silence stops nothing and moves nothing.
package struct Disconnect: Hashable, Codable, Sendable {
    /// How long a node must be out of contact before the hub counts it as lost to this workload.
    package var lostAfter: Interval
    /// How long after its last contact a node stops its copies by itself; nil for never. Shorter than
    /// `lostAfter`, no copy runs twice, at the price of one that runs nowhere.
    package var stopAfter: Interval?
    /// Whether a copy on a lost node is started on another one as well.
    package var replace: Bool
    /// Which copy goes on when a lost node comes back and another runs the same one.
    package var reconcile: Reconcile

    package static let lostAfterStandard = Interval.seconds(300)

    package init(
        lostAfter: Interval = Disconnect.lostAfterStandard, stopAfter: Interval? = nil,
        replace: Bool = false, reconcile: Reconcile = .keepOriginal
    ) {
        self.lostAfter = lostAfter
        self.stopAfter = stopAfter
        self.replace = replace
        self.reconcile = reconcile
    }
}

/// Which of several copies of one instance goes on. One that is ready is always kept before one that
/// is not; the rule chooses among those that are alike in this.
package enum Reconcile: String, Codable, CaseIterable, Sendable {
    /// The one that was there first.
    case keepOriginal = "keep-original"
    /// The one that was placed last.
    case keepReplacement = "keep-replacement"
    /// The one on the node that placement likes best.
    case bestScore = "best-score"
    /// The one that has run longest by the clock of its own node.
    case longestRunning = "longest-running"
}

/// One copy that was placed on several nodes because one of them was not heard from.
package struct Replacement: Hashable, Codable, Sendable {
    package var ordinal: Int
    /// In the order in which they were given it: the original first.
    package var holders: [NodeID]

    package init(ordinal: Int, holders: [NodeID]) {
        self.ordinal = ordinal
        self.holders = holders
    }
}
