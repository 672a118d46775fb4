import Authority
import Machines
import Model
import Simulation
import Synchronization

/// A mistake that somebody could make in a machine, put between it and its world.
///
/// Only this target can switch one on: the product holds none of this.
struct PlantedBug: Sendable {
    let name: String
    /// What may be seen to break; for most bugs it is one invariant alone.
    let breaks: Set<Invariant>
    /// A new one for each run, since many remember what they saw.
    let plant: @Sendable () -> Tampering

    typealias HubBug = @Sendable (Hub.Input?, Moment, inout [Hub.Effect]) -> Void
    typealias AgentBug =
        @Sendable (_ node: Int, Agent.Input?, Moment, inout [Agent.Effect]) -> Void

    static func hub(
        _ name: String, breaks invariants: Set<Invariant>, _ bug: @escaping @Sendable () -> HubBug
    ) -> PlantedBug {
        PlantedBug(name: "a hub that \(name)", breaks: invariants) { Tampering(hub: bug()) }
    }

    static func agent(
        _ name: String, breaks invariants: Set<Invariant>, _ bug: @escaping @Sendable () -> AgentBug
    ) -> PlantedBug {
        PlantedBug(name: "a node that \(name)", breaks: invariants) { Tampering(agent: bug()) }
    }

    /// The first of `seeds` in which what it breaks is seen to break; else the first in which anything
    /// is.
    func hunt(_ scenario: Scenario, seeds: ClosedRange<UInt64>) -> Report? {
        var other: Report?
        for seed in seeds {
            var scenario = scenario
            scenario.tampering = plant()
            let isAboutPaths = !breaks.isDisjoint(with: [.determinism, .steadyTime])
            let report = isAboutPaths ? scenario.runTwice(seed: seed) : scenario.run(seed: seed)
            guard let failure = report.failure else { continue }
            if breaks.contains(failure.invariant) { return report }
            other = other ?? report
        }
        return other
    }

    static let all =
        durability + [fence, otherTable] + changes + policies + once + contact + bounds + waits
        + others
}

extension PlantedBug {
    private static let durability: [PlantedBug] = [
        .hub("acknowledges entries before they are durable", breaks: [.durability]) {
            { input, _, effects in
                guard case .received(let session, .entries(let entries)) = input,
                    let last = entries.last
                else { return }
                effects.append(.send(session, .acknowledged(sequence: last.sequence)))
            }
        },
        .hub("answers before the change is durable", breaks: [.durability]) {
            { input, _, effects in
                guard case .request(let id, .apply) = input else { return }
                effects.insert(.reply(id, .applied([])), at: 0)
            }
        },
        .hub("never writes down what was applied", breaks: [.durability]) {
            { _, _, effects in
                rewrite(&effects) { writes in
                    writes.filter { if case .workload = $0 { false } else { true } }
                }
            }
        },
        .hub("sends documents before they are durable", breaks: [.durability]) {
            let sessions = Memory<[NodeID: SessionID]>([:])
            return { input, _, effects in
                if case .opened(let session, let node, _) = input {
                    sessions.change { $0[node] = session }
                }
                for case .persist(_, let writes) in effects {
                    for case .document(let node, let document) in writes {
                        guard let session = sessions.value[node] else { continue }
                        effects.append(
                            .send(session, .documents([document], through: document.revision)))
                    }
                }
            }
        },
        .agent("confirms documents before they are durable", breaks: [.durability]) {
            { _, input, _, effects in
                guard case .received(.documents(_, let through)) = input else { return }
                effects.append(.send(.applied(revision: through)))
            }
        },
        .agent("forgets its log once it is sent", breaks: [.durability]) {
            let sent = Memory<[Int: UInt64]>([:])
            return { node, _, _, effects in
                for case .send(.entries(let entries)) in effects {
                    sent.change { $0[node] = entries.last?.sequence }
                }
                guard let last = sent.value[node] else { return }
                rewrite(&effects) { $0 + [.trimLog(through: last)] }
            }
        },
    ]

    private static let changes: [PlantedBug] = [
        .agent("answers a change that it never wrote down", breaks: [.durability]) {
            { _, _, _, effects in
                rewrite(&effects) { writes in
                    writes.filter { if case .localChange = $0 { false } else { true } }
                }
            }
        },
        .hub("forgets what people changed at nodes when it restarts", breaks: [.convergence]) {
            { _, _, effects in
                rewrite(&effects) { writes in
                    writes.filter { if case .localChange = $0 { false } else { true } }
                }
            }
        },
    ]

    private static let policies: [PlantedBug] = [
        .agent("takes an older version of a policy", breaks: [.growth]) {
            let first = Memory<[Int: Document]>([:])
            return { node, _, _, effects in
                rewrite(&effects) { writes in
                    writes.map { write in
                        guard case .document(var document) = write, document.key.isPolicy else {
                            return write
                        }
                        first.change { $0[node] = $0[node] ?? document }
                        document.content = first.value[node]?.content ?? document.content
                        // The second new version brings back the first.
                        let isLater = document.revision > first.value[node]?.revision ?? 0
                        return isLater && document.revision % 2 == 0 ? .document(document) : write
                    }
                }
            }
        },
        .agent("takes a policy without a look at its signature", breaks: [.security]) {
            { _, _, _, effects in
                rewrite(&effects) { writes in
                    writes.map { write in
                        guard case .document(var document) = write,
                            case .policy(var bundle) = document.content
                        else { return write }
                        bundle.payload[bundle.payload.count - 1] += " "
                        document.content = .policy(bundle)
                        return .document(document)
                    }
                }
            }
        },
        .hub("never writes down which policy it took", breaks: [.durability]) {
            { _, _, effects in
                rewrite(&effects) { writes in
                    writes.filter { if case .policy = $0 { false } else { true } }
                }
            }
        },
    ]

    private static let once: [PlantedBug] = [
        .agent("starts a container before its record is durable", breaks: [.onceOnly]) {
            { _, _, _, effects in
                for case .persist(_, let writes) in effects {
                    for case .instance(let record) in writes where record.restarts == 0 {
                        effects += ordered([.start(request(for: record))])
                    }
                }
            }
        },
        .agent("starts a second container of one name", breaks: [.onceOnly]) {
            { _, input, _, effects in
                guard case .engine(.started(let container)) = input else { return }
                let spec = ContainerSpec(name: container.id.name)
                effects += ordered([
                    .start(
                        StartRequest(
                            id: container.id, edition: Edition(container.edition.generation + 1),
                            spec: spec,
                            ports: [:], env: [:]))
                ])
            }
        },
        .agent("goes back to an older revision", breaks: [.growth]) {
            { _, _, _, effects in
                rewrite(&effects) { writes in
                    writes.map { write in
                        guard case .appliedRevision(let revision) = write, revision > 3 else {
                            return write
                        }
                        return .appliedRevision(revision - 3)
                    }
                }
            }
        },
        .agent("gives a number of its log twice after a crash", breaks: [.growth]) {
            let lives = Memory<[Int: UInt64]>([:])
            return { node, input, _, effects in
                if input == nil { lives.change { $0[node, default: 0] += 1 } }
                let back = min(2, (lives.value[node] ?? 1) - 1)
                rewrite(&effects) { writes in
                    writes.map { write in
                        guard case .append(var entry) = write, entry.sequence > back else {
                            return write
                        }
                        entry.sequence -= back
                        return .append(entry)
                    }
                }
            }
        },
    ]

    /// The site that the node obeys is not the one that its policy version stands for.
    private static let otherTable = PlantedBug(
        name: "a node that goes by another table than the one it names", breaks: [.compliance]
    ) {
        Tampering(hearing: { _, input in
            guard case .received(.documents(let documents, let through)) = input else { return }
            let changed = documents.map { document in
                guard case .site(var site) = document.content else { return document }
                site.spec.pattern = .edgeFirst
                return Document(
                    key: document.key, revision: document.revision, content: .site(site))
            }
            input = .received(.documents(changed, through: through))
        })
    }

    /// Bugs of a hub that was put back from a copy.
    static let restoring: [PlantedBug] = [
        .hub("speaks with the epoch of the one before it", breaks: [.growth]) {
            { _, _, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .send(let session, .welcome(var welcome)) = effect else { continue }
                    welcome.epoch = 3
                    effects[index] = .send(session, .welcome(welcome))
                }
            }
        },
        .hub("tells a node that is ahead what its copy says", breaks: [.noRollback]) {
            let known = Memory<[NodeID: [DocumentKey: Document]]>([:])
            let nodes = Memory<[SessionID: (NodeID, UInt64)]>([:])
            return { input, _, effects in
                if case .received(let session, .hello(let hello)) = input {
                    nodes.change { $0[session] = (hello.node, hello.appliedRevision) }
                }
                for (index, effect) in effects.enumerated() {
                    switch effect {
                    case .persist(_, let writes):
                        for case .document(let node, let document) in writes {
                            known.change { $0[node, default: [:]][document.key] = document }
                        }
                    case .send(let session, .inventory):
                        guard let (node, revision) = nodes.value[session] else { continue }
                        let told = (known.value[node] ?? [:]).keys.sorted().enumerated().map {
                            Document(
                                key: $0.element, revision: revision + UInt64($0.offset) + 1,
                                content: .deleted)
                        }
                        let through = revision + UInt64(told.count)
                        effects[index] = .send(session, .documents(told, through: through))
                    default: continue
                    }
                }
            }
        },
    ]

    /// The fence is in how an agent takes a welcome, so it is what the agent hears that is changed.
    private static let fence = PlantedBug(
        name: "a node that obeys a hub of an older epoch", breaks: [.growth]
    ) {
        Tampering(hearing: { _, input in
            guard case .received(.welcome(var welcome)) = input else { return }
            welcome.epoch = 3
            input = .received(.welcome(welcome))
        })
    }

    private static let contact: [PlantedBug] = [
        .agent("stops its work because the hub is gone", breaks: [.autonomy, .calmReturn]) {
            let running = Running()
            return { node, input, _, effects in
                running.learn(input, at: node)
                guard case .linkDown = input else { return }
                effects += ordered(running.all(at: node).map { .stop($0, grace: .seconds(1)) })
            }
        },
        .agent("stops its work after three minutes of silence", breaks: [.autonomy, .calmReturn]) {
            let running = Running()
            let silentSince = Memory<[Int: Instant]>([:])
            return { node, input, now, effects in
                running.learn(input, at: node)
                switch input {
                case nil: silentSince.change { $0[node] = now.monotonic }
                case .linkDown: silentSince.change { $0[node] = $0[node] ?? now.monotonic }
                case .received: silentSince.change { $0[node] = nil }
                default: break
                }
                guard let since = silentSince.value[node], now.monotonic - since > .seconds(180)
                else { return }
                silentSince.change { $0[node] = nil }
                effects += ordered(running.all(at: node).map { .stop($0, grace: .seconds(1)) })
            }
        },
        .agent("restarts its work because the hub is back", breaks: [.autonomy, .calmReturn]) {
            let running = Running()
            return { node, input, _, effects in
                running.learn(input, at: node)
                guard case .received(.welcome) = input else { return }
                effects += ordered(running.all(at: node).map { .stop($0, grace: .seconds(1)) })
            }
        },
        .agent("renews its certificate when it is cut off no more", breaks: [.credentials]) {
            let isUp = Memory<[Int: Bool]>([:])
            return { node, input, _, effects in
                switch input {
                case nil, .linkDown: isUp.change { $0[node] = false }
                case .received(.welcome): isUp.change { $0[node] = true }
                case .wake(.renewal) where isUp.value[node] != true:
                    effects.removeAll { if case .issue = $0 { true } else { false } }
                default: break
                }
            }
        },
        .agent("obeys a document before it is durable", breaks: [.autonomy, .calmReturn]) {
            let running = Running()
            return { node, input, _, effects in
                running.learn(input, at: node)
                guard case .received(.documents(let documents, _)) = input else { return }
                for document in documents where document.content == .deleted {
                    effects += ordered(
                        running.all(at: node)
                            .filter { .assignment($0.instance.workload) == document.key }
                            .map { .stop($0, grace: .seconds(1)) })
                }
            }
        },
        .hub("ends the newer session when an older one closes", breaks: [.contact]) {
            let nodes = Memory<[SessionID: NodeID]>([:])
            return { input, _, effects in
                switch input {
                case .opened(let session, let node, _): nodes.change { $0[session] = node }
                case .closed(let session):
                    guard let node = nodes.value[session] else { return }
                    let newest = nodes.value.filter { $0.value == node }.keys.max()
                    if let newest, newest != session { effects.append(.close(newest)) }
                default: break
                }
            }
        },
    ]

    private static let bounds: [PlantedBug] = [
        .agent("does not wait for its store", breaks: [.bounds]) {
            let tickets = Memory<UInt64>(1_000_000)
            return { _, _, _, effects in
                for case .persist(_, let writes) in effects {
                    for _ in 0..<3 {
                        tickets.change { $0 += 1 }
                        effects.append(.persist(Ticket(number: tickets.value), writes))
                    }
                }
            }
        },
        .agent("writes everything again each time", breaks: [.bounds]) {
            let written = Memory<[Int: [NodeWrite]]>([:])
            return { node, _, _, effects in
                rewrite(&effects) { writes in
                    let records = writes.filter {
                        if case .instance = $0 { true } else { false }
                    }
                    let older = written.value[node] ?? []
                    written.change { $0[node, default: []] += records }
                    return older + writes
                }
            }
        },
        .hub("lets its writes grow without end", breaks: [.bounds]) {
            { _, _, effects in
                rewrite(&effects) { Array(repeatElement($0, count: 2_000).joined()) }
            }
        },
        .agent("drops entries and counts none", breaks: [.bounds]) {
            { _, _, _, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .send(.entries(let entries)) = effect else { continue }
                    let kept = entries.filter { entry in
                        if case .event = entry.body { entry == entries.last } else { true }
                    }
                    effects[index] = .send(.entries(kept))
                }
            }
        },
    ]

    private static let waits: [PlantedBug] = [
        .agent("repeats what failed without a wait", breaks: [.patience]) {
            { _, input, _, effects in
                if case .linkDown = input { effects.append(.connect) }
            }
        },
        .agent("draws the jitter before the cap", breaks: [.patience]) {
            waiting { tries, random in
                let window = Duration.seconds(1 << min(tries, 20))
                return min(.seconds(60), random.duration(upTo: window))
            }
        },
        .agent("backs off without a cap", breaks: [.patience]) {
            waiting { tries, random in random.duration(upTo: .seconds(1 << min(tries, 20))) }
        },
        .agent("comes back before it was asked to", breaks: [.patience]) {
            { _, input, now, effects in
                guard case .received(.retry) = input else { return }
                for (index, effect) in effects.enumerated() {
                    guard case .wake(_, for: .reconnect) = effect else { continue }
                    effects[index] = .wake(
                        at: now.monotonic + .milliseconds(50), for: .reconnect)
                }
            }
        },
        .agent("never tries its hub again", breaks: [.convergence]) {
            { _, _, _, effects in
                effects.removeAll {
                    if case .wake(_, for: .reconnect) = $0 { true } else { false }
                }
            }
        },
    ]

    private static let others: [PlantedBug] = [
        .agent("does not look before it acts", breaks: [.safeStart]) {
            { _, input, _, effects in
                if input == nil { effects.removeAll { $0 == .list } }
            }
        },
        .hub("drops its tombstones", breaks: [.convergence]) {
            { _, _, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .send(let session, .documents(let documents, let through)) = effect
                    else { continue }
                    let kept = documents.filter { $0.content != .deleted }
                    effects[index] = .send(session, .documents(kept, through: through))
                }
            }
        },
        .agent("sets a timer by the wall clock", breaks: [.steadyTime]) {
            { _, _, now, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .wake(let time, for: .heartbeat) = effect else { continue }
                    let late = Duration.milliseconds(now.wall.milliseconds / 3_600_000 % 1_000)
                    effects[index] = .wake(at: time + late, for: .heartbeat)
                }
            }
        },
        .agent("says the same run at each start", breaks: [.oneIdentity, .convergence]) {
            { _, _, _, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .send(.hello(var hello)) = effect else { continue }
                    (hello.run, hello.follows, hello.boot) = (7, 7, 7)
                    effects[index] = .send(.hello(hello))
                }
            }
        },
        .agent("takes chance from outside", breaks: [.determinism]) {
            { _, _, _, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .wake(let time, for: .heartbeat) = effect else { continue }
                    let draw = outside.add(7, ordering: .relaxed).newValue % 100
                    effects[index] = .wake(at: time + .milliseconds(draw), for: .heartbeat)
                }
            }
        },
    ]

    /// Shared by all runs, as a clock or an address would be.
    private static let outside = Atomic<Int>(0)

    /// A reconnect after a wait of `draw`'s making, which is given the tries since the last welcome.
    private static func waiting(
        _ draw: @escaping @Sendable (_ tries: Int, inout Random) -> Duration
    ) -> AgentBug {
        let state = Memory<(tries: [Int: Int], random: Random)>(([:], Random(seed: 7)))
        return { node, input, now, effects in
            if case .received(.welcome) = input { state.change { $0.tries[node] = 0 } }
            for (index, effect) in effects.enumerated() {
                guard case .wake(_, for: .reconnect) = effect else { continue }
                var wait = Duration.zero
                state.change {
                    wait = draw($0.tries[node, default: 0], &$0.random)
                    $0.tries[node, default: 0] += 1
                }
                effects[index] = .wake(at: now.monotonic + wait, for: .reconnect)
            }
        }
    }
}

// MARK: - Tools of the trade

/// What a bug remembers.
private final class Memory<Value: Sendable>: Sendable {
    private let state: Mutex<Value>

    init(_ value: Value) { state = Mutex(value) }

    var value: Value { state.withLock { $0 } }

    func change(_ change: (inout Value) -> Void) {
        state.withLock { value in
            var copy = value
            change(&copy)
            value = copy
        }
    }
}

/// What the bugs know to be running.
private final class Running: Sendable {
    private let ids = Mutex<[Int: Set<ContainerID>]>([:])

    func all(at node: Int) -> [ContainerID] { ids.withLock { $0[node]?.sorted() ?? [] } }

    func learn(_ input: Agent.Input?, at node: Int) {
        guard case .engine(.started(let container)) = input else { return }
        ids.withLock { _ = $0[node, default: []].insert(container.id) }
    }
}

private func rewrite(_ effects: inout [Hub.Effect], _ change: ([HubWrite]) -> [HubWrite]) {
    for (index, effect) in effects.enumerated() {
        guard case .persist(let ticket, let writes) = effect else { continue }
        effects[index] = .persist(ticket, change(writes))
    }
}

private func rewrite(_ effects: inout [Agent.Effect], _ change: ([NodeWrite]) -> [NodeWrite]) {
    for (index, effect) in effects.enumerated() {
        guard case .persist(let ticket, let writes) = effect else { continue }
        effects[index] = .persist(ticket, change(writes))
    }
}

private func request(for record: InstanceRecord) -> StartRequest {
    let spec = record.containers[0]
    return StartRequest(
        id: ContainerID(instance: record.id, name: spec.name), edition: record.edition,
        spec: spec, ports: record.ports, env: [:])
}

/// A bug has to ask a gate as well, since nothing else makes an order; its own says yes to anything.
private func ordered(_ acts: [Act]) -> [Agent.Effect] {
    var gate = Gate(seat: .node("n0"), nextNumber: 1)
    let circumstances = Gate.Circumstances(
        site: nil, policyVersion: 0, policyAge: .zero, staleness: .fresh, reach: .hub)
    return acts.compactMap { act in
        let question = Gate.Question(
            .stop, .workload("w0"), tier: .critical, in: .recovery, on: .person, because: .exited)
        let warrant = gate.ask(
            question, by: AuthorityTable(.hybrid), in: circumstances,
            at: WallTime(milliseconds: 0))
        guard let warrant else { return nil }
        return .carryOut(warrant.order(act))
    }
}
