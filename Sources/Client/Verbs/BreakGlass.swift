package import Model

/// Lets the console of a node act as if no policy forbade it, for a while and on record.
package struct BreakGlass: Sendable {
    private let reason: String
    private let life: Interval

    /// - Parameter life: zero ends it.
    package init(reason: String, for life: Interval) {
        self.reason = reason
        self.life = life
    }

    package func run(in session: Session) async throws {
        let end = try await session.connection.breakGlass(reason: reason, validFor: life)
        guard life.duration > .zero else {
            return try session.console.say("policies count again at this console")
        }
        try session.console.say(
            visible(
                "policies do not count at this console until \(end); what is done is told here and at "
                    + "the hub"))
    }
}
