/// Who has spoken in the name of one node.
///
/// Each start of an agent draws a number, its run; each boot of a machine has one, and most machines
/// have one of their own. A machine never comes back with a run or a boot that another has replaced:
/// if that happens, two share one identity.
package struct Claims: Hashable, Codable, Sendable {
    /// One run of an agent, as the hub met it.
    package struct Claim: Hashable, Codable, Sendable {
        package var run: UInt64
        package var boot: UInt64
        /// Zero where the machine has no number of its own, or it may not be read.
        package var machine: UInt64
        package var since: WallTime
        package var agentVersion: String
        /// How far the node's log was read when this run was first welcomed: what lies above may be
        /// this run's own.
        package var readThrough: UInt64

        package init(
            run: UInt64, boot: UInt64, machine: UInt64, since: WallTime, agentVersion: String,
            readThrough: UInt64
        ) {
            self.run = run
            self.boot = boot
            self.machine = machine
            self.since = since
            self.agentVersion = agentVersion
            self.readThrough = readThrough
        }
    }

    /// The runs that were welcomed, oldest first: the last of them is the one obeyed.
    package var welcomed: [Claim]
    /// Runs of a clone, oldest first: they are turned away until the node is made anew.
    package var quarantined: [Claim]
    /// When two claimants were first told apart.
    package var clonedAt: WallTime?

    package init(
        welcomed: [Claim] = [], quarantined: [Claim] = [], clonedAt: WallTime? = nil
    ) {
        self.welcomed = welcomed
        self.quarantined = quarantined
        self.clonedAt = clonedAt
    }

    package var current: Claim? { welcomed.last }
}
