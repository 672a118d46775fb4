package import Model

/// The time by which certificates are judged: no wall clock can set it back, and none can run away
/// with it.
///
/// It stands on an anchor, the last time that somebody who may say so has said: for a node the hub,
/// in a certificate or inside the control link; for a hub itself, whenever it signs. From there only
/// the monotonic clock moves it. Within the boot of its anchor a node needs no wall clock at all;
/// after a reboot the wall clock is an estimate, used between the anchor and `leap` beyond it.
///
/// Invariant: `earliest` never goes back.
package struct TrustClock: Equatable, Sendable {
    /// Whose time it is.
    package enum Source: Equatable, Sendable {
        /// The wall clock here is what others go by, as far as it does not jump.
        case wall
        /// What is signed elsewhere; the wall clock only helps out after a reboot.
        case signed
    }

    /// How far the time can be relied on.
    package enum Standing: String, Hashable, Codable, Sendable {
        /// Measured from a signed time within this boot.
        case measured = "Measured"
        /// The wall clock's word, inside the bounds.
        case estimated = "Estimated"
        /// The wall clock reads a time that is over, so the earliest possible one is used.
        case behind = "ClockBehind"
        /// The wall clock reads a time too far off, so it is used up to the bound only.
        case ahead = "ClockAhead"
    }

    package private(set) var anchor: Reading
    package let source: Source
    private let boot: UInt64
    private let leap: Duration

    /// - Parameters:
    ///   - anchor: as it was kept; nil where there never was one.
    ///   - leap: how far beyond the earliest possible time the wall clock is believed.
    package init(
        anchor: Reading?, source: Source, leap: Duration, boot: UInt64, now: Moment
    ) {
        self.anchor = anchor ?? Reading(now, boot: boot)
        self.source = source
        self.leap = leap
        self.boot = boot
    }

    /// Before this it cannot be. A thousandth of what went by is left out, more than any oscillator
    /// is wrong, so that a signed time is never taken for an older one.
    package func earliest(at now: Moment) -> WallTime {
        let elapsed = elapsed(at: now)
        return anchor.wall + (elapsed - elapsed / 1000)
    }

    package func time(at now: Moment) -> WallTime { judge(now).time }

    package func standing(at now: Moment) -> Standing { judge(now).standing }

    /// Somebody who may say so has said that it is `signed` at least. False where that is not new.
    @discardableResult
    package mutating func learn(_ signed: WallTime, at now: Moment) -> Bool {
        guard signed > earliest(at: now) else { return false }
        anchor = Reading(Moment(monotonic: now.monotonic, wall: signed), boot: boot)
        return true
    }

    /// The anchor as of now, to be kept where the next process finds it.
    package func kept(at now: Moment) -> Reading {
        let time = anchor.boot == boot ? anchor.wall + elapsed(at: now) : earliest(at: now)
        return Reading(Moment(monotonic: now.monotonic, wall: time), boot: boot)
    }

    private func judge(_ now: Moment) -> (time: WallTime, standing: Standing) {
        if source == .signed, anchor.boot == boot {
            return (anchor.wall + elapsed(at: now), .measured)
        }
        let earliest = earliest(at: now)
        if now.wall < earliest { return (earliest, .behind) }
        if now.wall > earliest + leap { return (earliest + leap, .ahead) }
        return (now.wall, .estimated)
    }

    /// What surely went by since the anchor. The monotonic clock begins with the boot, so in a later
    /// one it is no more than that.
    private func elapsed(at now: Moment) -> Duration {
        max(
            .zero,
            anchor.boot == boot
                ? now.monotonic - anchor.monotonic : now.monotonic - Instant(nanoseconds: 0))
    }
}

/// When a certificate is renewed: at two thirds of its life at the latest, up to a tenth of that before,
/// so that a fleet that was enrolled at one moment does not renew at one moment.
package enum Renewal {
    package static func due(
        after issued: Instant, life: Duration, using random: inout Random
    ) -> Instant {
        let latest = life * 2 / 3
        let spread = latest / 10
        return issued + (latest - spread) + random.duration(upTo: spread)
    }
}
