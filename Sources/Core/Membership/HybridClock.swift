package import Model

/// A hybrid logical stamp (Kulkarni and others, "Logical physical clocks", 2014): 48 bits of wall
/// time in milliseconds, 16 bits that count within one.
package struct HybridStamp: Hashable, Comparable, Sendable {
    package let bits: UInt64

    package init(bits: UInt64) { self.bits = bits }

    package init(_ wall: WallTime, count: UInt16 = 0) {
        bits = UInt64(clamping: wall.milliseconds) << 16 | UInt64(count)
    }

    package var wall: WallTime { WallTime(milliseconds: Int64(bits >> 16)) }

    package static func < (left: HybridStamp, right: HybridStamp) -> Bool { left.bits < right.bits }
}

/// Gives stamps that rise, and that lie above every stamp seen, as long as those are believable.
struct HybridClock: Hashable, Sendable {
    private(set) var latest = HybridStamp(bits: 0)
    /// Beyond this a stamp comes from a clock that is wrong, and must not pull this one along.
    let aheadMax: Duration

    /// Whether a stamp may be believed now. Only the future is checked: the past is where records live.
    func believes(_ stamp: HybridStamp, at wall: WallTime) -> Bool {
        stamp.wall <= wall + aheadMax
    }

    mutating func observe(_ stamp: HybridStamp, at wall: WallTime) {
        guard believes(stamp, at: wall) else { return }
        latest = max(latest, stamp)
    }

    mutating func next(at wall: WallTime) -> HybridStamp {
        latest = max(HybridStamp(wall), HybridStamp(bits: latest.bits + 1))
        return latest
    }
}
