/// What a mesh sent and received, and what it threw away and why. Counts since the start.
package struct Tally: Hashable, Sendable {
    package var sentFrames = 0
    /// With what the link adds.
    package var sentBytes = 0
    package var receivedFrames = 0
    package var unopened = 0
    package var strangers = 0
    package var flooded = 0
    package var oversized = 0
    package var malformed = 0
    package var replayed = 0
    /// Records that their origins did not sign.
    package var forged = 0
    /// Records that were not looked at, since their sender brought too many or forged ones.
    package var unchecked = 0
    /// Records that say something else than the one of their number that is held.
    package var contradicted = 0
    package var formerRuns = 0
    package var refusedMembers = 0
    /// Frames that the budget did not allow.
    package var withheld = 0
}
