import Machines
import Model

/// The hub's process.
extension World {
    mutating func startHub() {
        centre.wakes.removeAll()
        let snapshot = centre.store.load()
        var hub = Hub(snapshot: snapshot, policyKeys: World.policyKeys, limits: hubLimits)
        let now = centre.clock.moment(at: time)
        var effects: [Hub.Effect] = []
        hub.start(at: now, isCopy: centre.isCopy, into: &effects)
        scenario.tampering.hub?(nil, now, &effects)
        centre.hub = hub
        centre.isUp = true
        note("hub starts")
        if counts.hubCrashes == 1 {
            returns = Returns(begin: .nanoseconds(time))
            returns?.starts = -counts.starts
            returns?.stops = -counts.stops
        }
        checkLedger()
        carryOut(effects)
    }

    mutating func tellHub(life: Int, _ input: Hub.Input) {
        guard centre.life == life, centre.isUp else { return }
        chronicle.record(code(input), detail(input), at: time)
        note("hub <- \(input)")
        let now = centre.clock.moment(at: time)
        var effects: [Hub.Effect] = []
        swap(&effects, &hubEffects)
        centre.hub?.handle(input, at: now, into: &effects)
        scenario.tampering.hub?(input, now, &effects)
        carryOut(effects)
        effects.removeAll(keepingCapacity: true)
        swap(&effects, &hubEffects)
    }

    private mutating func carryOut(_ effects: [Hub.Effect]) {
        for effect in effects {
            // The keys of a day go by the calendar, so by wall clocks; nothing here rests on them.
            if case .dealKeys = effect { continue }
            if crashesNow() {
                counts.crashesBetweenEffects += 1
                return crashHub(orderly: true, rest: draw(0.2, 20))
            }
            carryOut(effect)
        }
    }

    private mutating func carryOut(_ effect: Hub.Effect) {
        chronicle.record(code(effect), detail(effect), at: time)
        note("hub -> \(effect)")
        switch effect {
        case .persist(let ticket, let writes):
            checkRejoined(writes)
            let delay = Int64(rates.commit * (0.5 + unit()) * 1e9)
            let due = centre.disk.accept(ticket, writes, at: time, delay: delay)
            queue.add(.hubCommit(life: centre.life), at: due)
            checkHub()
            checkHubQueue(writes)
        case .admit(let session): admit(index(session))
        case .refuse(let session, let retryAfter, let reason):
            refuse(index(session), retryAfter: retryAfter, reason)
        case .send(let session, let message): send(message, on: index(session))
        case .close(let session):
            checkClose(index(session))
            closeHubEnd(index(session), tellsNode: true)
        case .certify(let session, _, _, _, _, let life): certify(on: index(session), life: life)
        case .dealRoster(let session, let roster): deal(roster, on: index(session))
        case .dealPlan(let session, let plan): deal(plan, on: index(session))
        case .dealKeys, .signRevocations: break
        case .reply(let id, let reply): settle(id, reply)
        case .wake(let instant, let reason):
            wakeVersion += 1
            centre.wakes[reason] = wakeVersion
            queue.add(
                .wakeHub(life: centre.life, reason, version: wakeVersion),
                at: max(time, centre.clock.time(of: instant)))
        }
    }

    func index(_ session: SessionID) -> Int { Int(session.rawValue) - 1 }

    mutating func commitHub(life: Int) {
        guard centre.life == life else { return }
        if time < centre.disk.failsUntil {
            queue.add(.hubCommit(life: life), at: min(centre.disk.failsUntil, seconds(5)))
            return tellHub(life: life, .storeFailing(reason: "no space left"))
        }
        guard let batch = centre.disk.complete(at: time) else { return }
        for write in batch.writes { centre.store.apply(write) }
        noteCommit(batch.writes)
        tellHub(life: life, .persisted(batch.ticket))
    }

    /// The process dies, in good order for its sockets or with the whole machine.
    mutating func crashHub(orderly: Bool, rest: Int64) {
        guard centre.isUp else { return }
        counts.hubCrashes += 1
        // What it had begun to write down about two claimants may be gone, and both must come again.
        disturbedAt = max(disturbedAt, time + rest + 60_000_000_000)
        note("hub dies")
        centre.hub = nil
        centre.isUp = false
        centre.life += 1
        let canWrite = time >= centre.disk.failsUntil
        let count = centre.disk.pending.count
        for batch in centre.disk.crash(keeping: canWrite && count > 0 ? pick(count + 1) : 0) {
            for write in batch.writes { centre.store.apply(write) }
            noteCommit(batch.writes)
        }
        for session in centre.open { endHubEnd(session, orderly: orderly) }
        centre.open.removeAll()
        leaveRequestsOpen()
        if !orderly { centre.clock.boot(at: time, using: &random) }
        queue.add(
            .startHub(life: centre.life), at: time + max(200_000_000, rest))
    }
}
