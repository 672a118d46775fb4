import Membership
package import Model
import Trust

/// Content by its digest between nodes of a mesh: paced pieces with repair, below gossip in priority.
extension NodeMesh {
    /// What is being sent to one peer.
    struct Sending {
        let peer: NodeID
        var sender: BulkSender
        /// When the peer last said something.
        var heardAt: Instant
    }

    /// What is wanted of a policy, from whoever has it.
    struct Fetch {
        let offer: PolicyOffer
        var transfer: UInt32 = 0
        var peer: NodeID?
        var receiver: BulkReceiver?
        /// When to ask again, and how long to wait the next time.
        var askAt: Instant
        var pause = Duration.seconds(1)
        /// Since when it is whole: late pieces are still acknowledged for a while.
        var doneAt: Instant?
    }

    private enum Mark {
        static let piece: UInt8 = 0x42
        static let acknowledgement: UInt8 = 0x43
        static let request: UInt8 = 0x44
    }

    private static let sendingMax = 8
    private static let patience = Duration.seconds(20)
    /// 1 Mbit/s: what a neighbour over radio has, and soon enough for what is small.
    private static let bytesPerSecond = 125_000

    /// Begins to get a policy, in the place of an older wish for it.
    package func fetch(_ offer: PolicyOffer) {
        if let fetch = fetches[offer.policy.name], fetch.offer == offer { return }
        fetches[offer.policy.name] = Fetch(offer: offer, askAt: now().monotonic)
        moveContent()
    }

    /// Takes what is no gossip; false where it is.
    func takeContent(_ bytes: [UInt8], from peer: NodeID) -> Bool {
        switch bytes.first {
        case Mark.piece: takePiece(bytes, from: peer)
        case Mark.acknowledgement: takeAcknowledgement(bytes, from: peer)
        case Mark.request: takeRequest(bytes, from: peer)
        default: return false
        }
        moveContent()
        return true
    }

    /// Sends what is due and asks again where nothing came.
    func moveContent() {
        let time = now().monotonic
        moveList(at: time)
        for (id, sending) in sendings {
            guard time - sending.heardAt < NodeMesh.patience else {
                sendings[id] = nil
                continue
            }
            push(id, at: time)
        }
        for (name, fetch) in fetches {
            if let done = fetch.doneAt {
                if time - done > .seconds(5) {
                    fetches[name] = nil
                } else {
                    wake(at: done + .seconds(6))
                }
            } else if time >= fetch.askAt {
                ask(for: name, at: time)
            } else {
                wake(at: fetch.askAt)
            }
        }
    }

    private func push(_ id: UInt32, at time: Instant) {
        guard var sending = sendings[id] else { return }
        defer { sendings[id] = sending }
        while true {
            switch sending.sender.step(at: time) {
            case .send(let bytes): post(bytes, to: sending.peer)
            case .wait(let due): return wake(at: due)
            case .done:
                // What is over is forgotten with the patience: a late request is answered anew.
                return
            }
        }
    }

    func post(_ bytes: [UInt8], to peer: NodeID) {
        payloadBytes += UInt64(bytes.count + Membership.Limits.production.overheadBytes)
        if case .dropped = outlet.yield((peer, bytes)) { unsent += 1 }
    }

    private func wake(at time: Instant) { timers.set(.content, at: time) }

    // MARK: - Asking

    /// Asks one of those that have it and are here, another one each time.
    private func ask(for name: String, at time: Instant) {
        guard var fetch = fetches[name] else { return }
        let holders = holders(of: fetch.offer).filter { mesh.liveness(of: $0) == .alive }
        fetch.askAt = time + fetch.pause
        fetch.pause = min(fetch.pause * 2, .seconds(30))
        if let peer = holders.randomElement(using: &random) {
            fetch.peer = peer
            fetch.receiver = nil
            fetch.transfer = UInt32.random(in: 1...UInt32.max, using: &random)
            request(fetch.transfer, fetch.offer.digest, from: peer)
        }
        fetches[name] = fetch
        wake(at: fetch.askAt)
    }

    func request(_ transfer: UInt32, _ digest: String, from peer: NodeID) {
        var request = [Mark.request]
        for shift in [24, 16, 8, 0] as [UInt32] {
            request.append(UInt8(truncatingIfNeeded: transfer >> shift))
        }
        request += Model.bytes(hexadecimal: digest) ?? []
        post(request, to: peer)
    }

    private func holders(of offer: PolicyOffer) -> [NodeID] {
        mesh.logs.registers.rows.map(\.record)
            .filter {
                (FactKey($0)?.offer($0) ?? planOffer($0)?.offer) == offer
                    && $0.origin != place.node
            }.map(\.origin)
    }

    private func takePiece(_ bytes: [UInt8], from peer: NodeID) {
        guard bytes.count > 9 else { return refuse("shortPiece") }
        let transfer = NodeMesh.word(bytes[1..<5])
        let size = Int(NodeMesh.word(bytes[5..<9]))
        if takeListPiece(bytes, of: transfer, size, from: peer) { return }
        guard let name = fetches.first(where: { $1.transfer == transfer && $1.peer == peer })?.key,
            var fetch = fetches[name], size == fetch.offer.sizeBytes
        else { return refuse("unaskedPiece") }
        let time = now().monotonic
        guard let receiver = receive(bytes, after: fetch.receiver, from: peer, at: time) else {
            return
        }
        fetch.receiver = receiver
        fetch.askAt = time + .seconds(3)
        fetches[name] = fetch
        if receiver.isWhole, fetch.doneAt == nil { finish(name, from: peer, at: time) }
    }

    /// What came so far, with this piece, which is acknowledged. Nil where it is no piece of it.
    func receive(
        _ piece: [UInt8], after known: BulkReceiver?, from peer: NodeID, at time: Instant
    ) -> BulkReceiver? {
        do throws(FrameError) {
            var receiver: BulkReceiver
            if let known {
                receiver = known
            } else {
                receiver = try BulkReceiver(piece)
            }
            try receiver.receive(piece)
            if let answer = receiver.acknowledgement(at: time) { post(answer, to: peer) }
            return receiver
        } catch {
            refuse("malformedPiece")
            return nil
        }
    }

    private func finish(_ name: String, from peer: NodeID, at time: Instant) {
        guard let fetch = fetches[name], let content = fetch.receiver?.content else { return }
        fetches[name]?.doneAt = time
        let isRight = contentDigest(of: content) == fetch.offer.digest
        if isRight, takePlan(content, of: fetch.offer, from: peer) { return }
        guard isRight,
            let bundle = PolicyBundle(bytes: content)
        else {
            // Somebody announced what it does not have; another holder may have it.
            refuse("wrongContent")
            fetches[name]?.doneAt = nil
            fetches[name]?.transfer = 0
            return
        }
        outlook.yield(.fetched(bundle, digest: fetch.offer.digest, from: peer))
    }

    // MARK: - Giving

    private func takeRequest(_ bytes: [UInt8], from peer: NodeID) {
        guard bytes.count == 37 else { return refuse("malformedRequest") }
        let id = NodeMesh.word(bytes[1..<5])
        let digest = hexadecimal(bytes[5...])
        guard
            let content = contents[digest]
                ?? (digest == lists.digest ? lists.content : nil)
                ?? (planContent?.digest == digest ? planContent?.bytes : nil)
        else {
            return refuse("unknownContent")
        }
        // The same again, since the first pieces were lost: it is under way.
        guard sendings[id] == nil else { return }
        for (other, sending) in sendings where sending.peer == peer || sending.sender.isDone {
            // One at a time to a peer: it asked anew.
            sendings[other] = nil
        }
        guard sendings.count < NodeMesh.sendingMax else { return refuse("crowdedRequest") }
        let time = now().monotonic
        let loss = mesh.view(at: time).first { $0.node == peer }?.passedThere.map { 1 - $0 }
        sendings[id] = Sending(
            peer: peer,
            sender: BulkSender(
                id: id, content: content, bytesPerSecond: NodeMesh.bytesPerSecond,
                loss: loss ?? mesh.loss, at: time), heardAt: time)
    }

    private func takeAcknowledgement(_ bytes: [UInt8], from peer: NodeID) {
        guard bytes.count >= 9 else { return refuse("malformedAcknowledgement") }
        let id = NodeMesh.word(bytes[1..<5])
        guard var sending = sendings[id], sending.peer == peer else { return }
        do throws(FrameError) {
            let time = now().monotonic
            try sending.sender.receive(bytes, at: time)
            sending.heardAt = time
            sendings[id] = sending
        } catch {
            refuse("malformedAcknowledgement")
        }
    }

    func refuse(_ reason: String) { refused[reason, default: 0] += 1 }

    private static func word(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        bytes.reduce(0) { $0 << 8 | UInt32($1) }
    }
}
