import Model

/// What a machine wants durable, one write at a time.
///
/// What is made while a write is under way leaves together with the next one: fewer commits under
/// load, and one bounded heap instead of a growing queue while the store cannot write.
struct Journal<Write: Equatable & Sendable, FollowUp: Equatable & Sendable>: Equatable, Sendable {
    /// Not yet handed out, in order.
    var writes: [Write] = []
    /// What waits for them.
    var followUps: [FollowUp] = []
    private(set) var underWay: Ticket?
    private(set) var awaited: [FollowUp] = []
    private var lastTicket: UInt64 = 0

    /// All that was ever made is durable.
    var isIdle: Bool { underWay == nil && writes.isEmpty && followUps.isEmpty }

    /// The next batch, unless one is still under way or there is nothing to write.
    mutating func leave() -> (ticket: Ticket, writes: [Write])? {
        guard underWay == nil, !writes.isEmpty || !followUps.isEmpty else { return nil }
        lastTicket += 1
        let ticket = Ticket(number: lastTicket)
        underWay = ticket
        swap(&awaited, &followUps)
        defer { writes = [] }
        return (ticket, writes)
    }

    /// The batch of `ticket` is durable: what waited for it may go on. A stray ticket frees nothing.
    mutating func settle(_ ticket: Ticket) -> [FollowUp] {
        guard underWay == ticket else { return [] }
        underWay = nil
        defer { awaited = [] }
        return awaited
    }

    /// Forgets every follow-up that `isPointless`, waiting or under way.
    mutating func forget(where isPointless: (FollowUp) -> Bool) {
        followUps.removeAll(where: isPointless)
        awaited.removeAll(where: isPointless)
    }
}
