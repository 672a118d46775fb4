import Machines
import Model

/// People who enrol, apply, edit and delete, and keep what they were told.
extension World {
    /// What they ask is decided by `draw` alone, so that the same person asks the same in a shorter
    /// script.
    mutating func request(_ draw: UInt64) {
        var own = Random(seed: draw)
        swap(&random, &own)
        defer { swap(&random, &own) }
        guard centre.isUp, places.allSatisfy({ $0.isEnrolled || $0.incarnation > 0 }) else {
            return
        }
        switch pick(22) {
        case 0..<9: applyWorkload(pick(script.workloads))
        case 9..<11: labelWorkload(pick(script.workloads))
        case 11..<13: if script.workloads > 3 { deleteWorkload(3 + pick(script.workloads - 3)) }
        case 13..<15: cordon(pick(script.nodes))
        case 15..<17: labelNode(pick(script.nodes))
        case 17: applySite(pick(scenario.sites))
        case 18: applyAgain(pick(script.workloads))
        case 19..<21: settleChange()
        default: replaceNode(pick(script.nodes))
        }
    }

    mutating func ask(_ key: String, _ request: Hub.Request, as face: Ledger.Face?) {
        guard !ledger.isBusy(key), !isResolving else { return }
        ledger.ask(key)
        let arrival = time + latency()
        demand(request, .object(key, face), arrival)
        if random.chance(0.2) {
            demand(request, .again(key, face, turn: ledger.turn(key)), arrival)
        }
    }

    mutating func demand(
        _ request: Hub.Request, _ demand: Demand, _ arrival: Int64? = nil
    ) {
        centre.lastRequest += 1
        let id = RequestID(number: centre.lastRequest)
        centre.pending.insert(demand, for: id)
        note("people -> hub \(id.number): \(request)")
        let arrival = arrival ?? time + latency()
        queue.add(.tellHub(life: centre.life, .request(id, request)), at: arrival)
    }

    // MARK: - Workloads

    private mutating func applyWorkload(_ index: Int) {
        let spec = workload(index)
        var labels: [String: String] = [:]
        if case .workload(_, let old) = ledger.face(key(index)) { labels = old }
        apply(index, spec, labels)
    }

    private mutating func applyAgain(_ index: Int) {
        guard case .workload(let spec, let labels) = ledger.face(key(index)) else { return }
        apply(index, spec, labels)
    }

    private mutating func apply(_ index: Int, _ spec: WorkloadSpec, _ labels: [String: String]) {
        let workload = Workload(
            metadata: Metadata(name: "w\(index)", labels: labels), spec: spec)
        ask(
            key(index), .apply([.workload(workload)], dryRun: false),
            as: .workload(spec, labels: labels))
    }

    private mutating func labelWorkload(_ index: Int) {
        guard case .workload(let spec, var labels) = ledger.face(key(index)) else { return }
        let value = String(pick(3))
        labels["wave"] = value
        ask(
            key(index), .edit(.workload, name: "w\(index)", .labels(["wave": value])),
            as: .workload(spec, labels: labels))
    }

    private mutating func deleteWorkload(_ index: Int) {
        guard ledger.face(key(index)) != nil else { return }
        ask(key(index), .delete(.workload, name: "w\(index)"), as: nil)
    }

    private func key(_ index: Int) -> String { "Workload/w\(index)" }

    /// A spec that differs from the last in what matters about half the time.
    mutating func workload(_ index: Int) -> WorkloadSpec {
        let isBase = index < 3
        let port = PortSpec(name: "http")
        let period = Interval.seconds(30 + pick(31))
        let probe = Probe(
            http: HTTPProbe(port: "http"), period: period, failureThreshold: 2 + pick(2))
        let probes = Probes(
            startup: random.chance(0.2) ? probe : nil, readiness: probe,
            liveness: random.chance(0.8) || isBase ? probe : nil)
        let image = random.chance(0.4) ? "image-\(pick(4))" : nil
        var containers = [
            ContainerSpec(
                name: "main", image: image, command: ["serve", String(pick(2))], ports: [port],
                probes: probes)
        ]
        if !isBase, random.chance(0.3) {
            containers.append(ContainerSpec(name: "side", command: ["help", String(pick(2))]))
        }
        return WorkloadSpec(
            tier: isBase ? .critical : Tier.allCases[pick(3)],
            replicas: isBase
                ? .perNode : random.chance(0.3) ? .perNode : .count(pick(2 * script.nodes)),
            selector: !isBase && random.chance(0.3) ? ["zone": String(pick(2))] : [:],
            containers: containers,
            restartPolicy: isBase || random.chance(0.7)
                ? .always : random.chance(0.5) ? .onFailure : .never,
            dependsOn: index > 0 && random.chance(0.2) && ledger.face(key(0)) != nil ? ["w0"] : [],
            stopGrace: .seconds(1 + pick(10)),
            disconnect: !isBase && random.chance(0.3) ? disconnect() : nil)
    }

    /// Without what goes by wall clocks, since I15 checks that their jumps change nothing: nodes stop
    /// nothing by themselves, and no copy is kept because it has run longest.
    private mutating func disconnect() -> Disconnect {
        let rules = Reconcile.allCases.filter { $0 != .longestRunning }
        return Disconnect(
            lostAfter: .seconds(60 + pick(600)), replace: true, reconcile: rules[pick(rules.count)])
    }

    /// Somebody applies what was planned, and comes back later where the hub is down.
    mutating func applyChange(_ index: Int) {
        guard let change = scenario.cast?.changes[index] else { return }
        if let node = change.node {
            places[node].visits += 1
            return tell(
                node, life: places[node].life,
                .request(
                    RequestID(number: places[node].visits), .apply([change.object], dryRun: false)))
        }
        let key = change.object.reference
        guard centre.isUp, !ledger.isBusy(key) else {
            return queue.add(.change(index), at: seconds(60))
        }
        switch change.object {
        case .workload(let workload):
            ask(
                key, .apply([change.object], dryRun: false),
                as: .workload(workload.spec, labels: workload.metadata.labels))
        case .site(let site): ask(key, .apply([change.object], dryRun: false), as: .site(site.spec))
        case .policy(let policy):
            guard let bundle = policy.signed, let reference = bundle.claimed else { return }
            if !signed.contains(bundle) { signed.append(bundle) }
            ask(key, .apply([change.object], dryRun: false), as: .policy(reference))
        // A simulated hub has nothing to seal with.
        case .node, .instance, .secret: break
        }
    }

    // MARK: - Nodes and sites

    private mutating func cordon(_ node: Int) {
        let key = nodeKey(node)
        guard case .node(let labels, let cordoned) = ledger.face(key) else { return }
        ask(
            key, .edit(.node, name: places[node].id.text, .cordon(!cordoned)),
            as: .node(labels: labels, cordoned: !cordoned))
    }

    private mutating func labelNode(_ node: Int) {
        let key = nodeKey(node)
        guard case .node(var labels, let cordoned) = ledger.face(key) else { return }
        let value = random.chance(0.2) ? nil : String(pick(2))
        labels["zone"] = value
        ask(
            key, .edit(.node, name: places[node].id.text, .labels(["zone": value])),
            as: .node(labels: labels, cordoned: cordoned))
    }

    private mutating func applySite(_ index: Int) {
        let budget = random.chance(0.5) ? LinkBudget(bytesPerSecond: ByteCount(8_192)) : nil
        // Across a reboot the age of a policy is told by the wall clock. With bounds that are never
        // reached, jumps of that clock must change nothing at all, which I15 checks.
        let spec = SiteSpec(
            autonomyWindow: .longest, stalenessBound: .longest,
            pattern: random.chance(0.5) ? .edgeFirst : .hybrid,
            authority: random.chance(0.5)
                ? [AuthorityOverride(domain: .update, verdict: .permit, by: .local)] : [],
            link: budget)
        let site = Site(metadata: Metadata(name: "s\(index)"), spec: spec)
        ask("Site/s\(index)", .apply([.site(site)], dryRun: false), as: .site(spec))
    }

    /// A node is given up and a new one of its name takes its place.
    private mutating func replaceNode(_ node: Int) {
        let key = nodeKey(node)
        guard places[node].isEnrolled, ledger.face(key) != nil, !ledger.isBusy(key) else { return }
        ledger.ask(key)
        demand(.delete(.node, name: places[node].id.text), .removal(node))
    }

    func nodeKey(_ node: Int) -> String { "Node/\(places[node].id)" }

    /// Goes on with what a node still lacks to belong: its site, a token, its place.
    mutating func enrol(_ node: Int) {
        guard !places[node].isEnrolled || !hasFoundation else { return }
        queue.add(.enrol(node), at: seconds(10))
        // A name that the hub knows from before has to be given up first.
        guard centre.isUp, !places[node].isGhost else { return }
        guard !places[node].isEnrolled else { return layFoundation() }
        let site = "Site/\(places[node].site)"
        guard ledger.face(site) != nil else { return applySite(node % scenario.sites) }
        guard !ledger.isBusy(nodeKey(node)) else { return }
        ledger.ask(nodeKey(node))
        guard let token = places[node].token, places[node].isTokenIssued else {
            places[node].incarnation += 1
            let token = "t\(node)-\(places[node].incarnation)"
            places[node].token = token
            return demand(
                .issue(
                    JoinToken(
                        id: token, secretDigest: "digest", site: places[node].site,
                        expiresAt: World.endOfTime)),
                .token(node))
        }
        demand(
            .enrol(
                tokenID: token, secretDigest: "digest", node: places[node].id, site: nil,
                device: places[node].device),
            .enrolment(node))
    }

    // MARK: - Answers

    mutating func settle(_ id: RequestID, _ reply: Hub.Reply) {
        guard let demand = centre.pending.remove(id) else { return }
        if case .refused(let refusal) = reply { return accept(refusal, of: demand) }
        counts.requestsAcknowledged += 1
        switch demand {
        case .object(let key, let face):
            checkAcknowledged(key, face)
            ledger.settle(key, as: face)
        case .again(let key, let face, let turn):
            if ledger.turn(key) == turn { checkAcknowledged(key, face) }
        case .nothing: break
        case .token(let node):
            places[node].isTokenIssued = true
            ledger.refuse(nodeKey(node))
            queue.add(.enrol(node), at: time)
        case .enrolment(let node):
            // The answer to the first try may have been lost, and somebody may have changed the node
            // that it made before the second one.
            let face = ledger.face(nodeKey(node)) ?? .node(labels: [:], cordoned: false)
            checkAcknowledged(nodeKey(node), face)
            ledger.settle(nodeKey(node), as: face)
            belong(node, until: end(of: reply))
        case .removal(let node):
            checkAcknowledged(nodeKey(node), nil)
            ledger.settle(nodeKey(node), as: nil)
            leave(node)
        case .readmission(let node, let life, let attempt):
            readmit(node, life: life, attempt: attempt, until: end(of: reply))
        case .resolution:
            counts.resolutions += 1
            takeWhatThereIs()
        }
    }

    private mutating func accept(_ refusal: Refusal, of demand: Demand) {
        note("refused: \(refusal.message)")
        switch demand {
        case .object(let key, _): ledger.refuse(key)
        case .again, .nothing: break
        case .token(let node), .enrolment(let node), .removal(let node), .resolution(let node):
            ledger.refuse(nodeKey(node))
        case .readmission(let node, let life, let attempt):
            failAttempt(node, life: life, attempt: attempt, "not readmitted: \(refusal.message)")
        }
    }

    /// Until when the authority stands that a node was promised.
    private func end(of reply: Hub.Reply) -> Int64 {
        guard case .enrolled(_, _, let life) = reply else { return time }
        return time + life.nanoseconds
    }

    private mutating func belong(_ node: Int, until authorityEnd: Int64) {
        places[node].papers.authorityEnd = authorityEnd
        places[node].isEnrolled = true
        places[node].isGhost = false
        queue.add(.startAgent(node, life: places[node].life), at: time + draw(0.1, 2))
    }

    /// Three workloads on every node: there is always something that must not stop.
    private mutating func layFoundation() {
        for index in 0..<3 where ledger.face(key(index)) == nil { applyWorkload(index) }
    }

    private var hasFoundation: Bool { (0..<3).allSatisfy { ledger.face(key($0)) != nil } }

    mutating func leave(_ node: Int) {
        removeClone(of: node)
        wipe(node)
        places[node].isEnrolled = false
        places[node].token = nil
        places[node].isTokenIssued = false
        queue.add(.enrol(node), at: time + draw(1, 60))
    }

    /// The hub died: nobody knows what became of what was asked.
    mutating func leaveRequestsOpen() {
        for demand in centre.pending.rows {
            counts.requestsUnsettled += 1
            switch demand {
            case .object(let key, let face): ledger.leaveOpen(key, as: face)
            case .again, .nothing: break
            case .token(let node):
                // A token that may or may not exist is not worth keeping.
                ledger.refuse(nodeKey(node))
            case .enrolment(let node):
                ledger.leaveOpen(nodeKey(node), as: .node(labels: [:], cordoned: false))
            case .removal(let node): ledger.leaveOpen(nodeKey(node), as: nil)
            case .readmission: break
            case .resolution: centre.isUncertain = true
            }
        }
        centre.pending = Table()
    }
}
