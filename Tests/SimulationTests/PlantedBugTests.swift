import Machines
import Model
import Simulation
import Synchronization
import Testing

/// Each check has a bug that it must find: a check that lets its bug pass is worth nothing.
@Suite struct PlantedBugTests {
    @Test func `machines as they are break nothing`() {
        for seed in UInt64(1)...3 {
            #expect(scenario().run(seed: seed).failure == nil)
        }
    }

    @Test func `I1 finds a hub that acknowledges entries before they are durable`() {
        expect(
            .durability,
            hub: { input, effects in
                guard case .received(let session, .entries(let entries)) = input,
                    let last = entries.last
                else { return }
                effects.append(.send(session, .acknowledged(sequence: last.sequence)))
            })
    }

    @Test func `I1 finds a hub that answers before the change is durable`() {
        expect(
            .durability,
            hub: { input, effects in
                guard case .request(let id, .apply) = input else { return }
                effects.insert(.reply(id, .applied([])), at: 0)
            })
    }

    @Test func `I1 finds a hub whose store forgets what was applied`() {
        expect(
            .durability,
            hub: { _, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .persist(let ticket, let writes) = effect else { continue }
                    let kept = writes.filter { if case .workload = $0 { false } else { true } }
                    effects[index] = .persist(ticket, kept)
                }
            })
    }

    @Test func `I1 finds a hub that sends documents before they are durable`() {
        let sessions = Mutex<[NodeID: SessionID]>([:])
        expect(
            .durability,
            hub: { input, effects in
                if case .opened(let session, let node) = input {
                    sessions.withLock { $0[node] = session }
                }
                for case .persist(_, let writes) in effects {
                    for case .document(let node, let document) in writes {
                        guard let session = sessions.withLock({ $0[node] }) else { continue }
                        effects.append(
                            .send(session, .documents([document], through: document.revision)))
                    }
                }
            })
    }

    @Test func `I1 finds a node that confirms documents before they are durable`() {
        expect(
            .durability,
            agent: { input, _, effects in
                guard case .received(.documents(_, let through)) = input else { return }
                effects.append(.send(.applied(revision: through)))
            })
    }

    @Test func `I2 finds a node that starts a container before its record is durable`() {
        expect(
            .onceOnly,
            agent: { _, _, effects in
                for case .persist(_, let writes) in effects {
                    for case .instance(let record) in writes where record.restarts == 0 {
                        effects.append(.start(request(for: record)))
                    }
                }
            })
    }

    @Test func `I2 finds a node that starts a second container of one name`() {
        expect(
            .onceOnly,
            agent: { input, _, effects in
                guard case .engine(.started(let container)) = input else { return }
                let spec = ContainerSpec(name: container.id.name)
                effects.append(
                    .start(
                        StartRequest(
                            id: container.id, generation: container.generation + 1, spec: spec,
                            ports: [:], env: [:])))
            })
    }

    @Test func `I3 finds a node whose revision goes back`() {
        expect(
            .growth,
            agent: { _, _, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .persist(let ticket, let writes) = effect else { continue }
                    effects[index] = .persist(
                        ticket,
                        writes.map { write in
                            guard case .appliedRevision(let revision) = write, revision > 3 else {
                                return write
                            }
                            return .appliedRevision(revision - 3)
                        })
                }
            })
    }

    @Test func `I5 finds a node that stops its work because the hub is gone`() {
        let running = Running()
        expect(
            .autonomy,
            agent: { input, _, effects in
                running.learn(input)
                guard case .linkDown = input else { return }
                effects += running.all.map { .stop($0, grace: .seconds(1)) }
            })
    }

    @Test func `I6 finds a node that restarts its work because the hub is back`() {
        let running = Running()
        expect(
            .calmReturn,
            agent: { input, _, effects in
                running.learn(input)
                guard case .received(.welcome) = input else { return }
                effects += running.all.map { .stop($0, grace: .seconds(1)) }
            })
    }

    @Test func `I12 finds a node that does not wait for its store`() {
        let tickets = Atomic<UInt64>(1_000_000)
        expect(
            .bounds,
            agent: { _, _, effects in
                for case .persist(_, let writes) in effects {
                    for _ in 0..<3 {
                        let number = tickets.add(1, ordering: .relaxed).newValue
                        effects.append(.persist(Ticket(number: number), writes))
                    }
                }
            })
    }

    @Test func `I12 finds a hub that lets its writes grow without end`() {
        expect(
            .bounds,
            hub: { _, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .persist(let ticket, let writes) = effect else { continue }
                    effects[index] = .persist(
                        ticket, Array(repeatElement(writes, count: 2_000).joined()))
                }
            })
    }

    @Test func `I12 finds a node that drops entries and counts none`() {
        expect(
            .bounds,
            agent: { _, _, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .send(.entries(let entries)) = effect else { continue }
                    let kept = entries.filter { entry in
                        if case .event = entry.body { entry == entries.last } else { true }
                    }
                    effects[index] = .send(.entries(kept))
                }
            })
    }

    @Test func `I17 finds a node that does not look before it acts`() {
        expect(
            .safeStart,
            agent: { input, _, effects in
                if input == nil { effects.removeAll { $0 == .list } }
            })
    }

    @Test func `I20 finds a hub that drops its tombstones`() {
        expect(
            .convergence,
            hub: { _, effects in
                for (index, effect) in effects.enumerated() {
                    guard case .send(let session, .documents(let documents, let through)) = effect
                    else { continue }
                    let kept = documents.filter { $0.content != .deleted }
                    effects[index] = .send(session, .documents(kept, through: through))
                }
            })
    }

    @Test func `I20 finds a node that never tries its hub again`() {
        expect(
            .convergence,
            agent: { _, _, effects in
                effects.removeAll {
                    if case .wake(_, for: .reconnect) = $0 { true } else { false }
                }
            })
    }

    @Test func `I15: wall clocks that jump change nothing, and a timer that follows them shows`() {
        var still = scenario()
        still.wallJumps = false
        for seed in UInt64(1)...3 {
            #expect(scenario().run(seed: seed).hash == still.run(seed: seed).hash)
        }
        let bug = Tampering(agent: { _, _, now, effects in
            for (index, effect) in effects.enumerated() {
                guard case .wake(let time, for: .heartbeat) = effect else { continue }
                let late = Duration.milliseconds(now.wall.milliseconds / 3_600_000 % 1_000)
                effects[index] = .wake(at: time + late, for: .heartbeat)
            }
        })
        var moving = scenario()
        moving.tampering = bug
        still.tampering = bug
        let shows = (UInt64(1)...6).contains {
            moving.run(seed: $0).hash != still.run(seed: $0).hash
        }
        #expect(shows)
    }

    @Test func `I19: equal seeds take equal paths, and chance from outside shows`() {
        #expect(scenario().run(seed: 5).hash == scenario().run(seed: 5).hash)
        #expect(scenario().run(seed: 5).hash != scenario().run(seed: 6).hash)

        let outside = Atomic<Int>(0)
        var bugged = scenario()
        bugged.tampering.agent = { _, _, _, effects in
            for (index, effect) in effects.enumerated() {
                guard case .wake(let time, for: .heartbeat) = effect else { continue }
                let draw = outside.add(7, ordering: .relaxed).newValue % 100
                effects[index] = .wake(at: time + .milliseconds(draw), for: .heartbeat)
            }
        }
        #expect(bugged.run(seed: 5).hash != bugged.run(seed: 5).hash)
    }
}

// MARK: - Planting

private func scenario() -> Scenario { Scenario(nodes: 3, horizon: .seconds(2_400)) }

private typealias HubBug = @Sendable (Hub.Input?, inout [Hub.Effect]) -> Void
private typealias AgentBug = @Sendable (Agent.Input?, Moment, inout [Agent.Effect]) -> Void

private func expect(
    _ invariant: Invariant, hub bug: @escaping HubBug,
    at location: SourceLocation = #_sourceLocation
) {
    expect(invariant, Tampering(hub: { input, _, effects in bug(input, &effects) }), location)
}

private func expect(
    _ invariant: Invariant, agent bug: @escaping AgentBug,
    at location: SourceLocation = #_sourceLocation
) {
    expect(
        invariant, Tampering(agent: { _, input, now, effects in bug(input, now, &effects) }),
        location)
}

/// One of a few seeds must break `invariant`, and none may break another before.
private func expect(_ invariant: Invariant, _ tampering: Tampering, _ location: SourceLocation) {
    var scenario = scenario()
    scenario.tampering = tampering
    for seed in UInt64(1)...8 {
        guard let failure = scenario.run(seed: seed).failure else { continue }
        #expect(
            failure.invariant == invariant, "seed \(seed): \(failure)", sourceLocation: location)
        return
    }
    Issue.record("no seed found the planted bug", sourceLocation: location)
}

private func request(for record: InstanceRecord) -> StartRequest {
    let spec = record.containers[0]
    return StartRequest(
        id: ContainerID(instance: record.id, name: spec.name), generation: record.generation,
        spec: spec, ports: record.ports, env: [:])
}

/// What the bugs know to be running, over all nodes.
private final class Running: Sendable {
    private let ids = Mutex<Set<ContainerID>>([])

    var all: [ContainerID] { ids.withLock { $0.sorted() } }

    func learn(_ input: Agent.Input?) {
        guard case .engine(.started(let container)) = input else { return }
        ids.withLock { _ = $0.insert(container.id) }
    }
}
