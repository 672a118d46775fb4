import Containers
import Dispatch
import Foundation
import Machines
import Management
package import Model
import Storage
import Synchronization
import Transport

/// Drives one `Agent`: its store, its engine, its link to the hub and the socket for people on the
/// node. Carries out what the agent decides, and decides nothing.
///
/// The store is open and read before any socket is.
package final class AgentHost: Sendable {
    let settings: AgentSettings
    let identity: NodeIdentity
    let vault: Vault
    let rooms: RuntimeRooms
    let secrets: NodeSecrets
    let identities: WorkloadIdentities
    /// The keys with the node's peers.
    let pairKeys: PairKeys
    /// Its part in the mesh of its site.
    let seat: MeshSeat?
    let machine: Mutex<Agent>
    let engine: any Engine
    let writer: StoreWriter<NodeWrite>
    let observers = Observers()
    let access = AccessBoard()
    let requests = PendingReplies<Agent.Reply>()
    let audit: AuditLog
    let store: NodeStore
    private let facts = NodeFacts()
    let link: LinkSlot
    let streams = AgentStreams()
    let revocations = RevocationBoard()
    let strangers = StrangerBudget(at: SystemClock.now().monotonic)
    private let inputs: AsyncStream<Agent.Input>
    let mailbox: AsyncStream<Agent.Input>.Continuation
    private let timers: Timers<Agent.Wake>
    let log: @Sendable (String) -> Void
    let story: Mutex<LinkStory>

    /// Runs an agent until it is asked to stop. `ready` is called once it is open for work.
    package static func run(
        _ settings: AgentSettings, log: @escaping @Sendable (String) -> Void,
        ready: @escaping @Sendable () -> Void
    ) async throws {
        CoreDumps.turnOff(log: log)
        let host = try await AgentHost(settings, log: log)
        try await host.run(log: log, ready: ready)
    }

    /// Enrols the node, unless it is, and answers where it belongs.
    package static func enrol(
        _ settings: AgentSettings, log: (String) -> Void
    ) async throws -> (node: NodeID, site: SiteID) {
        CoreDumps.turnOff(log: log)
        try PrivateFile.makeDirectory(settings.state)
        let vault = try Vault(settings.state, settings.seal, settings.sealBefore, log: log)
        let known = try NodeIdentity.load(from: settings.state, of: vault)
        let identity =
            if let known { known } else {
                try await NodeIdentity.enrol(with: settings, in: vault) { _ in }
            }
        return (identity.enrolment.node, identity.enrolment.site)
    }

    private init(
        _ settings: AgentSettings, log: @escaping @Sendable (String) -> Void
    ) async throws {
        self.log = log
        try PrivateFile.makeDirectory(settings.state)
        store = try NodeStore(directory: settings.state)
        for line in store.opening.remarks + store.damaged.map(\.description) { log(line) }
        let snapshot = try store.load()
        Failpoint.reach("agent.boot.loaded")
        vault = try Vault(settings.state, settings.seal, settings.sealBefore, log: log)
        if let known = try NodeIdentity.load(from: settings.state, of: vault) {
            identity = known
        } else {
            identity = try await NodeIdentity.enrol(with: settings, in: vault, log: log)
            log("enrolled as node \(identity.enrolment.node) at site \(identity.enrolment.site)")
        }
        self.settings = settings
        pairKeys = try PairKeys(
            of: identity.enrolment.node, at: settings.state + "/identity/pair.keys",
            in: vault)
        seat = try await AgentHost.openMesh(
            settings, identity, pairKeys, in: vault, revocations, log: log)
        engine = try await settings.engine.open(
            directory: settings.state + "/processes", node: identity.enrolment.node,
            searchPath: settings.searchPath,
            dockerHost: ProcessInfo.processInfo.environment["DOCKER_HOST"])
        rooms = RuntimeRooms(of: settings.state)
        // Of what this node had before it forgot it, as when its store was lost.
        try rooms.clear(
            except: snapshot.instances.flatMap { record in
                record.containers.map { ContainerID(instance: record.id, name: $0.name) }
            })
        secrets = try NodeSecrets(
            in: vault, at: settings.state + "/identity/secrets.key", rooms: rooms, engine: engine)
        identities = WorkloadIdentities(
            identity.credentials, rooms: rooms, engine: engine, log: log)
        var configuration = AgentConfiguration(
            node: identity.enrolment.node, site: identity.enrolment.site, version: Version.text,
            capacity: settings.capacity ?? NodeFacts.capacity(), portRange: settings.portRange,
            boot: try SystemClock.boot(), machine: NodeFacts.machine(),
            policyKeys: try settings.policyKeys.map(PolicyKeys.read)
                ?? identity.enrolment.policyKeys,
            keys: pairKeys.handAtStart, questionSocket: settings.questionSocket,
            mesh: seat?.contact, secretsKey: secrets.publicKey)
        configuration.plan = seat?.plan
        configuration.brake = settings.brake
        configuration.device = identity.credentials.deviceDigest
        configuration.revocations = try AgentHost.readRevocations(in: settings.state)
        if let kept = configuration.revocations { revocations.show(kept.list) }
        machine = Mutex(
            Agent(
                configuration: configuration, snapshot: snapshot,
                random: Random(seed: .random(in: .min ... .max))))
        story = Mutex(LinkStory(hub: settings.hub ?? identity.enrolment.controlAddress))
        let (inputs, mailbox) = AsyncStream.makeStream(of: Agent.Input.self)
        self.inputs = inputs
        self.mailbox = mailbox
        timers = Timers { mailbox.yield(.wake($0)) }
        let store = store
        let auditKey = try AuditKeyFile.key(in: settings.state, of: vault)
        let audit = AuditLog(
            of: "node/\(identity.enrolment.node)", key: auditKey,
            tail: snapshot.audit, retention: settings.auditRecords,
            told: AgentHost.attesting(to: seat, by: auditKey))
        self.audit = audit
        writer = StoreWriter(failpoint: "agent") { batches in
            try audit.commit(batches) { try store.commit($0) }
        }
        link = LinkSlot()
        if let kept = configuration.revocations { spread(kept.list) }
        // Usage is a difference: the first heartbeat needs something to differ from.
        _ = facts.usage(at: SystemClock.now().wall)
    }

    private func run(
        log: @escaping @Sendable (String) -> Void, ready: @escaping @Sendable () -> Void
    ) async throws {
        defer {
            flush()
            SnapshotKeeper.end(store.snapshot, log: log)
            store.close()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await writer.run(
                    persisted: { mailbox.yield(.persisted($0)) },
                    failing: {
                        log(
                            "the store cannot be written (\($0)); what runs goes on, and nothing "
                                + "new begins until it can: free space, or mend the disk")
                        audit.noteStore(fails: true)
                        mailbox.yield(.storeFailing(reason: $0))
                    },
                    working: {
                        audit.noteStore(fails: false)
                        log("the store can be written again")
                    })
            }
            group.addTask { [self] in await SnapshotKeeper.run(store.snapshot, log: log) }
            group.addTask { [self] in await identities.run() }
            group.addTask { [self] in await identities.answer(backend: AgentBackend(host: self)) }
            checkAuditLater()
            group.addTask { [self] in
                await engine.watch { [self] in _ = mailbox.yield(.engine(report(of: $0))) }
            }
            group.addTask { [self] in
                let server = ManagementServer(
                    backend: AgentBackend(host: self), listener: .unixSocket(path: settings.socket))
                try await server.run { _ in
                    ready()
                    ServiceNotice.send("READY=1")
                }
            }
            group.addTask { [self] in await serveStreams() }
            group.addTask { [self] in await serveQuestions() }
            group.addTask { [self] in await serveFronts() }
            group.addTask { [self] in await obeySignals(log: log) }
            if settings.names != nil {
                group.addTask { [self] in try await answerNames() }
            }
            if let seat {
                group.addTask { [self] in try await takePart(seat) }
            }
            if let period = ServiceNotice.watchdogPeriod {
                group.addTask { [self] in await keepWatchdog(every: period) }
            }
            // By then the workloads of most nodes are up.
            DispatchQueue.global().asyncAfter(deadline: .now() + 20) { Footprint.giveBackStart() }
            // The first to end ends all: the drive itself when asked to stop, or a listener that
            // could not open.
            group.addTask { [self] in await drive(log: log) }
            try await group.next()
            group.cancelAll()
            writer.finish()
        }
    }

    private func drive(log: @escaping @Sendable (String) -> Void) async {
        await withDiscardingTaskGroup { group in
            step({ $0.start(at: SystemClock.now(), into: &$1) }, in: &group)
            noteStart()
            for await input in inputs {
                let isOver = step(
                    { $0.handle(input, at: SystemClock.now(), into: &$1) }, in: &group)
                if isOver { break }
            }
            log("stopped")
            link.close()
            group.cancelAll()
        }
    }

    /// One turn of the machine, and what it asks for. Answers whether it asked for the end.
    @discardableResult
    private func step(
        _ turn: (inout Agent, inout [Agent.Effect]) -> Void, in group: inout DiscardingTaskGroup
    ) -> Bool {
        var effects: [Agent.Effect] = []
        let isNewContact = machine.withLock { agent in
            let wasUp = agent.link.isUp
            turn(&agent, &effects)
            return !wasUp && agent.link.isUp
        }
        if isNewContact { log(story.withLock { $0.noteContact() }) }
        guard !effects.isEmpty else { return false }
        for effect in effects {
            if effect == .halted { return true }
            perform(effect, in: &group)
        }
        observers.notify()
        return false
    }

    private func perform(_ effect: Agent.Effect, in group: inout DiscardingTaskGroup) {
        switch effect {
        case .persist(let ticket, let writes):
            if writer.add(ticket, writes) { mailbox.yield(.persisted(ticket)) }
        case .wake(let instant, let reason): timers.set(reason, at: instant)
        case .connect: group.addTask { [self] in await holdSession() }
        case .disconnect: link.close()
        case .redial: group.addTask { [self] in await holdSuccessor() }
        case .succeed: link.succeed()
        case .hangUp: link.hangUp()
        case .issue(let mode): mailbox.yield(issue(mode))
        case .askAuthority: link.send(.certify(identity.credentials.request()))
        case .install(let certification):
            group.addTask { [self] in await install(certification) }
        case .keepKeys(let deal):
            group.addTask { [self] in await keep(deal) }
        case .keepRevocations(let kept):
            group.addTask { [self] in await keep(kept) }
        case .audit(let act):
            audit.append(
                act, in: auditCircumstances, isUrgent: act.decision == .deny, to: writer)
        case .attest(let held): group.addTask { [self] in attest(held: held) }
        case .keepRoster(let roster):
            group.addTask { [self] in await keep(roster) }
        case .keepPlan(let plan):
            group.addTask { [self] in await keep(plan) }
        case .claim(let post): seat?.orders.yield(.claim(post))
        case .announce(let bundles, let generation):
            seat?.orders.yield(.announce(bundles, siteGeneration: generation))
        case .fetch(let offer): seat?.orders.yield(.fetch(offer))
        case .register(let healthy): seat?.orders.yield(.register(healthy))
        case .send(let message):
            Failpoint.reach("agent.send.\(message.failpoint)")
            link.send(message)
        case .measure: group.addTask { [self] in await measure() }
        case .reply(let request, let reply): requests.answer(request, reply)
        case .halted: break
        case .list, .carryOut, .probe:
            group.addTask { [self] in
                if let report = await ask(effect) { mailbox.yield(.engine(report)) }
            }
        }
    }

    /// What the heartbeat carries: how the node does, and how it sees its mesh.
    private func measure() async {
        let usage = facts.usage(at: SystemClock.now().wall)
        if let seat {
            if let usage { await seat.mesh.feel(load: load(of: usage)) }
            mailbox.yield(.mesh(await seat.mesh.view()))
        }
        mailbox.yield(.measured(usage))
    }

    /// Asks the agent for a change and waits until it is durable, or refused.
    func carryOut(_ request: Agent.Request) async throws(Refusal) -> Agent.Reply {
        let reply = await requests.request { [mailbox] in mailbox.yield(.request($0, request)) }
        if case .refused(let refusal) = reply { throw refusal }
        return reply
    }

    // MARK: - The process

    private func obeySignals(log: @Sendable (String) -> Void) async {
        var isHalting = false
        for await stop in Signals.stops(endsWithInput: settings.endsWithInput) {
            ServiceNotice.send("STOPPING=1")
            if !settings.stopsWorkloads {
                log("stopping; workloads go on")
                mailbox.finish()
            } else if !isHalting {
                isHalting = true
                log("stopping all workloads")
                mailbox.yield(.halt)
            } else if stop == .asked {
                // An engine that does not answer, or a long grace: whoever asks twice means now.
                log("stopping now; workloads that still run go on")
                mailbox.finish()
            }
        }
    }

    private func keepWatchdog(every period: Duration) async {
        // Only a machine that takes turns is alive, so the beat takes the machine's lock.
        while !Task.isCancelled {
            machine.withLock { _ in ServiceNotice.send("WATCHDOG=1") }
            do { try await Task.sleep(for: period) } catch { return }
        }
    }
}
