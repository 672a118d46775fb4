import Claiming
import Machines
import Membership
import Model

/// Nodes of a site that form a mesh: the shipped machine at each, and datagrams that get lost.
///
/// Signatures are the host's and taken for sound; they have their length on the wire.
extension World {
    // MARK: - A node comes and goes

    mutating func enterMesh(_ node: Int) {
        guard meshes != nil, let chance = meshes?.random.split() else { return }
        let place = places[node]
        place.neighbour.incarnation += 1
        let roster = place.neighbour.roster
        place.configuration.mesh = MeshContact(
            key: World.meshKey(node), address: World.meshAddress(node),
            roster: roster?.version ?? .none,
            plan: place.configuration.plan?.version ?? RosterVersion.none)
        place.neighbour.mesh = Mesh(
            Member(id: place.id, address: World.meshAddress(node)),
            incarnation: place.neighbour.incarnation, roster: World.members(of: roster),
            own: place.neighbour.log, limits: .production, random: chance,
            at: place.clock.moment(at: time).monotonic)
        place.neighbour.isBehind = !place.neighbour.log.isEmpty
        awaken(meshOf: node, at: time)
    }

    func leaveMesh(_ node: Int) {
        places[node].neighbour.mesh = nil
        places[node].neighbour.turn += 1
        places[node].neighbour.facts = [:]
    }

    private mutating func awaken(meshOf node: Int, at due: Int64) {
        places[node].neighbour.turn += 1
        queue.add(.meshTimer(node, turn: places[node].neighbour.turn), at: max(time, due))
    }

    private static func meshAddress(_ node: Int) -> String { String(100_000 + node) }

    /// As long as a real one.
    private static func meshKey(_ node: Int) -> String {
        let digits = meshAddress(node)
        return String(repeating: "0", count: 64 - digits.utf8.count) + digits
    }

    private static func members(of roster: Roster?) -> [Member] {
        (roster?.members ?? []).map { Member(id: $0.node, address: $0.address) }
    }

    // MARK: - What the hub deals

    mutating func deal(_ roster: Roster, on session: Int) {
        guard let number = meshes?.rosters.count else { return }
        meshes?.rosters.append(roster)
        send(
            .roster(SignedRoster(lines: [String(number)], signature: "", chain: "")), on: session)
    }

    mutating func deal(_ plan: SitePlan, on session: Int) {
        guard let number = meshes?.plans.count else { return }
        meshes?.plans.append(plan)
        send(.plan(SignedPlan(lines: [String(number)], signature: "", chain: "")), on: session)
    }

    mutating func keep(_ signed: SignedRoster, at node: Int) {
        guard let number = signed.lines.first.flatMap({ Int($0) }) else { return }
        write(.roster(number), at: node)
    }

    mutating func keep(_ signed: SignedPlan, at node: Int) {
        guard let number = signed.lines.first.flatMap({ Int($0) }) else { return }
        write(.plan(number), at: node)
    }

    private mutating func write(_ paper: MeshPaper, at node: Int) {
        queue.add(
            .meshPaper(node, life: places[node].life, paper),
            at: time + Int64(rates.commit * 1e9))
    }

    mutating func keep(_ paper: MeshPaper, at node: Int, life: Int) {
        guard let meshes, places[node].life == life else { return }
        switch paper {
        case .roster(let number):
            let roster = meshes.rosters[number]
            if let held = places[node].neighbour.roster, held.version >= roster.version { return }
            places[node].neighbour.roster = roster
            give(.roster(World.members(of: roster)), toMeshOf: node)
            tell(node, life: life, .keptRoster(roster.version))
        case .plan(let number):
            let plan = meshes.plans[number]
            if let held = places[node].configuration.plan, held.version >= plan.version { return }
            places[node].configuration.plan = plan
            tell(node, life: life, .keptPlan(plan))
        }
    }

    // MARK: - The machine

    mutating func give(_ input: Mesh.Input, toMeshOf node: Int) {
        let place = places[node]
        let now = place.clock.moment(at: time)
        var effects: [Mesh.Effect] = []
        // In place: taken out and put back, the machine would be moved at each datagram.
        place.neighbour.mesh?.handle(input, at: now, into: &effects)
        for effect in effects { perform(effect, ofMeshOf: node) }
        if places[node].neighbour.isBehind { catchUp(node) }
    }

    private mutating func perform(_ effect: Mesh.Effect, ofMeshOf node: Int) {
        switch effect {
        case .send(let address, _, let bytes):
            guard let number = Int(address) else { return }
            meshes?.gossipBytes += bytes.count + Meshes.overhead
            guard let delay = meshes?.passage() else { return }
            queue.add(
                .meshDatagram(from: node, to: number - 100_000, bytes), at: time + delay)
        case .wake(let instant): awaken(meshOf: node, at: places[node].clock.time(of: instant))
        case .changed, .isolated:
            guard let view = meshView(at: node) else { return }
            tell(node, life: places[node].life, .mesh(view))
        case .check(let records, let sender):
            give(.checked(records, from: sender, refused: 0), toMeshOf: node)
        case .raise(let incarnation):
            places[node].neighbour.incarnation = incarnation
            give(.raised(incarnation: incarnation), toMeshOf: node)
        case .taken, .cloned: break
        }
    }

    mutating func hearGossip(_ bytes: [UInt8], from sender: Int, at node: Int) {
        give(
            .datagram(
                from: places[sender].id, address: World.meshAddress(sender), bytes: bytes),
            toMeshOf: node)
    }

    private func meshView(at node: Int) -> MeshView? {
        let place = places[node]
        guard let mesh = place.neighbour.mesh else { return nil }
        return mesh.report(
            of: place.id, in: place.site, at: World.meshAddress(node),
            roster: place.neighbour.roster?.version ?? .none, now: place.clock.moment(at: time))
    }

    // MARK: - What it says of itself

    /// What serves at a node is said as a record of its own.
    mutating func register(_ registrations: [Registration], at node: Int) {
        guard let incarnation = places[node].neighbour.mesh?.incarnation else { return }
        var facts: [String: [UInt8]] = [:]
        for registration in registrations {
            let key = "services/\(World.meshAddress(node))/\(registration.instance)"
            facts[key] = Array("\(incarnation) \(registration.text)".utf8)
        }
        places[node].neighbour.facts = facts
        places[node].neighbour.isBehind = true
        catchUp(node)
    }

    /// What cannot be said yet is tried again when the mesh is next heard of or woken.
    private mutating func catchUp(_ node: Int) {
        let place = places[node]
        guard let registers = place.neighbour.mesh?.logs.registers else { return }
        let facts = place.neighbour.facts
        let held = registers.filter { $1.record.origin == place.id && !$1.record.isTombstone }
            .map(\.1.record)
        place.neighbour.isBehind = false
        for (key, value) in facts.sorted(by: { $0.key < $1.key })
        where !held.contains(where: { $0.key == key && $0.value == value }) {
            guard publish(key, value, at: node) else { return }
        }
        for record in held where facts[record.key] == nil {
            guard publish(record.key, [], isTombstone: true, at: node) else { return }
        }
    }

    private mutating func publish(
        _ key: String, _ value: [UInt8], isTombstone: Bool = false, at node: Int
    ) -> Bool {
        let now = places[node].clock.moment(at: time)
        do throws(Mesh.DraftError) {
            let draft = try places[node].neighbour.mesh?.draft(
                key: key, value: value, isTombstone: isTombstone, at: now)
            publish(draft, at: node)
            while let upkeep = try places[node].neighbour.mesh?.draftUpkeep(at: now) {
                publish(upkeep, at: node)
            }
            return true
        } catch {
            places[node].neighbour.isBehind = true
            return false
        }
    }

    private mutating func publish(_ draft: Record?, at node: Int) {
        guard var record = draft else { return }
        record.signature = Array(repeating: 0, count: 64)
        // On disk before it leaves; of many, the ones that still count.
        places[node].neighbour.log.append(record)
        let surplus = places[node].neighbour.log.count - 2 * World.meshLogMax
        if surplus > 0 { places[node].neighbour.log.removeFirst(surplus) }
        give(.publish(record), toMeshOf: node)
    }

    private static let meshLogMax = Membership.Limits.production.recordsPerOriginMax

    // MARK: - Claims

    mutating func say(_ post: Claiming.Post, from node: Int) {
        guard meshes != nil, let to = places.firstIndex(where: { $0.id == post.member }) else {
            return
        }
        for bytes in Message.datagrams(of: post.messages) {
            meshes?.claimBytes += bytes.count + Meshes.overhead
            guard let delay = meshes?.passage() else { continue }
            queue.add(.claimDatagram(from: node, to: to, bytes), at: time + delay)
        }
    }

    mutating func hearClaims(_ bytes: [UInt8], from sender: Int, at node: Int) {
        do {
            let messages = try Message.read(bytes)
            tell(node, life: places[node].life, .claims(messages, from: places[sender].id))
        } catch {
            violate(.bounds, "\(places[sender].id) sends claims that nobody can read: \(error)")
        }
    }
}
