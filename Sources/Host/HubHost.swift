import Foundation
import Machines
package import Management
import Model
import Storage
import Synchronization
import Tokens
import Transport
import Trust

/// Drives one `Hub`: its store, the control link's listeners and the API for people. Carries out
/// what the hub decides, and decides nothing.
package final class HubHost: Sendable {
    let settings: HubSettings
    let identity: HubIdentity
    let machine: Mutex<Hub>
    let observers = Observers()
    private let signedPlans = Mutex<[SiteID: (version: RosterVersion, signed: SignedPlan)]>([:])
    let access = AccessBoard()
    let knownPolicies: KnownPolicies
    let tokens: TokenPress
    let control: ControlServer
    let requests = PendingReplies<Hub.Reply>()
    let admissions = PendingAdmissions()
    let revocations = RevocationBoard()
    let audit: AuditLog
    let strangers = StrangerBudget(at: SystemClock.now().monotonic)
    let store: HubStore
    let log: @Sendable (String) -> Void
    let writer: StoreWriter<HubWrite>
    private let delegate: HubDelegate
    private let masters: DayMasters
    let secrets: HubSecrets

    /// Where nodes enrol; nil until the listener is open.
    var enrolmentAddress: String? { delegate.enrolmentAddress }

    private let inputs: AsyncStream<Hub.Input>
    let mailbox: AsyncStream<Hub.Input>.Continuation
    private let timers: Timers<Hub.Wake>

    /// What a hub tells whoever started it, once it can be reached.
    package struct Listening: Sendable {
        package var managementPort: Int
        package var controlPort: Int
        package var enrolmentPort: Int
        package var operatorFiles: OperatorFiles
    }

    /// Makes the hub's directory, authority and operator certificate, and starts nothing.
    /// - Parameter copies: where a person's copies of the operator's files go if those here are
    ///   sealed, which no client can read.
    package static func initialise(
        _ settings: HubSettings, copies: String, log: (String) -> Void
    ) throws -> OperatorFiles {
        CoreDumps.turnOff(log: log)
        try PrivateFile.makeDirectory(settings.state)
        let identity = try HubIdentity.open(settings, log: log)
        let files = try identity.writeOperator(in: settings)
        guard identity.vault.isSealed else { return files }
        return try identity.copy(files, to: copies)
    }

    /// Runs a hub until it is asked to stop.
    ///
    /// - Parameter beside: runs beside it with what answers its requests, as benchmarks do that compare.
    package static func run(
        _ settings: HubSettings, log: @escaping @Sendable (String) -> Void,
        beside: (@Sendable (any ManagementBackend) async throws -> Void)? = nil,
        ready: @escaping @Sendable (Listening) -> Void
    ) async throws {
        CoreDumps.turnOff(log: log)
        try PrivateFile.makeDirectory(settings.state)
        let store = try HubStore(directory: settings.state)
        for line in store.opening.remarks + store.damaged.map(\.description) { log(line) }
        let identity = try HubIdentity.open(settings, log: log)
        let tokens = try await TokenKey.press(
            in: settings.state + "/identity", of: identity.vault)
        let host = try HubHost(settings, identity, tokens, store: store, log: log)
        try await host.run(beside, ready: ready)
    }

    private init(
        _ settings: HubSettings, _ identity: HubIdentity, _ tokens: TokenPress, store: HubStore,
        log: @escaping @Sendable (String) -> Void
    ) throws {
        self.settings = settings
        self.store = store
        self.log = log
        self.identity = identity
        self.tokens = tokens
        masters = try DayMasters(settings.state + "/identity/day-masters", in: identity.vault)
        secrets = try HubSecrets(
            in: identity.vault, at: settings.state + "/identity/secrets.key")
        let snapshot = try store.load()
        knownPolicies = try KnownPolicies(settings.state + "/identity/policies.known")
        machine = Mutex(
            Hub(
                snapshot: snapshot, policyKeys: identity.policyKeys, known: knownPolicies.names,
                brake: settings.brake))
        Failpoint.reach("hub.boot.loaded")
        let (inputs, mailbox) = AsyncStream.makeStream(of: Hub.Input.self)
        self.inputs = inputs
        self.mailbox = mailbox
        let audit = AuditLog(
            of: "hub/\(settings.name)",
            key: try AuditKeyFile.key(in: settings.state, of: identity.vault),
            tail: snapshot.audit, retention: settings.auditRecords,
            told: { mailbox.yield(.audited($0)) })
        self.audit = audit
        timers = Timers { mailbox.yield(.wake($0)) }
        writer = StoreWriter(failpoint: "hub") { batches in
            try audit.commit(batches) { try store.commit($0) }
        }
        delegate = HubDelegate(
            mailbox: mailbox, requests: requests, admissions: admissions, identity: identity,
            settings: settings, log: log,
            record: { [writer] in _ = await audit.appendDurably($0, to: writer) })
        let bind = settings.bind.contains(":") ? "[\(settings.bind)]" : settings.bind
        control = try ControlServer(
            ControlServer.Configuration(
                control: "\(bind):\(settings.controlPort)",
                enrolment: "\(bind):\(settings.enrolmentPort)", identity: identity.server,
                enrolmentIdentity: identity.enrolmentServer,
                anchors: identity.authority.anchors, admitsOld: identity.admitsOld),
            delegate: delegate, now: { [time = identity.time] in time.now },
            isRevoked: { [revocations] in revocations.covers($0) })
    }

    private func run(
        _ beside: (@Sendable (any ManagementBackend) async throws -> Void)?,
        ready: @escaping @Sendable (Listening) -> Void
    ) async throws {
        noteStart()
        defer {
            flush()
            SnapshotKeeper.end(store.snapshot, log: log)
            store.close()
        }
        let operatorFiles = try identity.writeOperator(in: settings)
        delegate.decide { [self] node, site in
            HubBackend(host: self).point.decide(
                .node(node, site: site), .connect,
                AccessTarget(.site, site.text, sites: [site]))
        }
        let ports = OpenPorts { management, control, enrolment in
            ready(
                Listening(
                    managementPort: management, controlPort: control, enrolmentPort: enrolment,
                    operatorFiles: operatorFiles))
            ServiceNotice.send("READY=1")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in
                await writer.run(
                    persisted: { mailbox.yield(.persisted($0)) },
                    failing: {
                        log(
                            "the store cannot be written (\($0)); changes are refused until it "
                                + "can: free space, or mend the disk")
                        audit.noteStore(fails: true)
                        mailbox.yield(.storeFailing(reason: $0))
                    },
                    working: {
                        audit.noteStore(fails: false)
                        log("the store can be written again")
                    })
            }
            group.addTask { [self] in await SnapshotKeeper.run(store.snapshot, log: log) }
            checkAuditLater()
            group.addTask { [self] in
                try await control.run { open in
                    delegate.enrolmentIsOpen(
                        controlPort: open.control, enrolmentPort: open.enrolment)
                    ports.control(open.control, open.enrolment)
                }
            }
            if let beside { group.addTask { try await beside(HubBackend(host: self)) } }
            let shown = try serverIdentity()
            group.addTask { [self] in
                let server = ManagementServer(
                    backend: HubBackend(host: self), listener: .tls(try listener(shown)))
                try await server.run { ports.management($0) }
            }
            group.addTask { [self] in await keepUp(shown) }
            group.addTask { [self] in
                for await _ in Signals.stops(endsWithInput: settings.endsWithInput) {
                    ServiceNotice.send("STOPPING=1")
                    log("stopping")
                    mailbox.finish()
                }
            }
            // The first to end ends all: the drive when asked to stop, or a listener that could
            // not open.
            group.addTask { [self] in await drive() }
            try await group.next()
            group.cancelAll()
            writer.finish()
        }
    }

    private func serverIdentity() throws -> ServerIdentity {
        let identity = try identity.management(settings)
        return try ServerIdentity(
            certificateChain: identity.certificateChain, key: identity.privateKey)
    }

    /// Done again at every start: a hub may die between the durable yes and the files. Roots that became
    /// earlier ones only after the yes stay.
    func retireRootsAsApproved() throws {
        let approved = machine.withLock(\.allApprovals)
            .filter { $0.act == .retireRoots && $0.state == .done }
            .compactMap(\.answeredAt).max()
        if let approved { try identity.authority.retire(keptBefore: approved) }
    }

    /// Renews the certificates that live for months, and reads authorities anew that a person replaced.
    private func keepUp(_ shown: ServerIdentity) async {
        var stamp = identity.authority.stamp
        do {
            try retireRootsAsApproved()
        } catch {
            log("earlier roots that were to be retired are still there: \(error)")
        }
        var lookedAt = SystemClock.now().monotonic
        while true {
            do { try await Task.sleep(for: .seconds(5)) } catch { return }
            let isReplaced = identity.authority.stamp != stamp
            guard isReplaced || SystemClock.now().monotonic - lookedAt >= .seconds(3600) else {
                continue
            }
            lookedAt = SystemClock.now().monotonic
            do {
                defer { stamp = identity.authority.stamp }
                try identity.keepUp(settings)
                if isReplaced { log("the hub's authorities were read anew from its files") }
                let next = try identity.management(settings)
                try shown.renew(certificateChain: next.certificateChain, key: next.privateKey)
            } catch {
                log("the hub's certificates were not renewed: \(error)")
            }
        }
    }

    /// People are judged by the wall clock, as their clients judge the hub.
    private func objection(toPerson chain: [[UInt8]]) async -> String? {
        await PeerVerifier(
            .user, trusting: identity.authority.anchors,
            clock: FleetClock(certain: { SystemClock.now().wall }),
            admitsOld: identity.admitsOld, isRevoked: revocations.covers
        ).objection(toDER: chain)
    }

    private func listener(_ shown: ServerIdentity) throws -> TLSListener {
        TLSListener(
            host: settings.bind, port: settings.managementPort,
            identity: shown,
            verify: { [self] in await objection(toPerson: $0) },
            identify: { [revocations] names, issuedAt in
                // A second name would leave open for whom the bearer speaks.
                guard names.count == 1, names[0].hasPrefix("uri:") else { return nil }
                let subject = String(names[0].dropFirst(4))
                let bearer = Bearer(subject: subject, device: nil, issuedAt: issuedAt)
                guard case .user(let user) = PeerIdentity(uri: subject),
                    !revocations.covers(bearer)
                else { return nil }
                return .user(user)
            })
    }

    private func drive() async {
        let isCopy = settings.isRestored || store.opening.isCopy
        step { $0.start(at: SystemClock.now(), isCopy: isCopy, into: &$1) }
        for await input in inputs {
            step { $0.handle(input, at: SystemClock.now(), into: &$1) }
        }
    }

    private func step(_ turn: (inout Hub, inout [Hub.Effect]) -> Void) {
        var effects: [Hub.Effect] = []
        machine.withLock { turn(&$0, &effects) }
        guard !effects.isEmpty else { return }
        for effect in effects { perform(effect) }
        observers.notify()
    }

    private func perform(_ effect: Hub.Effect) {
        switch effect {
        case .persist(let ticket, let writes):
            if writer.add(ticket, writes) { mailbox.yield(.persisted(ticket)) }
        case .wake(let instant, let reason): timers.set(reason, at: instant)
        case .admit(let session): admissions.admit(session, .admit)
        case .refuse(let session, let retryAfter, let reason):
            admissions.admit(session, .refuse(retryAfter: Interval(retryAfter), reason: reason))
        case .send(let session, let message):
            Failpoint.reach("hub.send.\(message.failpoint)")
            if case .welcome(var welcome) = message {
                control.promote(session)
                welcome.time = identity.time.attest()
                welcome.trust = identity.trustMark
                send(.welcome(welcome), to: session)
            } else {
                send(signed(message), to: session)
            }
        case .close(let session): control.close(session)
        case .certify(let session, let node, let site, let request, let device, let life):
            certify(node, at: site, request, device: device, life: life, on: session)
        case .dealKeys(let session, let node, let peers, let hand):
            dealKeys(to: node, peers, hand, on: session)
        case .signRevocations(let list): sign(list)
        case .dealRoster(let session, let roster): deal(roster, on: session)
        case .dealPlan(let session, let plan): deal(plan, on: session)
        case .reply(let request, let reply):
            Failpoint.reach("hub.reply.before")
            requests.answer(request, reply)
        }
    }

    private func send(_ message: HubMessage, to session: SessionID) {
        let notice = control.send(addressed(message), to: session)
        if let notice { log("\(notice)") }
    }

    private func dealKeys(
        to node: NodeID, _ peers: [NodeID], _ hand: KeyHand, on session: SessionID
    ) {
        do {
            send(
                .keys(try masters.deal(to: node, peers: peers, hand, days: Hub.keyDaysAhead)),
                to: session)
        } catch {
            log("node \(node) gets no keys with its peers: \(error)")
        }
    }

    private func deal(_ roster: Roster, on session: SessionID) {
        do {
            send(.roster(try identity.issuing.sign(roster)), to: session)
        } catch {
            log("the roster of site \(roster.site) is not handed out: \(error)")
        }
    }

    private func deal(_ plan: SitePlan, on session: SessionID) {
        do {
            // One signature for all: neighbours know a plan by the digest of its bytes.
            let signed = try signedPlans.withLock { known in
                if let known = known[plan.site], known.version == plan.version {
                    return known.signed
                }
                let signed = try identity.issuing.sign(plan)
                known[plan.site] = (plan.version, signed)
                return signed
            }
            send(.plan(signed), to: session)
        } catch {
            log("the plan of site \(plan.site) is not handed out: \(error)")
        }
    }

    private func certify(
        _ node: NodeID, at site: SiteID, _ request: CertificationRequest, device: String?,
        life: Duration, on session: SessionID
    ) {
        do {
            let chain = try identity.issuing.issueNodeAuthority(
                node, site: site, publicKey: request.publicKey, device: device, validity: life,
                now: identity.time.attest())
            send(
                .certified(
                    Certification(
                        certificateChain: chain, trustRoots: identity.authority.offeredRoots,
                        enrolmentAddress: enrolmentAddress)),
                to: session)
        } catch {
            log("node \(node) gets no authority: \(error)")
        }
    }

    /// Asks the hub for a change and waits until it is durable, or refused.
    func carryOut(_ request: Hub.Request) async throws(Refusal) -> Hub.Reply {
        let reply = await requests.request { [mailbox] in mailbox.yield(.request($0, request)) }
        if case .refused(let refusal) = reply { throw refusal }
        return reply
    }
}

/// Says once that all three listeners are open.
private final class OpenPorts: Sendable {
    private struct State {
        var management: Int?
        var control: (Int, Int)?
    }

    private let state = Mutex(State())
    private let complete: @Sendable (Int, Int, Int) -> Void

    init(_ complete: @escaping @Sendable (Int, Int, Int) -> Void) { self.complete = complete }

    func management(_ port: Int) { open { $0.management = port } }
    func control(_ port: Int, _ enrolment: Int) { open { $0.control = (port, enrolment) } }

    private func open(_ change: (inout sending State) -> Void) {
        let ports = state.withLock { state -> (Int, Int, Int)? in
            change(&state)
            guard let management = state.management, let control = state.control else {
                return nil
            }
            return (management, control.0, control.1)
        }
        if let ports { complete(ports.0, ports.1, ports.2) }
    }
}
