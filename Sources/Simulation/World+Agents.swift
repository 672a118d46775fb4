import Authority
import Machines
import Model

/// The agents' processes: inputs in, effects out, and death at any point between.
extension World {
    mutating func startAgent(_ node: Int) {
        guard places[node].isEnrolled, !places[node].isUp, !places[node].isGone else { return }
        if time < places[node].offUntil {
            return queue.add(
                .startAgent(node, life: places[node].life), at: places[node].offUntil)
        }
        places[node].wishes.removeAll(keepingCapacity: true)
        places[node].connecting = nil
        places[node].redialling = nil
        enterMesh(node)
        var agent = Agent(
            configuration: places[node].configuration, snapshot: places[node].store.load(),
            random: random.split())
        let now = places[node].clock.moment(at: time)
        var effects: [Agent.Effect] = []
        agent.start(at: now, into: &effects)
        scenario.tampering.agent?(node, nil, now, &effects)
        places[node].agent = agent
        places[node].isUp = true
        note("\(places[node].id) starts")
        checkStart(node, effects)
        carryOut(effects, at: node)
    }

    /// A wish comes due, unless a later one took its place or its agent is gone.
    mutating func wake(_ node: Int, wish: Int, order: UInt64) {
        let place = places[node]
        guard place.isUp, place.wishes.indices.contains(wish), place.wishes[wish].order == order
        else { return }
        if time < place.pausedUntil {
            place.wishes[wish].order = queue.addWake(
                node: node, wish: wish, at: place.pausedUntil)
            return
        }
        tell(node, life: place.life, .wake(place.wishes[wish].reason))
    }

    private mutating func wish(_ instant: Instant, _ reason: Agent.Wake, at node: Int) {
        let place = places[node]
        let key = reason.key
        let known = place.wishes.firstIndex { $0.key == key }
        let order = queue.addWake(
            node: node, wish: known ?? place.wishes.count,
            at: max(time, place.clock.time(of: instant)))
        if let known {
            place.wishes[known].order = order
        } else {
            place.wishes.append(Wish(key: key, order: order, reason: reason))
        }
    }

    mutating func tell(_ node: Int, life: Int, _ input: Agent.Input) {
        let place = places[node]
        guard place.life == life, place.isUp else { return }
        if time < place.pausedUntil {
            // The process is stopped: what came meanwhile waits in line.
            return queue.add(.tellAgent(node, life: life, input), at: place.pausedUntil)
        }
        var input = input
        scenario.tampering.hearing?(node, &input)
        learn(input, at: node)
        chronicle.record(code(input, node), detail(input), at: time)
        note("\(place.id) <- \(input)")
        let now = place.clock.moment(at: time)
        var effects: [Agent.Effect] = []
        swap(&effects, &agentEffects)
        place.agent?.handle(input, at: now, into: &effects)
        scenario.tampering.agent?(node, input, now, &effects)
        carryOut(effects, at: node)
        checkCertificate(at: node)
        effects.removeAll(keepingCapacity: true)
        swap(&effects, &agentEffects)
    }

    /// Between any two of them the process may die; what was not done is not done.
    private mutating func carryOut(_ effects: [Agent.Effect], at node: Int) {
        for effect in effects {
            if effect.matters, crashesNow() {
                counts.crashesBetweenEffects += 1
                return crashAgent(node)
            }
            carryOut(effect, at: node)
        }
    }

    private mutating func carryOut(_ effect: Agent.Effect, at node: Int) {
        let life = places[node].life
        chronicle.record(code(effect, node), detail(effect), at: time)
        note("\(places[node].id) -> \(effect)")
        switch effect {
        case .persist(let ticket, let writes): accept(ticket, writes, at: node)
        case .connect: connect(node)
        case .disconnect: disconnect(node)
        case .send(let message): send(message, from: node)
        case .list:
            queue.add(
                .engine(node, boot: places[node].boot, .list(life: life)),
                at: time + draw(0.002, 0.05))
        case .carryOut(let order): carryOut(order.act, at: node)
        case .probe(let id, _, _): probe(id, at: node)
        case .measure: queue.add(.tellAgent(node, life: life, .measured(nil)), at: time)
        case .wake(let instant, let reason):
            checkWait(until: instant, for: reason, at: node)
            wish(instant, reason, at: node)
        case .reply(_, let reply): checkPromise(reply, at: node)
        case .issue: issue(at: node)
        case .redial: redial(node)
        case .succeed: succeed(node)
        case .hangUp: hangUp(node)
        case .askAuthority: askAuthority(for: node)
        case .install(let certification): install(certification, at: node)
        case .keepRoster(let signed): keep(signed, at: node)
        case .keepPlan(let signed): keep(signed, at: node)
        case .claim(let post): say(post, from: node)
        case .register(let registrations): register(registrations, at: node)
        // The audit log is the host's own.
        case .halted, .keepKeys, .keepRevocations, .attest, .audit, .announce, .fetch: break
        }
    }

    private mutating func carryOut(_ act: Act, at node: Int) {
        switch act {
        case .pull(let id, let image): pull(id, image, at: node)
        case .start(let request): start(request, at: node)
        case .stop(let id, let grace): stop(id, grace: grace, at: node)
        case .place, .change: break
        }
    }

    // MARK: - Its store

    private mutating func accept(_ ticket: Ticket, _ writes: [NodeWrite], at node: Int) {
        let delay = Int64(rates.commit * (0.5 + unit()) * 1e9)
        let due = places[node].disk.accept(ticket, writes, at: time, delay: delay)
        queue.add(.nodeCommit(node, life: places[node].life), at: due)
        check(node)
        checkQueue(node, writes)
    }

    mutating func commit(_ node: Int, life: Int) {
        guard places[node].life == life else { return }
        if time < places[node].disk.failsUntil {
            let retry = min(places[node].disk.failsUntil, seconds(5))
            queue.add(.nodeCommit(node, life: life), at: retry)
            return tell(node, life: life, .storeFailing(reason: "no space left"))
        }
        guard let batch = places[node].disk.complete(at: time) else { return }
        apply(batch.writes, at: node)
        tell(node, life: life, .persisted(batch.ticket))
    }

    private mutating func apply(_ writes: [NodeWrite], at node: Int) {
        for write in writes {
            checkGrowth(write, at: node)
            if case .appliedRevision(let revision) = write {
                noteFollowing(node, through: revision)
            }
            places[node].store.apply(write)
        }
    }

    // MARK: - Its death

    /// The process dies. Its sockets are closed by the system; what was on its way to disk may or
    /// may not have arrived; containers do not notice.
    mutating func crashAgent(_ node: Int) {
        guard places[node].isUp else { return }
        counts.agentCrashes += 1
        note("\(places[node].id) dies")
        endProcess(node)
        closeNodeEnd(node, orderly: true)
        queue.add(.startAgent(node, life: places[node].life), at: time + draw(0.2, 5))
    }

    /// The whole machine goes: containers end, nobody closes a socket.
    mutating func reboot(_ node: Int) {
        counts.reboots += 1
        note("\(places[node].id) reboots")
        endProcess(node)
        closeNodeEnd(node, orderly: false)
        places[node].boot += 1
        places[node].configuration.boot += 1
        places[node].containers.reboot(remembers: rates.engineRemembers > 0)
        places[node].clock.boot(at: time, using: &random)
        queue.add(.startAgent(node, life: places[node].life), at: time + draw(2, 60))
    }

    private mutating func endProcess(_ node: Int) {
        guard let agent = places[node].agent else { return }
        places[node].dropped += agent.dropped
        places[node].agent = nil
        places[node].isUp = false
        leaveMesh(node)
        places[node].life += 1
        places[node].pausedUntil = 0
        places[node].unwelcomeUntil = 0
        places[node].isMisled = false
        let canWrite = time >= places[node].disk.failsUntil
        let count = places[node].disk.pending.count
        let kept = canWrite && count > 0 ? pick(count + 1) : 0
        for batch in places[node].disk.crash(keeping: kept) { apply(batch.writes, at: node) }
    }

    /// All that the agent wrote is gone, and it begins from nothing, still as itself. Its containers
    /// run, and nobody knows whose they are.
    mutating func loseStore(_ node: Int) {
        endProcess(node)
        closeNodeEnd(node, orderly: true)
        places[node].store = NodeStore(logCap: agentLimits.logEntries)
        places[node].disk = Disk()
        places[node].containers.abandon()
        // It holds nothing any more from which it could be taken back.
        places[node].rollback = nil
        places[node].promised = 0
        places[node].missing = 0
        places[node].arrived = 0
        places[node].acknowledged = 0
        places[node].life += 1
        places[node].firstLife = places[node].life
        queue.add(.startAgent(node, life: places[node].life), at: time + draw(0.2, 5))
    }

    /// The node was deleted at the hub and is made anew: only containers are left of it.
    mutating func wipe(_ node: Int) {
        endProcess(node)
        places[node].deviceKey.append(0)
        closeNodeEnd(node, orderly: true)
        places[node].store = NodeStore(logCap: agentLimits.logEntries)
        places[node].disk = Disk()
        places[node].containers.abandon()
        places[node].rollback = nil
        places[node].life += 1
        places[node].firstLife = places[node].life
        places[node].missing = 0
        places[node].arrived = 0
        places[node].acknowledged = 0
        places[node].promised = 0
        places[node].dropped = 0
    }
}

extension Agent.Effect {
    /// Whether the world sees it: a death before one that does not matter shows as one before the
    /// next that does.
    var matters: Bool {
        switch self {
        case .persist, .connect, .disconnect, .send, .carryOut, .reply, .halted, .redial, .succeed,
            .hangUp, .askAuthority, .install:
            true
        case .list, .probe, .measure, .wake, .issue, .keepKeys, .keepRoster, .keepPlan, .claim,
            .keepRevocations,
            .attest, .audit, .announce, .fetch, .register:
            false
        }
    }
}
