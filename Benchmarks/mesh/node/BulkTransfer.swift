import Membership
import Model

/// One content from one end to the other, for its time: `bulk-receive` beside `bulk-send`.
enum BulkTransfer {
    /// Takes contents one after the other until the process is killed.
    static func receive(at address: String) throws(Mistake) {
        let socket = try open(address)
        say("ready")
        var receiver: BulkReceiver?
        while true {
            socket.wait(atMost: .seconds(1))
            while let (bytes, sender) = socket.receive() {
                do throws(FrameError) {
                    if let fresh = try start(bytes, after: receiver) { receiver = fresh }
                    try receiver?.receive(bytes)
                } catch {
                    continue
                }
                if let answer = receiver?.acknowledgement(at: currentMoment().monotonic) {
                    socket.send(answer, to: sender)
                }
            }
        }
    }

    private static func start(
        _ bytes: [UInt8], after former: BulkReceiver?
    ) throws(FrameError) -> BulkReceiver? {
        let fresh = try BulkReceiver(bytes)
        return fresh.id == former?.id ? nil : fresh
    }

    /// Sends `count` bytes and says how long it took until all were acknowledged.
    static func send(
        _ count: Int, from address: String, to peer: String, kilobits: Int
    ) throws(Mistake) {
        let socket = try open(address)
        var system = SystemRandomNumberGenerator()
        let content = (0..<count).map { _ in UInt8.random(in: 0...255, using: &system) }
        let start = currentMoment().monotonic
        var sender = BulkSender(
            id: UInt32.random(in: 1...UInt32.max, using: &system), content: content,
            bytesPerSecond: kilobits * 125, loss: 0.2, at: start)
        while true {
            let now = currentMoment().monotonic
            while let (bytes, _) = socket.receive() { acknowledge(bytes, &sender, at: now) }
            switch sender.step(at: now) {
            case .send(let bytes): socket.send(bytes, to: peer)
            case .wait(let time): socket.wait(atMost: time - now)
            case .done:
                let milliseconds = (now - start).nanoseconds / 1_000_000
                say("{\"ms\":\(milliseconds),\"pieces\":\(sender.sentPieces)}")
                return
            }
            guard now - start < .seconds(180) else { throw Mistake("not within 180 s") }
        }
    }

    private static func acknowledge(
        _ bytes: [UInt8], _ sender: inout BulkSender, at now: Instant
    ) {
        do throws(FrameError) {
            try sender.receive(bytes, at: now)
        } catch {
            say("{\"refused\":\"an acknowledgement that cannot be read\"}")
        }
    }

    private static func open(_ address: String) throws(Mistake) -> DatagramSocket {
        do {
            return try DatagramSocket(bind: address)
        } catch {
            throw Mistake(error.text)
        }
    }
}
