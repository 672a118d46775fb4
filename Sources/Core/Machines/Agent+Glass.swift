package import Model

/// That somebody at the console acts as if no policy forbade it. It ends with its time and with the boot.
package struct BrokenGlass: Equatable, Sendable {
    package let reason: String
    package let since: WallTime
    /// By the monotonic clock, so that nobody prolongs it by setting the other one back.
    let end: Instant
}

/// For when policy itself is in the way: it forbids what has to be done, cannot be read, or is too old.
/// Everything that is done then is told here and, through the node's log, at the hub.
extension Agent {
    package static let glassLifeMax = Duration.seconds(4 * 3600)
    private static let reasonBytesMax = 200

    package func isGlassBroken(at now: Instant) -> Bool { glass.map { now < $0.end } ?? false }

    mutating func breakGlass(
        _ reason: String, for life: Duration, at now: Moment
    ) throws(Refusal) -> WallTime {
        guard !reason.isEmpty, reason.utf8.count <= Agent.reasonBytesMax else {
            throw Refusal(
                .invalid,
                "say why, in at most \(Agent.reasonBytesMax) letters: others will ask later")
        }
        guard life >= .zero, life <= Agent.glassLifeMax else {
            throw Refusal(.invalid, "the glass is broken for 4h at most; afterwards once more")
        }
        let end = now.monotonic + life
        guard life > .zero else {
            if isGlassBroken(at: now.monotonic) {
                tell(
                    .normal, "GlassMended", .node, configuration.node.text,
                    "policies count again at the console: \(reason)", at: now)
            }
            glass = nil
            return now.wall
        }
        glass = BrokenGlass(reason: reason, since: now.wall, end: end)
        tell(
            .warning, "GlassBroken", .node, configuration.node.text,
            "somebody at the console acts as if no policy forbade it, for "
                + "\(Interval(life).toTheSecond): \(reason)", at: now)
        return now.wall + life
    }

    mutating func noteActedUnderGlass(_ act: String, at now: Moment) {
        tell(
            .warning, "ActedUnderGlass", .node, configuration.node.text,
            "at the console, with the glass broken (\(glass?.reason ?? "until just now")): \(act)",
            at: now)
    }

    /// That the glass is broken, for people who look at the node; nil where it is not.
    package func glassCondition(at now: Moment) -> Condition? {
        guard let glass, now.monotonic < glass.end else { return nil }
        return Condition(
            type: "GlassIntact", isTrue: false, reason: "GlassBroken",
            message: "since \(glass.since), for \(Interval(glass.end - now.monotonic).toTheSecond) "
                + "more: \(glass.reason)",
            observedAt: now.wall)
    }
}
