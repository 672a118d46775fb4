import Membership
package import Model
import Trust

/// The list of what is revoked, between nodes of a mesh: a node whose hub is away has it from those whose
/// hub is not. Who has which is a fact of its owner; the list itself travels as other content does.
///
/// Whoever says to have a newer one is asked, another one each time, so that a member that says so and has
/// none keeps nobody from the real one.
extension NodeMesh {
    /// Which list: the later version, and of one version the one that was signed later, is the newer.
    struct ListMark: Comparable {
        let version: UInt64
        let issuedAt: WallTime

        static func < (left: ListMark, right: ListMark) -> Bool {
            left.version == right.version
                ? left.issuedAt < right.issuedAt : left.version < right.version
        }
    }

    /// A list that a member says it has.
    struct ListOffer: Equatable {
        let mark: ListMark
        let sizeBytes: Int
        let digest: String

        /// Nil for what says no such thing.
        init?(_ value: [UInt8]) {
            let words = String(decoding: value, as: UTF8.self)
                .split(separator: " ", omittingEmptySubsequences: false).map(String.init)
            guard words.count == 4, let version = UInt64(words[0]), let time = Int64(words[1]),
                let size = Int(words[2]), (1...NodeMesh.listBytesMax).contains(size),
                words[3].utf8.count == 64
            else { return nil }
            mark = ListMark(version: version, issuedAt: WallTime(milliseconds: time))
            sizeBytes = size
            digest = words[3]
        }
    }

    /// The list that is being got.
    struct ListFetch {
        let offer: ListOffer
        let peer: NodeID
        let transfer: UInt32
        var receiver: BulkReceiver?
        /// Since when it is whole: late pieces are still acknowledged for a while.
        var doneAt: Instant?
    }

    /// What this node has, and what it does to have a newer one.
    struct Lists {
        var mark: ListMark?
        var digest = ""
        var content: [UInt8] = []
        var fetch: ListFetch?
        var askAt: Instant?
        var pause = Lists.pauseFirst
        /// Lists that came and were handed on; they will be no better the next time.
        var seen: Set<String> = []

        static let pauseFirst = Duration.seconds(1)
        static let pauseMax = Duration.seconds(30)
        static let seenMax = 64
    }

    /// As long as any list that a hub may have.
    static let listBytesMax = 4 << 20

    /// Tells which list this node has, and hands it out.
    package func announce(_ list: RevocationList, coded content: [UInt8]) {
        let mark = ListMark(version: list.version, issuedAt: list.issuedAt)
        guard content.count <= NodeMesh.listBytesMax, lists.mark.map({ $0 < mark }) ?? true else {
            return
        }
        lists.mark = mark
        lists.content = content
        lists.digest = contentDigest(of: content)
        let value =
            "\(mark.version) \(mark.issuedAt.milliseconds) \(content.count) \(lists.digest)"
        state([key(.revocations, "list"): Array(value.utf8)], from: .revocations)
    }

    /// Asks for a newer list where a member has one.
    func moveList(at time: Instant) {
        if let fetch = lists.fetch, let done = fetch.doneAt, time - done > .seconds(5) {
            lists.fetch = nil
        }
        guard lists.fetch?.doneAt == nil else {
            return timers.set(.content, at: time + .seconds(6))
        }
        if let due = lists.askAt, time < due { return timers.set(.content, at: due) }
        guard let (peer, offer) = newerLists.randomElement(using: &random) else {
            lists.askAt = nil
            lists.pause = Lists.pauseFirst
            return
        }
        let fetch = ListFetch(
            offer: offer, peer: peer, transfer: UInt32.random(in: 1...UInt32.max, using: &random))
        lists.fetch = fetch
        lists.askAt = time + lists.pause
        lists.pause = min(lists.pause * 2, Lists.pauseMax)
        request(fetch.transfer, offer.digest, from: peer)
        timers.set(.content, at: time + lists.pause)
    }

    private var newerLists: [(NodeID, ListOffer)] {
        mesh.logs.registers.rows.map(\.record).compactMap { record in
            guard record.origin != place.node, !record.isTombstone,
                FactKey(record)?.source == .revocations, let offer = ListOffer(record.value),
                lists.mark.map({ $0 < offer.mark }) ?? true, !lists.seen.contains(offer.digest),
                mesh.liveness(of: record.origin) == .alive
            else { return nil }
            return (record.origin, offer)
        }
    }

    /// Whether it was a piece of the list that was asked for.
    func takeListPiece(_ bytes: [UInt8], of transfer: UInt32, _ size: Int, from peer: NodeID)
        -> Bool
    {
        guard var fetch = lists.fetch, fetch.transfer == transfer, fetch.peer == peer,
            fetch.offer.sizeBytes == size
        else { return false }
        let time = now().monotonic
        guard let receiver = receive(bytes, after: fetch.receiver, from: peer, at: time) else {
            return true
        }
        fetch.receiver = receiver
        lists.askAt = time + .seconds(3)
        lists.fetch = fetch
        if receiver.isWhole, fetch.doneAt == nil { finishList(receiver, at: time) }
        return true
    }

    private func finishList(_ receiver: BulkReceiver, at time: Instant) {
        guard let fetch = lists.fetch, let content = receiver.content else { return }
        if lists.seen.count >= Lists.seenMax { lists.seen = [] }
        lists.seen.insert(fetch.offer.digest)
        lists.pause = Lists.pauseFirst
        guard contentDigest(of: content) == fetch.offer.digest else {
            lists.fetch = nil
            return refuse("wrongContent")
        }
        lists.fetch?.doneAt = time
        outlook.yield(.carriedList(content, from: fetch.peer))
    }
}
