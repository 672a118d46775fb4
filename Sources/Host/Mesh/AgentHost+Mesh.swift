import Audit
import Claiming
import Machines
import Membership
import Model
import Synchronization
import Transport
import Trust

/// The agent's part in the mesh of its site.
extension AgentHost {
    /// What takes part, and where its state lies.
    struct MeshSeat: Sendable {
        let mesh: NodeMesh
        let files: MeshFiles
        /// What the hub is told of it.
        let contact: MeshContact
        /// What its mesh decides about, as it was kept.
        let plan: SitePlan?
        /// Who of its peers may speak with it.
        let gate: PeerGate
        /// What the agent wants of it, in its order.
        let orders: AsyncStream<MeshOrder>.Continuation
        fileprivate let wishes: AsyncStream<MeshOrder>
    }

    enum MeshOrder: Sendable {
        case announce([PolicyBundle], siteGeneration: UInt64)
        case fetch(PolicyOffer)
        case register([Registration])
        case revoked(RevocationList, coded: [UInt8])
        case claim(Claiming.Post)
        case attest(AuditCheckpoint, key: String)
    }

    /// What hears of the checkpoints of this node's audit log: its neighbours, where it has any.
    static func attesting(
        to seat: MeshSeat?, by key: AuditKey
    ) -> @Sendable (AuditCheckpoint) -> Void {
        let text = key.verifier.text
        return { seat?.orders.yield(.attest($0, key: text)) }
    }

    /// Opens the socket of the mesh and takes up what the disk holds. Nil where the settings want no
    /// mesh, or there can be none at the moment, which is no reason to keep workloads waiting.
    static func openMesh(
        _ settings: AgentSettings, _ identity: NodeIdentity, _ pairKeys: PairKeys, in vault: Vault,
        _ revocations: RevocationBoard, log: @escaping @Sendable (String) -> Void
    ) async throws -> MeshSeat? {
        guard let wanted = settings.mesh else { return nil }
        let files = try MeshFiles(state: settings.state, of: vault)
        let seal = try files.seal()
        let gate = PeerGate()
        let port: MeshPort
        do {
            port = try await openPort(wanted, files) { address in
                switch wanted.security {
                case .sessions: .sessions(try await DatagramPort.open(at: address))
                case .mtls:
                    .mtls(
                        try await PeerPort.open(
                            at: address, parties(identity, gate, revocations), remark: log))
                }
            }
        } catch {
            log("this node takes no part in the mesh of its site: \(error)")
            return nil
        }
        var roster: Roster?
        do {
            roster = try files.roster(trusting: identity.credentials.trustRoots)
        } catch {
            log("\(error)")
        }
        var plan: KeptPlan?
        do {
            plan = try files.plan(trusting: identity.credentials.trustRoots)
        } catch {
            log("\(error)")
        }
        let address = wanted.advertised(boundTo: port.place.description)
        let time = identity.credentials.time
        let place = NodeMesh.Place(
            node: identity.enrolment.node, site: identity.enrolment.site, address: address,
            incarnation: try files.nextIncarnation())
        let mesh = NodeMesh(
            place, roster: roster?.site == place.site ? roster : nil, seal: seal,
            ring: await pairKeys.ring, port: port,
            log: try files.log(of: place.node), keep: { try files.append($0) },
            random: Random(seed: .random(in: .min ... .max)),
            admits: { [gate] in gate.admits($0) },
            now: { Moment(monotonic: SystemClock.now().monotonic, wall: time.now) })
        let (wishes, orders) = AsyncStream.makeStream(of: MeshOrder.self)
        if let plan { await mesh.announce(plan) }
        return MeshSeat(
            mesh: mesh, files: files,
            contact: MeshContact(
                key: seal.publicKey, address: address, roster: await mesh.rosterVersion,
                plan: plan?.plan.version ?? RosterVersion.none),
            plan: plan?.plan,
            gate: gate, orders: orders, wishes: wishes)
    }

    /// Neighbours know the port of the last run: after a reboot without a hub it is how they find it.
    private static func openPort(
        _ wanted: MeshPlace, _ files: MeshFiles,
        _ open: (String) async throws -> MeshPort
    ) async throws -> MeshPort {
        var port: MeshPort?
        if wanted.takesAnyPort, let last = try files.port() {
            do {
                port = try await open(wanted.listening(on: last))
            } catch {
                // Somebody else has it by now; any other will do.
                port = nil
            }
        }
        let taken: MeshPort
        if let port { taken = port } else { taken = try await open(wanted.listen) }
        if let number = taken.place.description.split(separator: ":").last.flatMap({ Int($0) }) {
            try files.keep(port: number)
        }
        return taken
    }

    /// Who this node is in mutual TLS with its peers, and whom it believes: as on the control link.
    private static func parties(
        _ identity: NodeIdentity, _ gate: PeerGate, _ revocations: RevocationBoard
    ) -> PeerPort.Parties {
        let credentials = identity.credentials
        let isRevoked: @Sendable (Bearer) -> Bool = { revocations.covers($0) }
        return PeerPort.Parties(
            node: identity.enrolment.node, site: identity.enrolment.site,
            identity: {
                (try credentials.shown(), credentials.time.now + .seconds(30))
            },
            verifier: {
                try PeerVerifier(
                    .node, trustRoots: credentials.trustRoots,
                    clock: credentials.time.forHandshakes, isRevoked: isRevoked)
            },
            isRevoked: isRevoked, admits: { gate.admits($0) }, now: { credentials.time.now })
    }

    /// Ends when the agent does: a mesh that ended by itself must not end what the node runs.
    func takePart(_ seat: MeshSeat) async throws {
        seat.gate.decide { [weak self] in self?.admitsPeer($0) ?? false }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await seat.mesh.run() }
            group.addTask {
                for await order in seat.wishes { await AgentHost.obey(order, seat.mesh) }
            }
            for await notice in seat.mesh.notices { await take(notice, of: seat) }
            group.cancelAll()
        }
        if !Task.isCancelled { log("the mesh of this node has ended") }
        for await _ in AsyncStream<Void>.makeStream().stream {}
    }

    private static func obey(_ order: MeshOrder, _ mesh: NodeMesh) async {
        switch order {
        case .announce(let bundles, let generation):
            await mesh.announce(bundles, siteGeneration: generation)
        case .fetch(let offer): await mesh.fetch(offer)
        case .register(let healthy): await mesh.register(healthy)
        case .revoked(let list, let content): await mesh.announce(list, coded: content)
        case .claim(let post): await mesh.say(post)
        case .attest(let checkpoint, let key): await mesh.attest(checkpoint, key: key)
        }
    }

    private func take(_ notice: NodeMesh.Notice, of seat: MeshSeat) async {
        switch notice {
        case .changed(let view): mailbox.yield(.mesh(view))
        case .keys(let keys):
            do {
                try await pairKeys.keep(keys)
            } catch {
                log("the keys that this node made with its peers are not kept: \(error)")
            }
        case .raise(let incarnation):
            do {
                try seat.files.keep(incarnation: incarnation)
                await seat.mesh.raised(incarnation)
            } catch {
                log("this node's run in the mesh has no number, so it is not believed: \(error)")
            }
        case .offered(let offer): mailbox.yield(.offered(offer))
        case .fetched(let bundle, let digest, let neighbour):
            mailbox.yield(.carried(bundle, digest: digest, from: neighbour))
        case .carriedList(let content, let neighbour): takeIn(content, from: neighbour)
        case .claims(let messages, let member):
            mailbox.yield(.claims(messages, from: member))
        case .fetchedPlan(let signed, let neighbour):
            log("a plan of this site's work came from neighbour '\(neighbour)'")
            await keep(signed)
        case .doubted(let node, let reason): mailbox.yield(.doubted(node, reason: reason))
        case .remark(let text): log(text)
        case .cloned(let node):
            log("two machines speak as node \(node) in the mesh: one of them is a copy")
        }
    }

    func load(of usage: Usage) -> Double {
        let capacity = max(1, (settings.capacity ?? NodeFacts.capacity()).cpu.millicores)
        return Double(usage.cpu.millicores) / Double(capacity)
    }

    // MARK: - Names

    /// What serves, the best of each first: here by the engine, elsewhere by what neighbours say.
    func serviceDirectory() async -> NameDesk.Directory {
        let remote = await seat?.mesh.services() ?? []
        let hosts = await seat?.mesh.hosts ?? [:]
        let now = SystemClock.now().wall
        let host = hosts[identity.enrolment.node] ?? "127.0.0.1"
        let local = machine.withLock { $0.instances(at: now) }.filter(\.ready).map { status in
            ServiceEndpoint(
                service: status.id.workload, instance: status.id, node: status.node,
                site: status.site, host: host, ports: status.ports, isLocal: true, load: 0,
                age: .seconds(0))
        }
        return NameDesk.Directory(
            endpoints: (local + remote).sorted(by: ServiceEndpoint.isPreferred), hosts: hosts)
    }

    /// Answers names on loopback. A port that is taken ends nothing that the node runs.
    func answerNames() async throws {
        if let address = settings.names {
            do {
                let port = try await DatagramPort.open(at: address)
                log("names of services are answered at \(port.place)")
                await NameDesk(site: identity.enrolment.site) { [self] in
                    await serviceDirectory()
                }.run(on: port)
            } catch {
                log("names of services are not answered: \(error)")
            }
        }
        for await _ in AsyncStream<Void>.makeStream().stream {}
    }

    /// Checks a plan, from the hub or a neighbour, keeps it, and lets it take effect.
    func keep(_ signed: SignedPlan) async {
        guard let seat else { return }
        do {
            let plan = try signed.opened(trusting: identity.credentials.trustRoots)
            guard plan.site == identity.enrolment.site else {
                log("a plan of site '\(plan.site)' came here, and is not used")
                return
            }
            guard await seat.mesh.planVersion < plan.version else { return }
            try seat.files.keep(signed)
            await seat.mesh.announce(KeptPlan(plan: plan, signed: signed))
            mailbox.yield(.keptPlan(plan))
        } catch {
            log("a plan of this site's work is not used: \(error)")
        }
    }

    /// Checks a roster, keeps it, and lets it take effect.
    func keep(_ signed: SignedRoster) async {
        guard let seat else { return }
        do {
            let files = seat.files
            let version = try await seat.mesh.adopt(
                signed, trusting: identity.credentials.trustRoots
            ) { try files.keep($0) }
            // The hub is told of the newer one either way: it has no other to give.
            if let version { mailbox.yield(.keptRoster(version)) }
        } catch {
            log("the roster that the hub sent is not used: \(error)")
        }
    }
}
