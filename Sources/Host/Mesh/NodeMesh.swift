package import Claiming
package import Membership
package import Model
import Transport
package import Trust

/// A node's part in the mesh of its site: the machine `Mesh` over the data plane, of sessions or mutual TLS.
///
/// It gives the machine datagrams, the time and signatures checked, and decides nothing. Needs no hub
/// once it has a roster and keys, which it takes from disk.
package actor NodeMesh {
    /// What the node is in the mesh, and how it got there.
    package struct Place: Sendable {
        package var node: NodeID
        package var site: SiteID
        /// Where others reach it.
        package var address: String
        package var incarnation: UInt32

        package init(node: NodeID, site: SiteID, address: String, incarnation: UInt32) {
            self.node = node
            self.site = site
            self.address = address
            self.incarnation = incarnation
        }
    }

    package enum Notice: Sendable {
        /// Somebody's standing changed, or this node's own.
        case changed(MeshView)
        /// The keys with its peers are to be kept anew.
        case keys([PairKey])
        /// This incarnation is to be durable before the node speaks on; answered with `raised`.
        case raise(UInt32)
        /// Two machines speak as this node.
        case cloned(NodeID)
        /// A member has this policy.
        case offered(PolicyOffer)
        /// What was to be fetched is here, with the digest that was asked for.
        case fetched(PolicyBundle, digest: String, from: NodeID)
        /// A list of what is revoked, coded, as a member has it.
        case carriedList([UInt8], from: NodeID)
        /// A member says something of claims.
        case claims([Claiming.Message], from: NodeID)
        /// A newer plan of the site is here, unchecked but for its digest.
        case fetchedPlan(SignedPlan, from: NodeID)
        /// The audit log of a neighbour is not what it said before.
        case doubted(NodeID, String)
        /// Something that people should read.
        case remark(String)
    }

    enum Wake: Hashable { case tick, content }

    package nonisolated let notices: AsyncStream<Notice>
    let outlook: AsyncStream<Notice>.Continuation
    private let outgoing: AsyncStream<(NodeID, [UInt8])>
    let outlet: AsyncStream<(NodeID, [UInt8])>.Continuation
    private let ticks: AsyncStream<Wake>
    let timers: Timers<Wake>
    private let plane: any PeerPlane
    let now: @Sendable () -> Moment
    let seal: NodeSeal
    /// Makes a record of this node durable.
    let keep: @Sendable (Record) throws -> Void
    let place: Place
    private let security: MeshSecurity
    /// Members that secure their messages otherwise, and of whom that was told.
    private var others: [NodeID] = []
    var mesh: Mesh
    var random: Random
    var roster: Roster
    var keys: [NodeID: String] = [:]
    /// Datagrams that the way out had no room for.
    var unsent: UInt64 = 0
    /// What is no gossip and was not taken, by reason; and what of such was sent.
    var refused: [String: UInt64] = [:]
    var payloadBytes: UInt64 = 0
    /// What was said about claims, with what the link adds.
    var claimBytes: UInt64 = 0
    /// Datagrams about claims in the second in which each member last spoke of them.
    var claimsHeard: [NodeID: (second: Int64, count: Int)] = [:]
    /// The plan that this node has.
    var planVersion = RosterVersion.none
    var planContent: (digest: String, bytes: [UInt8])?
    /// Digests of what was to be a plan and was none.
    var declinedPlans: Set<String> = []

    // What this node says of itself, and whether all of it is said.
    var facts: [Source: [String: [UInt8]]] = [:]
    var isBehind = false
    /// From whom each record came first, and when.
    var arrivals: [Arrival: (via: NodeID, at: WallTime)] = [:]

    // Where the audit log of this node stands, to be said; and what is held of those of others.
    var unattested: [UInt8]?
    var attestedAt: Instant?
    var held: [NodeID: HeldLog] = [:]

    // Content, by digest; what is being sent, by transfer; what is wanted, by the name of the policy.
    var contents: [String: [UInt8]] = [:]
    var sendings: [UInt32: Sending] = [:]
    var fetches: [String: Fetch] = [:]
    var lists = Lists()

    static let arrivalsMax = 8192

    /// Messages that wait for the data plane; beyond it the oldest is lost, as on the network.
    private static let outletMax = 512

    /// `now`: its wall time is the one that the node trusts.
    package init(
        _ place: Place, roster: Roster?, seal: NodeSeal, ring: KeyRing, port: MeshPort,
        log: [Record] = [], keep: @escaping @Sendable (Record) throws -> Void = { _ in },
        random: Random, admits: @escaping @Sendable (NodeID) -> Bool = { _ in true },
        now: @escaping @Sendable () -> Moment = { SystemClock.now() }
    ) {
        self.place = place
        self.seal = seal
        self.now = now
        self.keep = keep
        var random = random
        let chance = random.split()
        self.random = random
        let roster = roster ?? Roster(site: place.site, version: .none)
        self.roster = roster
        (notices, outlook) = AsyncStream.makeStream(
            of: Notice.self, bufferingPolicy: .bufferingNewest(256))
        (outgoing, outlet) = AsyncStream.makeStream(
            of: (NodeID, [UInt8]).self, bufferingPolicy: .bufferingNewest(NodeMesh.outletMax))
        let (ticks, alarm) = AsyncStream.makeStream(
            of: Wake.self, bufferingPolicy: .bufferingNewest(4))
        self.ticks = ticks
        timers = Timers { alarm.yield($0) }
        var limits = DataPlane.Limits.production
        // A pulse that waited says how things were; the next one says how they are.
        limits.sessions.waitingMax = 4
        let places = NodeMesh.places(of: roster, but: place.node)
        switch port {
        case .sessions(let port):
            security = .sessions
            plane = DataPlane(
                ring: ring, port: port, places: places, limits: limits, admits: admits, now: now)
        case .mtls(let port):
            security = .mtls
            plane = StreamPlane(port: port, places: places, limits: limits, admits: admits)
        }
        var bounds = Membership.Limits.production
        // The data plane writes the length of each message before it.
        bounds.datagramBytesMax -= 2
        mesh = Mesh(
            Membership.Member(id: place.node, address: place.address),
            incarnation: place.incarnation, roster: NodeMesh.members(of: roster), own: log,
            limits: bounds, random: chance, at: now().monotonic)
        keys = NodeMesh.keys(of: roster)
        // What it said before it stopped is taken back until it is said again.
        isBehind = !log.isEmpty
        held = NodeMesh.heldLogs(in: log, of: place.node)
        facts[.witness] = NodeMesh.words(of: held, by: place.node)
        facts[.audit] = NodeMesh.said(.audit, in: log, by: place.node)
        timers.set(.tick, at: now().monotonic)
    }

    /// Takes part until the port is closed or the task is cancelled.
    package func run() async {
        noteOthers()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.plane.run() }
            group.addTask {
                for await (peer, bytes) in self.outgoing {
                    await self.plane.send([bytes], to: peer)
                }
            }
            group.addTask {
                for await message in self.plane.messages { await self.receive(message) }
            }
            group.addTask {
                for await notice in self.plane.notices { await self.note(notice) }
            }
            group.addTask {
                for await wake in self.ticks { await self.wake(for: wake) }
            }
            // The first to end is the plane, whose port is closed.
            await group.next()
            group.cancelAll()
        }
        outlook.finish()
    }

    // MARK: - From the hub

    /// Takes a roster that an authority below these roots signed for this site, once it is kept. Nil, and
    /// the one before stays, where it is no newer; throws where it is forged, changed or another site's.
    package func adopt(
        _ signed: SignedRoster, trusting roots: String,
        keeping keep: @Sendable (SignedRoster) throws -> Void
    ) async throws -> RosterVersion? {
        let next = try signed.opened(trusting: roots)
        guard next.site == place.site else {
            throw CredentialError.certificate(reason: "it is the roster of site '\(next.site)'")
        }
        guard roster.version < next.version else { return nil }
        try keep(signed)
        await adopt(next)
        return next.version
    }

    /// Puts a roster that was checked in the place of the one before, unless it is no newer.
    package func adopt(_ next: Roster) async {
        guard next.version > roster.version, next.site == place.site else { return }
        let before = NodeMesh.places(of: roster, but: place.node)
        let after = NodeMesh.places(of: next, but: place.node)
        for peer in before.keys where after[peer] == nil { await plane.forget(peer) }
        for (peer, place) in after where before[peer] != place {
            await plane.meet(peer, at: place)
        }
        roster = next
        noteOthers()
        keys = NodeMesh.keys(of: next)
        give(.roster(NodeMesh.members(of: next)))
    }

    /// Tells of members that this node cannot talk with, once for each.
    private func noteOthers() {
        let now = roster.members.filter {
            $0.node != place.node && MeshSecurity(of: $0.address) != security
        }.map(\.node)
        let news = security.remark(on: now.filter { !others.contains($0) })
        others = now
        if let news { remark(news) }
    }

    package var rosterVersion: RosterVersion { roster.version }

    /// Takes in keys that are on disk, and ends what there was with peers that have none.
    package func take(_ ring: KeyRing) async {
        let peers = Set(ring.peers)
        for peer in Set(await plane.keys.map(\.peer)) where !peers.contains(peer) {
            await plane.forget(peer)
        }
        await plane.insert(ring.keys)
    }

    package func raised(_ incarnation: UInt32) { give(.raised(incarnation: incarnation)) }

    package func feel(_ condition: Membership.Condition) { give(.condition(condition)) }

    // MARK: - What it sees

    package func view() async -> MeshView { view(losing: await plane.losses) }

    // MARK: - The machine

    private func wake(for reason: Wake) {
        switch reason {
        case .tick:
            give(.timer)
            attest()
            catchUp()
        case .content: moveContent()
        }
    }

    func remark(_ text: String) { outlook.yield(.remark(text)) }

    private func receive(_ message: DataPlane.Message) {
        if takeClaims(message.bytes, from: message.peer) { return }
        if takeContent(message.bytes, from: message.peer) { return }
        give(.datagram(from: message.peer, address: "", bytes: message.bytes))
    }

    private func note(_ notice: DataPlane.Notice) async {
        switch notice {
        case .keysChanged: outlook.yield(.keys(await plane.keys))
        case .opened, .unreachable: break
        }
    }

    func give(_ input: Mesh.Input) {
        var waiting = [input]
        while let next = waiting.popLast() {
            var effects: [Mesh.Effect] = []
            mesh.handle(next, at: now(), into: &effects)
            for effect in effects {
                if let answer = perform(effect) { waiting.insert(answer, at: 0) }
            }
        }
    }

    private func perform(_ effect: Mesh.Effect) -> Mesh.Input? {
        switch effect {
        case .send(_, let node, let bytes):
            if let node, case .dropped = outlet.yield((node, bytes)) { unsent += 1 }
        case .wake(let time): timers.set(.tick, at: time)
        case .changed, .isolated: outlook.yield(.changed(view(losing: nil)))
        case .check(let records, let sender):
            let sound = records.filter(isSigned)
            noteArrivals(sound, from: sender)
            return .checked(sound, from: sender, refused: records.count - sound.count)
        case .taken(let record): note(record)
        case .raise(let incarnation): outlook.yield(.raise(incarnation))
        case .cloned(let node): outlook.yield(.cloned(node))
        }
        return nil
    }

    /// A member states facts about itself alone: a record counts by its origin's signature, whoever
    /// brings it.
    private func isSigned(_ record: Record) -> Bool {
        guard let key = keys[record.origin] else { return false }
        return NodeSeal.verifies(record.signature, of: record.signedBytes, by: key)
    }

    private func view(losing losses: DataPlane.Losses?) -> MeshView {
        var view = mesh.report(
            of: place.node, in: place.site, at: place.address, roster: roster.version, now: now())
        view.traffic = MeshTraffic(mesh.tally, losses, unsent: unsent)
        view.traffic.payloadBytes = payloadBytes
        view.traffic.sentBytes += claimBytes
        view.traffic.dropped.merge(refused) { first, _ in first }
        return view
    }

    // MARK: - Rosters

    private static func members(of roster: Roster) -> [Membership.Member] {
        roster.members.map { Membership.Member(id: $0.node, address: $0.address) }
    }

    private static func keys(of roster: Roster) -> [NodeID: String] {
        Dictionary(roster.members.map { ($0.node, $0.key) }) { first, _ in first }
    }

    /// Places that cannot be read are those of nodes that have to speak first.
    private static func places(
        of roster: Roster, but node: NodeID
    ) -> [NodeID: DatagramPort.Place] {
        var places: [NodeID: DatagramPort.Place] = [:]
        for member in roster.members where member.node != node {
            do {
                places[member.node] = try MeshSecurity.place(in: member.address)
            } catch {
                continue
            }
        }
        return places
    }
}

extension MeshTraffic {
    fileprivate init(_ tally: Tally, _ losses: DataPlane.Losses?, unsent: UInt64) {
        self.init()
        sentFrames = UInt64(clamping: tally.sentFrames)
        sentBytes = UInt64(clamping: tally.sentBytes)
        receivedFrames = UInt64(clamping: tally.receivedFrames)
        let reasons: [(String, Int)] = [
            ("strangers", tally.strangers), ("flooded", tally.flooded),
            ("oversized", tally.oversized), ("malformed", tally.malformed),
            ("replayed", tally.replayed), ("formerRuns", tally.formerRuns),
            ("forged", tally.forged), ("unchecked", tally.unchecked),
            ("contradicted", tally.contradicted), ("withheld", tally.withheld),
            ("unsent", Int(unsent)),
            ("placeless", losses?.placeless ?? 0), ("unread", losses?.unread ?? 0),
            ("portReceived", losses?.port.received ?? 0), ("portSent", losses?.port.sent ?? 0),
        ]
        for (reason, count) in reasons where count > 0 { dropped[reason] = UInt64(clamping: count) }
        for (reason, count) in losses?.byReason ?? [:] {
            dropped["session.\(reason)"] = UInt64(clamping: count)
        }
    }
}
