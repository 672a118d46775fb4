package import Model

/// The one place where it is decided who may act: every effect that changes the world passes here.
///
/// Invariants: what passes leaves a warrant, which alone makes an order; what passes and what is
/// refused leaves a record; the number of a record is used once.
package struct Gate: Equatable, Sendable {
    /// The side that asks: a hub decides as central, a node as local.
    package enum Seat: Equatable, Sendable {
        case hub
        case node(NodeID)
    }

    /// What somebody wants to do.
    package struct Question: Equatable, Sendable {
        package var domain: Domain
        package var action: Decision.Action
        package var subject: Decision.Subject
        package var tier: Tier
        package var basis: Decision.Basis
        package var cause: Decision.Cause
        package var alternatives: [Decision.Alternative]
        package var claim: Decision.Claim?

        package init(
            _ action: Decision.Action, _ subject: Decision.Subject, tier: Tier, in domain: Domain,
            on basis: Decision.Basis, because cause: Decision.Cause,
            alternatives: [Decision.Alternative] = [], claim: Decision.Claim? = nil
        ) {
            self.claim = claim
            self.action = action
            self.subject = subject
            self.tier = tier
            self.domain = domain
            self.basis = basis
            self.cause = cause
            self.alternatives = alternatives
        }
    }

    /// What the answer depends on besides the question.
    package struct Circumstances: Equatable, Sendable {
        package var site: SiteID?
        package var policyVersion: UInt64
        package var policies: [PolicyReference]
        package var policyAge: Duration
        package var staleness: Staleness
        package var reach: Reach

        package init(
            site: SiteID?, policyVersion: UInt64, policies: [PolicyReference] = [],
            policyAge: Duration, staleness: Staleness, reach: Reach
        ) {
            self.site = site
            self.policyVersion = policyVersion
            self.policies = policies
            self.policyAge = policyAge
            self.staleness = staleness
            self.reach = reach
        }
    }

    private let seat: Seat
    private let origin: String
    private var nextNumber: UInt64
    private var unrecorded: [Decision] = []

    /// `nextNumber` is above every number that this seat has used.
    package init(seat: Seat, nextNumber: UInt64) {
        self.seat = seat
        origin =
            switch seat {
            case .hub: ""
            case .node(let node): node.text
            }
        self.nextNumber = nextNumber
        unrecorded.reserveCapacity(16)
    }

    /// Asks whether something may be done; nil where it may not. Either way there is a record.
    package mutating func ask(
        _ question: Question, by table: AuthorityTable, in circumstances: Circumstances,
        at now: WallTime
    ) -> Warrant? {
        let ruling = table.ruling(on: question, in: circumstances)
        let passes = Gate.permits(ruling, question.basis, seat: seat)
        let id = DecisionID(origin: origin, number: nextNumber)
        nextNumber += 1
        unrecorded.append(
            Decision(
                id: id, at: now, site: circumstances.site, domain: question.domain,
                action: question.action, subject: question.subject, tier: question.tier,
                basis: question.basis, cause: question.cause, passed: passes, ruling: ruling,
                staleness: circumstances.staleness, reach: circumstances.reach,
                policyVersion: circumstances.policyVersion, policies: circumstances.policies,
                policyAge: Interval(max(.zero, circumstances.policyAge)),
                alternatives: question.alternatives, claim: question.claim))
        return passes ? Warrant(decision: id) : nil
    }

    /// The record of the last question, until it is taken.
    package var lastRecord: Decision? { unrecorded.last }

    /// Whether `ask` would pass it, without a decision.
    package func wouldPass(
        _ question: Question, by table: AuthorityTable, in circumstances: Circumstances
    ) -> Bool {
        Gate.permits(
            table.ruling(on: question, in: circumstances), question.basis, seat: seat)
    }

    /// The records since the last time, for the caller to make durable.
    package mutating func takeRecords() -> [Decision] {
        guard !unrecorded.isEmpty else { return [] }
        defer { unrecorded.removeAll(keepingCapacity: true) }
        return unrecorded
    }

    /// Whoever stands at the node may stop what runs there. Standing intent is carried out by whoever is
    /// near; judgement, and saying otherwise than the hub, is for those named.
    package static func permits(
        _ ruling: Ruling, _ basis: Decision.Basis, seat: Seat
    ) -> Bool {
        switch (ruling.verdict, basis) {
        case (_, .person): true
        case (.hold, _): false
        case (.restrict, .intent), (.permit, .intent): true
        case (.restrict, .judgement), (.restrict, .change): false
        case (.permit, .judgement), (.permit, .change):
            switch (ruling.by, seat) {
            case (.central, .hub), (.mesh, .node), (.local, .node), (.learned, .node): true
            case (.central, .node), (.mesh, .hub), (.local, .hub), (.learned, .hub): false
            }
        }
    }
}

extension AuthorityTable {
    fileprivate func ruling(
        on question: Gate.Question, in circumstances: Gate.Circumstances
    ) -> Ruling {
        self[Cell(question.domain, circumstances.staleness, question.tier, circumstances.reach)]
    }
}

/// Permission for one act, spent by ordering it. Only the gate makes one.
package struct Warrant: ~Copyable {
    package let decision: DecisionID

    fileprivate init(decision: DecisionID) { self.decision = decision }

    /// Spends the warrant on an act.
    package consuming func order(_ act: Act) -> Order { Order(act: act, decision: decision) }
}

/// What changes the world.
package enum Act: Equatable, Sendable {
    case start(StartRequest)
    case stop(ContainerID, grace: Duration)
    case pull(ContainerID, image: String)
    /// Which ordinals of a workload each node runs.
    case place(WorkloadID, [NodeID: [Int]])
    /// A workload is to be otherwise on this node than the hub says.
    case change(LocalChange)
}

/// An act with the decision that allows it. Made by spending a warrant, and in no other way.
package struct Order: Equatable, Sendable {
    package let act: Act
    package let decision: DecisionID

    fileprivate init(act: Act, decision: DecisionID) {
        self.act = act
        self.decision = decision
    }
}
