import Machines
import Model

/// Sessions between nodes and the hub: in order within a direction, and lost whole when cut.
extension World {
    // MARK: - The node's end

    mutating func connect(_ node: Int) {
        checkPatience(nil, at: node)
        checkWelcome(at: node)
        closeNodeEnd(node, orderly: true)
        places[node].attempt += 1
        places[node].connecting = places[node].attempt
        places[node].isMisled = meetsImpostor(node)
        if places[node].isMisled {
            return queue.add(
                .impostor(node, attempt: places[node].attempt, nil), at: time + latency())
        }
        dial(node)
    }

    /// The attempt that was just begun goes its way.
    private mutating func dial(_ node: Int) {
        let attempt = places[node].attempt
        let life = places[node].life
        if places[node].isCut {
            return queue.add(
                .failAttempt(node, life: life, attempt: attempt, reason: "timed out"),
                at: time + draw(5, 20))
        }
        // Hands are shaken with three messages: each that is lost is sent again.
        let weather = places[node].weather
        var delay = latency() + Int64(weather.delay(at: time) * 1e9)
        for _ in 0..<3 where random.isLost(weather.loss(at: time)) { delay += 1_000_000_000 }
        queue.add(.knock(node, life: life, attempt: attempt), at: time + delay)
        queue.add(
            .failAttempt(node, life: life, attempt: attempt, reason: "timed out"),
            at: seconds(20))
    }

    /// The attempt reaches the hub's machine.
    mutating func knock(_ node: Int, life: Int, attempt: Int) {
        guard places[node].life == life, places[node].isDialling(attempt), !places[node].isCut
        else { return }
        if reachesRival() { return acceptAtRival(node, life: life, attempt: attempt) }
        guard centre.isUp else {
            return queue.add(
                .failAttempt(node, life: life, attempt: attempt, reason: "connection refused"),
                at: time + latency())
        }
        guard scenario.isSettled else { return accept(node, life: life, attempt: attempt) }
        acceptsAt = max(acceptsAt, time) + World.handshake
        queue.add(.accept(node, life: life, attempt: attempt), at: acceptsAt)
    }

    /// What a handshake costs a hub: 200 in a second, whether they come to anything or not.
    private static let handshake: Int64 = 5_000_000

    mutating func accept(_ node: Int, life: Int, attempt: Int) {
        if places[node].redialling != attempt { returns?.handshakes += 1 }
        guard centre.isUp, places[node].life == life, places[node].isDialling(attempt),
            !places[node].isCut
        else {
            returns?.wasted += 1
            return
        }
        guard isKnown(node, life: life, attempt: attempt) else { return }
        let index = addSession(of: node, life: life, attempt: attempt, hubLife: centre.life)
        centre.open.append(index)
        tellHub(
            life: centre.life,
            .opened(sessions[index].id, places[node].id, device: places[node].device))
    }

    mutating func addSession(of node: Int, life: Int, attempt: Int, hubLife: Int) -> Int {
        sessions.append(
            Session(
                node: node, nodeLife: life, attempt: attempt, hubLife: hubLife,
                endsAt: places[node].papers.certificateEnd, number: UInt64(sessions.count + 1)))
        places[node].latest = sessions.count - 1
        counts.sessions += 1
        return sessions.count - 1
    }

    mutating func failAttempt(_ node: Int, life: Int, attempt: Int, _ reason: String) {
        guard places[node].life == life, places[node].isDialling(attempt) else { return }
        if let latest = places[node].latest, sessions[latest].attempt == attempt,
            sessions[latest].nodeLife == life
        {
            sessions[latest].nodeEnd = .closed
            queueEndAtHub(latest)
        }
        giveUp(attempt, at: node, reason)
    }

    /// An attempt came to nothing.
    private mutating func giveUp(
        _ attempt: Int, at node: Int, isSilent: Bool = false, _ reason: String
    ) {
        let isLink = places[node].connecting == attempt
        if isLink { places[node].connecting = nil } else { places[node].redialling = nil }
        tell(
            node, life: places[node].life,
            isLink
                ? .linkDown(reason: reason, isSilent: isSilent) : .redialFailed(reason: reason))
    }

    /// A session is opened beside the link, to follow it.
    mutating func redial(_ node: Int) {
        guard places[node].session != nil, !places[node].isMisled else {
            return endSuccession(of: node, "there is no link to follow")
        }
        places[node].attempt += 1
        places[node].redialling = places[node].attempt
        dial(node)
    }

    /// The session beside the link is the link from here on, unless it took over already.
    mutating func succeed(_ node: Int) {
        guard let successor = places[node].successor else { return }
        if let old = places[node].session { close(old, orderly: true) }
        places[node].session = successor
        places[node].successor = nil
    }

    /// Lets go of the session that was opened last.
    mutating func hangUp(_ node: Int) {
        let isBeside = places[node].successor != nil || places[node].redialling != nil
        guard isBeside else { return disconnect(node) }
        if let successor = places[node].successor { close(successor, orderly: true) }
        if let latest = places[node].latest { closeWaiting(latest, orderly: true) }
        places[node].successor = nil
        places[node].redialling = nil
        endSuccession(of: node, "closed here")
    }

    private mutating func endSuccession(of node: Int, _ reason: String) {
        queue.add(
            .tellAgent(node, life: places[node].life, .redialFailed(reason: reason)),
            at: time + 1_000_000)
    }

    mutating func send(_ message: NodeMessage, from node: Int) {
        if places[node].isMisled { return answerAsImpostor(message, node) }
        var way = places[node].session
        if case .hello = message { way = places[node].successor ?? way }
        guard let session = way, sessions[session].nodeEnd == .open else { return }
        checkWord(message, from: node)
        queueToHub(session, .toHub(message))
    }

    mutating func disconnect(_ node: Int) {
        places[node].isMisled = false
        closeNodeEnd(node, orderly: true)
        queue.add(
            .tellAgent(node, life: places[node].life, .linkDown(reason: "closed here")),
            at: time + 1_000_000)
    }

    /// The node lets go of all its sessions, and says so unless it was not asked.
    mutating func closeNodeEnd(_ node: Int, orderly: Bool) {
        places[node].connecting = nil
        places[node].redialling = nil
        if let latest = places[node].latest { closeWaiting(latest, orderly: orderly) }
        for session in [places[node].session, places[node].successor] {
            if let session { close(session, orderly: orderly) }
        }
        places[node].session = nil
        places[node].successor = nil
    }

    private mutating func closeWaiting(_ session: Int, orderly: Bool) {
        if sessions[session].nodeEnd == .waiting { close(session, orderly: orderly) }
    }

    private mutating func close(_ session: Int, orderly: Bool) {
        sessions[session].nodeEnd = .closed
        if orderly { queueEndAtHub(session) } else { queueNoticeAtHub(session) }
    }

    // MARK: - The hub's end

    mutating func admit(_ session: Int) {
        guard sessions[session].hubEnd == .waiting else { return }
        sessions[session].hubEnd = .open
        // One that follows a link because its certificate ends is nobody's return.
        if places[sessions[session].node].redialling != sessions[session].attempt { noteAccepted() }
        queueToNode(session, .admitted)
    }

    private mutating func noteAccepted() {
        guard let begin = returns?.begin else { return }
        let second = Int((time - begin.nanoseconds) / 1_000_000_000)
        let known = returns?.accepted.count ?? 0
        if second >= known {
            returns?.accepted += repeatElement(0, count: second + 1 - known)
        }
        returns?.accepted[second] += 1
    }

    mutating func refuse(_ session: Int, retryAfter: Duration, _ reason: String) {
        guard sessions[session].hubEnd == .waiting else { return }
        letGo(of: session)
        returns?.wasted += 1
        queueToNode(session, .refused(retryAfter: retryAfter, reason: reason))
    }

    mutating func send(_ message: HubMessage, on session: Int) {
        guard sessions[session].hubEnd == .open else { return }
        checkWord(message, on: session)
        queueToNode(session, .toNode(message))
    }

    mutating func closeHubEnd(_ session: Int, tellsNode: Bool) {
        guard sessions[session].hubEnd != .closed else { return }
        letGo(of: session)
        if tellsNode { queueToNode(session, .endAtNode) }
        guard random.chance(0.5) else { return }
        let closed = Hub.Input.closed(sessions[session].id)
        if isRivals(session) { return tellRival(closed) }
        queue.add(.tellHub(life: centre.life, closed), at: time)
    }

    /// The hub's process is gone.
    mutating func endHubEnd(_ session: Int, orderly: Bool) {
        sessions[session].hubEnd = .closed
        if orderly {
            queueToNode(session, .endAtNode)
        } else {
            queue.add(.link(session, .noticeAtNode), at: time + patience())
        }
    }

    // MARK: - Under way

    private mutating func queueToHub(_ session: Int, _ step: LinkStep) {
        guard !sessions[session].isSeveredToHub else { return }
        let arrival =
            max(sessions[session].lastToHub, time + latency(on: session))
            + passage(of: step, on: session)
        sessions[session].lastToHub = arrival
        meshes?.linkBytes += step.size
        queue.add(.link(session, step), at: arrival)
        if case .toHub = step, isDoubled(on: session) {
            queue.add(.link(session, step), at: later(arrival))
        }
    }

    private mutating func queueToNode(_ session: Int, _ step: LinkStep) {
        guard !sessions[session].isSeveredToNode else { return }
        let arrival =
            max(sessions[session].lastToNode, time + latency(on: session))
            + passage(of: step, on: session)
        sessions[session].lastToNode = arrival
        meshes?.linkBytes += step.size
        queue.add(.link(session, step), at: arrival)
        if case .toNode = step, isDoubled(on: session) {
            queue.add(.link(session, step), at: later(arrival))
        }
    }

    /// What a stream adds to the latency: the path carries so much in a second, and what is lost is
    /// sent again after a while, twice as long each time, and holds up what follows.
    private mutating func passage(of step: LinkStep, on session: Int) -> Int64 {
        var seconds = rates.bandwidth > 0 ? Double(step.size) / rates.bandwidth : 0
        let loss = max(rates.loss, weather(on: session).loss(at: time))
        guard loss > 0 else { return Int64(seconds * 1e9) }
        var pause = 0.2
        while pause < 10, random.chance(loss) {
            seconds += pause
            pause *= 2
        }
        return Int64(seconds * 1e9)
    }

    private mutating func isDoubled(on session: Int) -> Bool {
        let share = max(rates.duplication, weather(on: session).duplication(at: time))
        return share > 0 && random.chance(share)
    }

    private mutating func latency(on session: Int) -> Int64 {
        latency() + Int64(weather(on: session).delay(at: time) * 1e9)
    }

    private func weather(on session: Int) -> Weather { places[sessions[session].node].weather }

    /// No stream delivers twice, but the machines promise not to mind; a copy may even come after
    /// what was said later.
    private mutating func later(_ arrival: Int64) -> Int64 { arrival + draw(0, 5) }

    private mutating func queueEndAtHub(_ session: Int) {
        if sessions[session].isSeveredToHub {
            queueNoticeAtHub(session)
        } else {
            queueToHub(session, .endAtHub)
        }
    }

    private mutating func queueNoticeAtHub(_ session: Int) {
        queue.add(.link(session, .noticeAtHub), at: time + patience())
    }

    /// How long an end takes to see that nothing comes: keep-alives, or the system's own patience.
    private mutating func patience() -> Int64 {
        // In production a link without a byte is dead after ten seconds.
        if scenario.cast != nil { return draw(10, 11) }
        return isHealed || random.chance(0.8) ? draw(5, 45) : draw(45, 900)
    }

    /// What one direction no longer carries is lost, and both ends see it late.
    mutating func sever(_ session: Int, toHub: Bool, toNode: Bool) {
        sessions[session].isSeveredToHub = sessions[session].isSeveredToHub || toHub
        sessions[session].isSeveredToNode = sessions[session].isSeveredToNode || toNode
        queue.add(.link(session, .noticeAtNode), at: time + patience())
        queueNoticeAtHub(session)
    }

    /// What is under way on a session comes later, in order.
    mutating func stall(_ session: Int, until time: Int64) {
        sessions[session].lastToHub = max(sessions[session].lastToHub, time)
        sessions[session].lastToNode = max(sessions[session].lastToNode, time)
    }

    // MARK: - Arrivals

    mutating func take(_ step: LinkStep, on index: Int) {
        switch step {
        case .toHub(let message):
            guard isAlive(hubOf: index), sessions[index].hubEnd == .open,
                !sessions[index].isSeveredToHub
            else { return }
            receive(message, on: index)
        case .endAtHub:
            if !sessions[index].isSeveredToHub { endAtHub(index) }
        case .noticeAtHub: endAtHub(index)
        case .toNode(let message):
            guard isAlive(nodeOf: index), sessions[index].nodeEnd == .open,
                !sessions[index].isSeveredToNode
            else { return }
            tellNode(of: index, .received(message))
        case .admitted: if !sessions[index].isSeveredToNode { open(index) }
        case .refused(let retryAfter, let reason):
            guard !sessions[index].isSeveredToNode, isAwaited(index) else { return }
            let node = node(of: index)
            guard places[node].connecting == sessions[index].attempt else {
                sessions[index].nodeEnd = .closed
                return giveUp(sessions[index].attempt, at: node, reason)
            }
            if random.chance(0.5) { open(index) } else { places[node].connecting = nil }
            tellNode(
                of: index, .received(.retry(after: Interval(retryAfter), reason: reason)))
        case .endAtNode: if !sessions[index].isSeveredToNode { endAtNode(index) }
        case .noticeAtNode: endAtNode(index, isSilent: true)
        case .expired:
            endAtNode(index)
            endAtHub(index)
        }
    }

    private func node(of index: Int) -> Int { sessions[index].node }

    private func isAlive(nodeOf index: Int) -> Bool {
        places[node(of: index)].life == sessions[index].nodeLife
    }

    private func isAlive(hubOf index: Int) -> Bool {
        centre.life == sessions[index].hubLife || isRivals(index)
    }

    /// Whether the other end is the hub that was given up.
    func isRivals(_ index: Int) -> Bool { rival?.life == sessions[index].hubLife }

    private mutating func tellHub(of index: Int, _ input: Hub.Input) {
        if isRivals(index) { tellRival(input) } else { tellHub(life: centre.life, input) }
    }

    private mutating func letGo(of index: Int) {
        sessions[index].hubEnd = .closed
        centre.open.removeAll { $0 == index }
        rival?.open.removeAll { $0 == index }
    }

    /// The node still waits for the outcome of this very attempt.
    private func isAwaited(_ index: Int) -> Bool {
        isAlive(nodeOf: index) && places[node(of: index)].isDialling(sessions[index].attempt)
    }

    private mutating func open(_ index: Int) {
        guard isAwaited(index) else { return }
        let node = node(of: index)
        if places[node].connecting != nil {
            places[node].connecting = nil
            places[node].session = index
            places[node].connectedAt = time
        } else {
            places[node].redialling = nil
            places[node].successor = index
        }
        sessions[index].nodeEnd = .open
        queue.add(.link(index, .expired), at: max(time, sessions[index].endsAt))
        tellNode(of: index, .linkUp)
    }

    private mutating func tellNode(of index: Int, _ input: Agent.Input) {
        tell(node(of: index), life: sessions[index].nodeLife, input)
    }

    private mutating func receive(_ message: NodeMessage, on index: Int) {
        sessions[index].heardAt = time
        switch message {
        case .hello:
            sessions[index].hasGreeted = true
            noteGreeting(of: node(of: index))
        // What a node said before it was made anew is of another log.
        case .entries(let entries)
        where sessions[index].nodeLife >= places[node(of: index)].firstLife:
            count(entries, from: node(of: index))
        case .entries: break
        case .applied, .heartbeat, .engine, .holdings, .certify, .mesh, .audit: break
        }
        tellHub(of: index, .received(sessions[index].id, message))
    }

    private mutating func endAtHub(_ index: Int) {
        guard isAlive(hubOf: index), sessions[index].hubEnd != .closed else { return }
        letGo(of: index)
        tellHub(of: index, .closed(sessions[index].id))
    }

    private mutating func endAtNode(_ index: Int, isSilent: Bool = false) {
        let node = node(of: index)
        guard isAlive(nodeOf: index) else { return }
        let reason = "connection lost"
        if isAwaited(index) {
            sessions[index].nodeEnd = .closed
            return giveUp(sessions[index].attempt, at: node, isSilent: isSilent, reason)
        }
        guard sessions[index].nodeEnd == .open else { return }
        sessions[index].nodeEnd = .closed
        if places[node].successor == index {
            places[node].successor = nil
            tell(node, life: places[node].life, .redialFailed(reason: reason))
        } else if places[node].session == index {
            // What was to follow it takes over without a word, also where it is still on its way.
            places[node].session = places[node].successor
            places[node].successor = nil
            guard places[node].session == nil else { return }
            places[node].connecting = places[node].redialling
            places[node].redialling = nil
            guard places[node].connecting == nil else { return }
            tell(node, life: places[node].life, .linkDown(reason: reason, isSilent: isSilent))
        }
    }

    // MARK: - Paths

    mutating func cut(_ node: Int, toHub: Bool, toNode: Bool, until end: Int64) {
        counts.cuts += 1
        places[node].cut += 1
        places[node].isCut = true
        for session in places[node].sessions { sever(session, toHub: toHub, toNode: toNode) }
        queue.add(.mendPath(node, cut: places[node].cut), at: end)
    }

    mutating func mend(_ node: Int) { places[node].isCut = false }
}

extension LinkStep {
    /// Roughly what it takes on the wire, in bytes.
    fileprivate var size: Int {
        switch self {
        case .toHub(.entries(let entries)): 512 * entries.count
        case .toNode(.documents(let documents, _)): 1_024 * documents.count
        case .toHub(.holdings(let documents, _)): 1_024 * documents.count
        case .toHub(.mesh(let view)): 256 + 160 * (view.peers.count + (view.claims?.count ?? 0))
        case .toNode(.roster), .toNode(.plan): 4_096
        default: 128
        }
    }
}

extension Random {
    /// Draws nothing where nothing can be lost.
    fileprivate mutating func isLost(_ share: Double) -> Bool { share > 0 && chance(share) }
}
