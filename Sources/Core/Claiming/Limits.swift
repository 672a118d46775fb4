/// The bounds of the agreement on who runs what.
package struct Limits: Hashable, Sendable {
    /// How long a node has to be held failed before what it ran is claimed.
    package var hold = Duration.seconds(2)
    /// The lead of each candidate over the next.
    package var turn = Duration.seconds(4)
    /// How long a node that has just started waits for members that it has not heard of.
    package var settling = Duration.seconds(8)
    /// The same for taking over from a member that was never heard of.
    package var absence = Duration.seconds(40)
    /// A claim that was not repeated for so long is not pursued any more.
    package var staleness = Duration.seconds(8)
    /// How long a holder that is here may say nothing of what it is assumed to hold.
    package var silence = Duration.seconds(25)
    /// How long all who are here are waited for; then more than half of them are enough.
    package var unison = Duration.seconds(10)
    /// How long a claim is pursued against objections, and how long it rests then.
    package var patience = Duration.seconds(20)
    package var rest = Duration.seconds(10)
    /// How long a lower tier waits for a higher one that nobody has taken yet.
    package var tierWait = Duration.seconds(10)
    /// How long two holders wait for the rule to part them; then the higher claim stays.
    package var contest = Duration.seconds(10)
    /// Between repetitions of a claim; what is held already is repeated more and more seldom.
    package var repeatFirst = Duration.milliseconds(250)
    package var repeatMax = Duration.seconds(4)
    /// No honest claim is further above what is known.
    package var epochLead: UInt64 = 1 << 20

    package static let production = Limits()
}
