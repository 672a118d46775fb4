package import Model

/// How long to stay away from a hub that did not answer.
///
/// Full jitter, drawn after the cap: a fleet that lost its hub at one moment returns spread over
/// the whole window (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015, and the storms
/// that came from jitter before the cap).
package struct Backoff: Equatable, Sendable {
    private let cap: Duration
    private var attempts = 0

    package init(cap: Duration) {
        precondition(cap > .zero, "a backoff without a length is a busy loop")
        self.cap = cap
    }

    /// The link worked: the next loss starts from `first` again.
    package mutating func reset() { attempts = 0 }

    /// Draws the wait before the next attempt: uniform in a window that starts at `first` and
    /// doubles up to the cap.
    package mutating func next(first: Duration, using random: inout Random) -> Duration {
        let window = min(cap, first * (1 << min(attempts, 20)))
        attempts += 1
        return random.duration(upTo: max(window, .milliseconds(1)))
    }
}
