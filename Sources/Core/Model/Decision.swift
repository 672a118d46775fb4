/// Names one decision: who took it, and its number there.
package struct DecisionID: Hashable, Comparable, Codable, Sendable, CustomStringConvertible {
    /// A node's name; empty for the hub, whose name no node can have.
    package var origin: String
    package var number: UInt64

    package init(origin: String, number: UInt64) {
        self.origin = origin
        self.number = number
    }

    package var description: String { "\(origin.isEmpty ? "hub" : origin)/\(number)" }

    package static func < (left: DecisionID, right: DecisionID) -> Bool {
        (left.origin, left.number) < (right.origin, right.number)
    }
}

extension Decision {
    /// What a decision is about. Coded as it is named: `Instance/shop-0`.
    package enum Subject: Hashable, Comparable, Sendable, CustomStringConvertible {
        case workload(WorkloadID)
        case instance(InstanceID)

        package var kind: Kind {
            switch self {
            case .instance: .instance
            case .workload: .workload
            }
        }

        package var name: String {
            switch self {
            case .instance(let id): id.description
            case .workload(let id): id.text
            }
        }

        package var workload: WorkloadID {
            switch self {
            case .instance(let id): id.workload
            case .workload(let id): id
            }
        }

        package var description: String { "\(kind.rawValue)/\(name)" }
    }
}

extension Decision.Subject: Codable {
    package init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        switch Kind(rawValue: parts[0]) {
        case .workload: self = .workload(WorkloadID(parts[1]))
        case .instance:
            guard let id = InstanceID(parts[1]) else { return nil }
            self = .instance(id)
        case .site, .node, .policy, .secret, nil: return nil
        }
    }

    package init(from decoder: any Decoder) throws {
        self = try decoder.text(Decision.Subject.init, as: "a subject such as Workload/shop")
    }
    package func encode(to encoder: any Encoder) throws { try encoder.text(description) }
}

/// The record of one decision: who was allowed to take it, by which policy, how old that was, why.
///
/// A decision that was refused is recorded like one that passed.
package struct Decision: Hashable, Codable, Sendable {
    package enum Action: String, Codable, Sendable {
        case place, update, start, stop, pull
    }

    /// Whose word it rests on.
    package enum Basis: String, Codable, Sendable {
        /// A person's, standing until it is changed: what was applied, and where it was placed.
        case intent
        /// A person's, here and now: at the console of the node.
        case person
        /// A person's at the node, to be different there from what the hub says.
        case change
        /// The machine's own judgement.
        case judgement
    }

    /// What made it necessary.
    package enum Cause: String, Codable, Sendable {
        case applied, deleted, nodesChanged, nodeLost, nodeReturned
        case assigned, newGeneration, notAssigned, unknownHere, rebooted, exited, unhealthy
        case startFailed, cutOff, halted, changedHere
        /// By a claim that the mesh acknowledged: of this node, or of another.
        case claimed, yielded
    }

    package var id: DecisionID
    package var at: WallTime
    package var site: SiteID?
    package var domain: Domain
    package var action: Action
    package var subject: Subject
    package var tier: Tier
    package var basis: Basis
    package var cause: Cause
    package var passed: Bool
    package var ruling: Ruling
    package var staleness: Staleness
    package var reach: Reach
    /// The generation of the Site whose table ruled; 0 before any was heard of.
    package var policyVersion: UInt64
    /// The signed policies that ruled with it; see `Regime`.
    package var policies: [PolicyReference]
    /// How long before it the policy was last proved current.
    package var policyAge: Interval
    /// What else was possible, best first, the chosen one included; empty where there was no choice.
    package var alternatives: [Alternative]
    /// The claim by which a mesh agreed on where it runs; nil where none did.
    package var claim: Claim?

    /// A claim as it stood when the decision was taken.
    package struct Claim: Hashable, Codable, Sendable {
        package var epoch: UInt64
        package var holder: NodeID
        /// In whose place; nil where the plan gave it to the holder.
        package var predecessor: NodeID?
        /// Who had acknowledged it, by name.
        package var witnesses: [NodeID]

        package init(
            epoch: UInt64, holder: NodeID, predecessor: NodeID? = nil, witnesses: [NodeID] = []
        ) {
            self.epoch = epoch
            self.holder = holder
            self.predecessor = predecessor
            self.witnesses = witnesses
        }
    }

    /// One place that a decision could have chosen.
    package struct Alternative: Hashable, Codable, Sendable {
        package var node: NodeID
        /// Copies that it would have next to those of this workload, and those of others: fewer is
        /// better, in this order.
        package var own: Int
        package var others: Int
        package var isChosen: Bool
        /// Why it could not be chosen at all; empty where it could.
        package var obstacle: String

        package init(node: NodeID, own: Int, others: Int, isChosen: Bool, obstacle: String = "") {
            self.node = node
            self.own = own
            self.others = others
            self.isChosen = isChosen
            self.obstacle = obstacle
        }
    }

    package init(
        id: DecisionID, at: WallTime, site: SiteID?, domain: Domain, action: Action,
        subject: Subject, tier: Tier, basis: Basis, cause: Cause, passed: Bool, ruling: Ruling,
        staleness: Staleness, reach: Reach, policyVersion: UInt64,
        policies: [PolicyReference] = [], policyAge: Interval, alternatives: [Alternative] = [],
        claim: Claim? = nil
    ) {
        self.claim = claim
        self.id = id
        self.at = at
        self.site = site
        self.domain = domain
        self.action = action
        self.subject = subject
        self.tier = tier
        self.basis = basis
        self.cause = cause
        self.passed = passed
        self.ruling = ruling
        self.staleness = staleness
        self.reach = reach
        self.policyVersion = policyVersion
        self.policies = policies
        self.policyAge = policyAge
        self.alternatives = alternatives
    }
}

extension Decision {
    /// The decision in one sentence.
    package var sentence: String {
        "\(cause.phrase), and \(domain.rawValue) is \(ruling.verdict.word) by "
            + "\(ruling.by.rawValue) while the policy is \(staleness.rawValue) (version "
            + "\(policyText), proved current \(policyAge.toTheSecond) before) and "
            + "\(reach.phrase): it \(passed ? "may" : "may not") \(action.rawValue) tier "
            + "\(tier.rawValue) on \(basis.phrase)"
            + (claim.map { "; \($0.phrase)" } ?? "")
    }
}

extension Decision {
    /// The generation of the site, and the policies on top of it: `3 with night-freeze@7`.
    package var policyText: String { Decision.text(policyVersion, policies) }

    package static func text(_ generation: UInt64, _ policies: [PolicyReference]) -> String {
        let names = policies.map(\.description).joined(separator: ", ")
        return policies.isEmpty ? "\(generation)" : "\(generation) with \(names)"
    }
}

extension Decision {
    /// A record from before there were signed policies names none.
    package init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            id: try fields.decode(DecisionID.self, forKey: .id),
            at: try fields.decode(WallTime.self, forKey: .at),
            site: try fields.decodeIfPresent(SiteID.self, forKey: .site),
            domain: try fields.decode(Domain.self, forKey: .domain),
            action: try fields.decode(Action.self, forKey: .action),
            subject: try fields.decode(Subject.self, forKey: .subject),
            tier: try fields.decode(Tier.self, forKey: .tier),
            basis: try fields.decode(Basis.self, forKey: .basis),
            cause: try fields.decode(Cause.self, forKey: .cause),
            passed: try fields.decode(Bool.self, forKey: .passed),
            ruling: try fields.decode(Ruling.self, forKey: .ruling),
            staleness: try fields.decode(Staleness.self, forKey: .staleness),
            reach: try fields.decode(Reach.self, forKey: .reach),
            policyVersion: try fields.decode(UInt64.self, forKey: .policyVersion),
            policies: try fields.decodeIfPresent([PolicyReference].self, forKey: .policies) ?? [],
            policyAge: try fields.decode(Interval.self, forKey: .policyAge),
            alternatives: try fields.decode([Alternative].self, forKey: .alternatives),
            claim: try fields.decodeIfPresent(Claim.self, forKey: .claim))
    }
}

extension Interval {
    /// To the second: what people read needs no more.
    package var toTheSecond: Interval { .seconds(Int(duration.components.seconds)) }
}

extension Verdict {
    fileprivate var word: String {
        switch self {
        case .permit: "permitted"
        case .restrict: "restricted to standing intent"
        case .hold: "held"
        }
    }
}

extension Reach {
    fileprivate var phrase: String {
        switch self {
        case .hub: "the hub is in reach"
        case .mesh: "only neighbours are in reach"
        case .alone: "nobody is in reach"
        }
    }
}

extension Decision.Basis {
    fileprivate var phrase: String {
        switch self {
        case .intent: "standing intent"
        case .person: "a person's word"
        case .change: "a change by a person here"
        case .judgement: "its own judgement"
        }
    }
}

extension Decision.Cause {
    /// As the beginning of a clause.
    fileprivate var phrase: String {
        switch self {
        case .applied: "it was applied"
        case .deleted: "it was deleted"
        case .nodesChanged: "the nodes it can run on changed"
        case .nodeLost: "a node that ran it was not heard from for as long as it allows"
        case .nodeReturned: "a node that had been lost came back and one copy is enough"
        case .assigned: "it was assigned to this node"
        case .newGeneration: "a newer version was assigned"
        case .notAssigned: "it is not assigned to this node any more"
        case .unknownHere: "nobody here knows it"
        case .rebooted: "it ran here before and does not run"
        case .exited: "it ended"
        case .unhealthy: "a probe found it sick"
        case .startFailed: "it could not be started before"
        case .cutOff: "it stops where no hub is in reach for so long"
        case .changedHere: "somebody at the node asked for it"
        case .claimed: "the node that had it was lost to the mesh, and this one has claimed it"
        case .yielded: "the mesh has it run on another node"
        case .halted: "everything on this node shall stop"
        }
    }
}

extension Decision.Claim {
    /// By which claim, in one clause.
    package var phrase: String {
        let place = predecessor.map { " in the place of '\($0)'" } ?? ""
        let names = witnesses.prefix(8).map { "'\($0)'" }.joined(separator: ", ")
        let more = witnesses.count > 8 ? " and \(witnesses.count - 8) more" : ""
        return "claim \(epoch) of '\(holder)'\(place) stands, "
            + (witnesses.isEmpty
                ? "with nobody else in reach" : "acknowledged by \(names)\(more)")
    }
}
