import Machines
import Model

/// The hub that a restored one took the place of, where its machine was not off after all: a whole
/// hub with a store of its own, which people write to and which leads whoever has not met the newer.
struct Rival {
    var hub: Hub
    var store: HubStore
    /// What the restored hub began with.
    let copy: HubStore
    let clock: Clock
    /// Below those of the true hub, so that no session is taken for one of both.
    let life: Int
    /// Sessions that are open or waiting at its end.
    var open: [Int] = []
    var lastRequest: UInt64 = 0
}

extension World {
    /// Starts the hub that was given up, as it was when it was, for a while.
    mutating func startRival(from store: HubStore, beside copy: HubStore, _ mishap: Mishap) {
        endRival()
        rivals += 1
        let life = -rivals
        var hub = Hub(snapshot: store.load(), policyKeys: World.policyKeys, limits: hubLimits)
        var effects: [Hub.Effect] = []
        hub.start(at: centre.clock.moment(at: time), isCopy: false, into: &effects)
        rival = Rival(hub: hub, store: store, copy: copy, clock: centre.clock, life: life)
        note("the hub that was given up goes on")
        carryOutAtRival(effects)
        queue.add(.endRival(life: life), at: time + draw(60, 1_800))
        var own = Random(seed: mishap.draw)
        swap(&random, &own)
        defer { swap(&random, &own) }
        for _ in 0...pick(3) { askRival() }
    }

    /// People who do not know of the other hub change something at this one.
    private mutating func askRival() {
        let index = pick(script.workloads)
        let workload = Workload(metadata: Metadata(name: "w\(index)"), spec: workload(index))
        rival?.lastRequest += 1
        let id = RequestID(number: rival?.lastRequest ?? 0)
        let isDeleted = index >= 3 && random.chance(0.3)
        tellRival(
            .request(
                id,
                isDeleted
                    ? .delete(.workload, name: workload.metadata.name)
                    : .apply([.workload(workload)], dryRun: false)))
    }

    mutating func endRival(life: Int? = nil) {
        guard let rival, life == nil || rival.life == life else { return }
        note("the hub that was given up ends")
        self.rival = nil
        for session in rival.open { endHubEnd(session, orderly: true) }
    }

    /// Which hub an attempt reaches while there are two.
    mutating func reachesRival() -> Bool { rival != nil && random.chance(0.5) }

    /// A node that shows a certificate which has ended asks at the true hub for another.
    mutating func acceptAtRival(_ node: Int, life: Int, attempt: Int) {
        guard let rival, time < places[node].papers.certificateEnd else {
            return queue.add(
                .failAttempt(node, life: life, attempt: attempt, reason: "connection refused"),
                at: time + latency())
        }
        let index = addSession(of: node, life: life, attempt: attempt, hubLife: rival.life)
        self.rival?.open.append(index)
        tellRival(.opened(sessions[index].id, places[node].id, device: places[node].device))
    }

    mutating func tellRival(_ input: Hub.Input) {
        guard let now = rival?.clock.moment(at: time) else { return }
        chronicle.record(code(input), detail(input), at: time)
        note("the other hub <- \(input)")
        var effects: [Hub.Effect] = []
        rival?.hub.handle(input, at: now, into: &effects)
        carryOutAtRival(effects)
    }

    /// Its disk is fast and never fails: it is here for what it says. For its timers it lives too
    /// short a while.
    private mutating func carryOutAtRival(_ effects: [Hub.Effect]) {
        var tickets: [Ticket] = []
        for effect in effects {
            switch effect {
            case .persist(let ticket, let writes):
                for write in writes { rival?.store.apply(write) }
                tickets.append(ticket)
            case .admit(let session): admit(index(session))
            case .refuse(let session, let retryAfter, let reason):
                refuse(index(session), retryAfter: retryAfter, reason)
            case .send(let session, let message): send(message, on: index(session))
            case .close(let session): closeHubEnd(index(session), tellsNode: true)
            case .certify(let session, _, _, _, _, let life):
                certify(on: index(session), life: life)
            case .dealKeys, .dealRoster, .signRevocations, .reply, .wake: break
            }
        }
        for ticket in tickets { tellRival(.persisted(ticket)) }
    }

    // MARK: - What it may say

    /// Whoever has met the newer hub is not welcomed by the older one any more. What that had said on
    /// a session before may still be on its way.
    mutating func checkRival(_ message: HubMessage, on session: Int) {
        let node = sessions[session].node
        guard let rival, case .welcome = message, sessions[session].nodeEnd == .open,
            places[node].store.epoch > rival.hub.epoch
        else { return }
        violate(
            .growth,
            "a hub of epoch \(rival.hub.epoch) welcomes \(places[node].id), which obeys epoch "
                + "\(places[node].store.epoch)")
    }

    /// What a node has from it that is not in the copy, the restored hub may not take back by itself.
    mutating func noteFollowing(_ node: Int, through revision: UInt64) {
        guard let rival, let session = places[node].session, isRivals(session),
            revision > newest(of: node, in: rival.copy)
        else { return }
        places[node].rollback = centre.copied?.node(places[node].id)?.documents ?? []
    }
}
