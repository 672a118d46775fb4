package import Model

/// Keeps a node from taking up a link that comes and goes: each visit costs a handshake, turns the
/// authority over twice, and repeats what was lost on the way.
///
/// A link that fell silent `turns` times within `window` is held down: the node stays away for
/// `first`, and twice as long after each further silence, up to `cap`. A session that lasted three
/// times the hold shows that the link is calm again (route flap damping, RFC 2439, with a count in
/// place of its decaying penalty: two states fewer, and a person can follow it).
///
/// Only silence counts. A hub that hangs up is there, and wants its nodes back when it is.
package struct HoldDown: Equatable, Sendable {
    package struct Limits: Equatable, Sendable {
        package var turns: Int
        package var window: Duration
        package var first: Duration
        package var cap: Duration

        package init(turns: Int, window: Duration, first: Duration, cap: Duration) {
            precondition(turns > 0 && first > .zero && cap >= first, "a hold without a length")
            self.turns = turns
            self.window = window
            self.first = first
            self.cap = cap
        }
    }

    private let limits: Limits
    /// At most `turns` of them.
    private var silences: [Instant] = []
    private var upSince: Instant?
    /// How long the node stayed away the last time; zero while the link is not held down.
    private var hold = Duration.zero

    package init(limits: Limits) { self.limits = limits }

    package mutating func noteUp(at now: Instant) { upSince = now }

    /// A session ended since nothing was heard. Answers how long to stay away; nil where the link is
    /// not flapping.
    package mutating func noteSilence(at now: Instant) -> Duration? {
        if let upSince, hold > .zero, now >= upSince + hold * 3 {
            hold = .zero
            silences = []
        }
        upSince = nil
        silences.removeAll { $0 + limits.window <= now }
        silences.append(now)
        if silences.count > limits.turns { silences.removeFirst() }
        guard hold > .zero || silences.count == limits.turns else { return nil }
        hold = hold == .zero ? limits.first : min(limits.cap, hold * 2)
        return hold
    }
}
