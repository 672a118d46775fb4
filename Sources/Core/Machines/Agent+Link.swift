import Model
import Replication

/// The control link, seen from the node.
extension Agent {
    mutating func greet(at now: Moment, into effects: inout [Effect]) {
        if link.isUp {
            guard credentials.succession == .dialling else { return }
            credentials.succession = .greeting
        } else {
            guard case .connecting = link else { return }
            link = .greeting(since: link.since)
        }
        effects.append(
            .send(
                .hello(
                    Hello(
                        node: configuration.node, site: configuration.site,
                        agentVersion: configuration.version, capacity: configuration.capacity,
                        engine: shownEngine, appliedRevision: durableRevision,
                        takenRevision: replica.through == durableRevision
                            ? nil : replica.through,
                        epoch: epoch, logHead: outbox.lastSequence, policies: policiesInForce,
                        run: run,
                        follows: follows, boot: configuration.boot,
                        machine: configuration.machine, keys: keys, mesh: meshContact,
                        secretsKey: configuration.secretsKey))))
        effects.append(.wake(at: now.monotonic + configuration.limits.greeting, for: .greeting))
    }

    mutating func giveUpGreeting(into effects: inout [Effect]) {
        if case .greeting = link { effects.append(.disconnect) }
        if credentials.succession == .greeting { effects.append(.hangUp) }
    }

    mutating func receive(
        _ message: HubMessage, at now: Moment, into effects: inout [Effect]
    ) {
        switch message {
        case .welcome(let welcome): settleIn(welcome, at: now, into: &effects)
        case .retry(let after, let reason):
            missHub(reason, at: now)
            dropLink(
                "the hub asked to come back later: \(reason)", first: reconnectWindow,
                atLeast: min(after.duration, Agent.longestRetry), at: now, into: &effects)
            effects.append(.disconnect)
        case .documents(let documents, let through):
            guard link.isUp else { return }
            let changes = replica.take(
                admissible(documents, through: through, at: now), through: through)
            guard !changes.isEmpty else {
                // The hub sends again what it does not know to be here: it was still on its way to
                // disk when this node greeted, and is durable by now.
                if through <= durableRevision {
                    effects.append(
                        .send(.applied(revision: durableRevision, policies: policiesInForce)))
                }
                return
            }
            journal.writes += changes
            journal.followUps.removeAll { if case .documents = $0 { true } else { false } }
            journal.followUps.append(.documents(through: through))
        case .acknowledged(let sequence):
            let known = min(sequence, outbox.lastSequence)
            guard link.isUp, outbox.acknowledge(through: known) else { return }
            journal.writes.append(.trimLog(through: known))
            ship(at: now, into: &effects)
            if let head = returnHead, known >= head {
                returnHead = nil
                advance(at: now, into: &effects)
            }
        case .inventory:
            owesHoldings = link.isUp
            sayHoldings(into: &effects)
        case .certified(let certification):
            if link.isUp { effects.append(.install(certification)) }
        case .keys(let deal):
            if link.isUp { effects.append(.keepKeys(deal)) }
        case .revocations(let list): take(list, at: now, into: &effects)
        case .witnessed(let receipt): take(receipt, at: now)
        case .roster(let roster):
            if link.isUp, meshContact != nil { effects.append(.keepRoster(roster)) }
        }
    }

    /// Answers the hub's question once all that was taken in is durable: what it compares must not be
    /// undone by a crash. In pieces, since one message has a bound and a node any number of documents.
    mutating func sayHoldings(into effects: inout [Effect]) {
        guard owesHoldings, replica.through == durableRevision else { return }
        owesHoldings = false
        var rest = replica.all[...]
        repeat {
            let part = rest.prefix(configuration.limits.documentsPerMessage)
            rest = rest.dropFirst(part.count)
            effects.append(.send(.holdings(Array(part), isLast: rest.isEmpty)))
        } while !rest.isEmpty
    }

    private mutating func settleIn(
        _ welcome: Welcome, at now: Moment, into effects: inout [Effect]
    ) {
        let isSuccession = link.isUp && credentials.succession == .greeting
        if !isSuccession { guard case .greeting = link else { return } }
        guard welcome.epoch >= epoch else {
            tell(
                .warning, "HubRefused", .node, configuration.node.text,
                "a hub of epoch \(welcome.epoch) spoke; this node obeys epoch \(epoch)", at: now)
            effects.append(.disconnect)
            return
        }
        if welcome.epoch > epoch {
            epoch = welcome.epoch
            journal.writes.append(.epoch(epoch))
        }
        if isSuccession {
            credentials.succession = .none
            effects.append(.succeed)
        } else {
            link = .up(since: now.wall)
        }
        proveCurrent(at: now)
        missed = []
        backoff.reset()
        if !isSuccession { holdDown.noteUp(at: now.monotonic) }
        heartbeatEvery = max(welcome.heartbeatEvery.duration, Agent.shortestHeartbeat)
        reconnectWindow = max(
            welcome.reconnectWindow.duration, configuration.limits.reconnectFirst)
        if !outbox.resume(after: welcome.acknowledged) {
            journal.writes.append(.trimLog(through: welcome.acknowledged))
            repeatChanges(after: welcome.acknowledged, at: now)
            repeatReports(at: now)
        }
        // The hello may have been said before the engine answered.
        if let shownEngine { effects.append(.send(.engine(shownEngine))) }
        if !isSuccession {
            tell(
                .normal, "LinkUp", .node, configuration.node.text, "in contact with the hub",
                at: now)
        }
        effects.append(.wake(at: now.monotonic + heartbeatEvery, for: .heartbeat))
        ship(at: now, into: &effects)
        if !isSuccession { returnHead = outbox.lastSequence }
        askAuthority(isSuccession: isSuccession, trust: welcome.trust, at: now, into: &effects)
        auditTalk.held = welcome.audited
        hubMergesViews = welcome.mergesViews == true
        toldMesh = nil
        attest(into: &effects)
        // What had to wait for somebody who may decide.
        advance(at: now, into: &effects)
    }

    mutating func loseLink(
        _ reason: String, isSilent: Bool, at now: Moment, into effects: inout [Effect]
    ) {
        if case .down = link { return }
        let wasUp = link.isUp
        let hold = wasUp && isSilent ? holdDown.noteSilence(at: now.monotonic) : nil
        missHub(reason, at: now)
        dropLink(
            reason, first: reconnectWindow, atLeast: hold ?? .zero, at: now, into: &effects)
        guard wasUp else { return }
        tell(
            .warning, "LinkLost", .node, configuration.node.text,
            "the hub is out of reach (\(reason)); this node goes on by itself", at: now)
        if let hold {
            tell(
                .warning, "LinkFlapping", .node, configuration.node.text,
                "the link comes and goes; this node goes on by itself for \(Interval(hold)) before "
                    + "it takes it up again", at: now)
        }
    }

    /// A node that never gets through says why, once for each reason. Only to people here: the log
    /// would tell the hub of it when it is no longer so.
    private mutating func missHub(_ reason: String, at now: Moment) {
        guard !link.isUp, missed.count < configuration.limits.events, missed.insert(reason).inserted
        else { return }
        remember(
            Event(
                at: now.wall, node: configuration.node, severity: .warning, reason: "NoContact",
                kind: .node, name: configuration.node.text, message: reason))
    }

    /// Draws the wait here, at the edge from connected to cut off, so that a fleet that lost its
    /// hub at one moment does not return at one moment.
    private mutating func dropLink(
        _ reason: String, first: Duration, atLeast: Duration = .zero, at now: Moment,
        into effects: inout [Effect]
    ) {
        if case .down = link { return }
        if link.isUp { proveCurrent(at: now) }
        link = .down(since: proof?.wall ?? now.wall)
        credentials.succession = .none
        owesHoldings = false
        awaitAge(at: now, into: &effects)
        let wait = atLeast + backoff.next(first: first, using: &random)
        effects.append(.wake(at: now.monotonic + wait, for: .reconnect))
        seekPolicies(into: &effects)
    }

    mutating func reconnect(at now: Moment, into effects: inout [Effect]) {
        guard case .down(let since) = link else { return }
        link = .connecting(since: since)
        effects.append(.connect)
    }

    mutating func heartbeat(at now: Moment, into effects: inout [Effect]) {
        guard link.isUp else { return }
        renewProof(at: now)
        effects.append(.measure)
        effects.append(.wake(at: now.monotonic + heartbeatEvery, for: .heartbeat))
    }

    mutating func beat(_ usage: Usage?, into effects: inout [Effect]) {
        guard link.isUp else { return }
        effects.append(.send(.heartbeat(usage)))
        attest(into: &effects)
        reportMesh(into: &effects)
    }

    /// Sends what is durable and due, no faster than the site's link carries it. Nothing between a
    /// greeting and its welcome: the hub leaves the session before as soon as it is greeted on the next,
    /// and what it reads first there must not be later than what was lost on the way.
    mutating func ship(at now: Moment, into effects: inout [Effect]) {
        guard link.isUp, credentials.succession != .greeting, now.monotonic >= nextShip else {
            return
        }
        let batch = outbox.take(configuration.limits.batch, window: configuration.limits.window)
        guard !batch.isEmpty else { return }
        effects.append(.send(.entries(batch)))
        guard let rate = linkBytesPerSecond, rate > 0 else {
            return ship(at: now, into: &effects)
        }
        let bytes = Int64(batch.count * Agent.entryBytes)
        nextShip = now.monotonic + .milliseconds(bytes * 1000 / rate)
        effects.append(.wake(at: nextShip, for: .ship))
    }

    /// The hub does not hold what this node once said: every instance is told anew, now or with
    /// the first answer of the engine.
    private mutating func repeatReports(at now: Moment) {
        for id in held.keys { held.update(id) { $0.reported = nil } }
        guard engineStatus != nil else { return }
        for id in held.keys { report(id, at: now) }
    }

    /// However long a hub asks a node to stay away, it comes back within this and a back-off.
    private static let longestRetry = Duration.seconds(900)
    private static let shortestHeartbeat = Duration.seconds(1)

    /// What an entry costs on the wire, measured on `InstanceStatus` entries and rounded up.
    private static let entryBytes = 512

    private var linkBytesPerSecond: Int64? {
        guard case .site(let site) = replica[.site(configuration.site)] else { return nil }
        return site.spec.link?.bytesPerSecond.bytes
    }
}
