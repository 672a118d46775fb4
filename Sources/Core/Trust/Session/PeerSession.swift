import Crypto
package import Model

/// The algorithms that seal frames. The one that answers chooses among those offered.
package struct Suites: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// AES-256-GCM, where the processor knows AES.
    package static let aes = Suites(rawValue: 1)
    /// ChaCha20-Poly1305, where it does not.
    package static let chacha = Suites(rawValue: 2)
    package static let all: Suites = [.aes, .chacha]
}

/// What carries the frames of a session: it decides their size and which counters are taken.
package enum Carriage: UInt8, Sendable {
    /// Frames get lost and overtake each other; each counter is taken once.
    case datagrams = 0
    /// Frames come in order; the next counter is the only one taken.
    case stream = 1

    /// The most that one frame holds, without its overhead. A datagram of 1,200 bytes passes
    /// everywhere.
    package var bodyMax: Int {
        switch self {
        case .datagrams: 1200 - PeerSession.overhead
        case .stream: Int(UInt16.max) - PeerSession.overhead
        }
    }
}

/// A session as the end that gave the number knows it: frames to that end carry it.
package struct DataSessionID: Hashable, Comparable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static func < (left: DataSessionID, right: DataSessionID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Why bytes went no further. Each is counted.
package enum Drop: String, Error, CaseIterable, Sendable {
    case size, version, kind
    case unknownKey, forged, clock, day, flooded, mismatch, unasked
    case unknownSession, replayed, overtaken, epoch, expired, malformed
    /// On the way out: no room to wait, too large for a frame, no key for the peer, and no answer
    /// from it.
    case crowded, oversize, keyless, unanswered
}

/// What two ends agreed on, as one of them sees it: keys for each direction, and what was used of
/// them.
///
/// A copy seals under the same counters: the state that sealed last is the only one to go on with.
/// Nothing of it is ever written to disk, so that no restored disk uses a counter twice.
package struct PeerSession: Sendable {
    package struct Limits: Sendable {
        /// A new session is agreed on after this long or this many frames.
        package var rekeyAfter: Duration = .seconds(3600)
        package var rekeyFrames: UInt64 = 1 << 32
        /// After this the session neither seals nor opens.
        package var rejectAfter: Duration = .seconds(5400)
        package var rejectFrames: UInt64 = 1 << 33

        package static let production = Limits()
        package static let tight = Limits(
            rekeyAfter: .seconds(60), rekeyFrames: 64, rejectAfter: .seconds(90), rejectFrames: 96)
    }

    package static let headerBytes = 16
    package static let overhead = headerBytes + 16
    static let version: UInt8 = 1
    static let kind: UInt8 = 3

    package let peer: NodeID
    package let id: DataSessionID
    package let carriage: Carriage
    package let suite: Suites
    package let isInitiator: Bool
    package let beganAt: Instant
    /// The key it rests on.
    package let key: PairKey
    /// The key that its handshake made for another day.
    package let made: PairKey?
    private let remote: DataSessionID
    private let epoch: UInt16
    private let limits: Limits
    private let sealing: FrameKey
    private let opening: FrameKey
    package private(set) var sent: UInt64 = 0
    private var window = ReplayWindow()

    init(
        _ agreed: Agreed, id: DataSessionID, remote: DataSessionID, isInitiator: Bool,
        limits: Limits, at now: Instant
    ) {
        peer = agreed.key.peer
        self.id = id
        self.remote = remote
        carriage = agreed.carriage
        suite = agreed.suite
        key = agreed.key
        made = agreed.made
        epoch = UInt16(truncatingIfNeeded: agreed.day.number)
        self.isInitiator = isInitiator
        self.limits = limits
        beganAt = now
        sealing = isInitiator ? agreed.forth : agreed.back
        opening = isInitiator ? agreed.back : agreed.forth
    }

    /// Whether it is time to agree on the next. The end that answered leaves the first move to the
    /// other.
    package func wantsNext(at now: Instant) -> Bool {
        let patience: Duration = isInitiator ? .zero : .seconds(30)
        return sent >= limits.rekeyFrames || now - beganAt >= limits.rekeyAfter + patience
    }

    package func isOver(at now: Instant) -> Bool {
        sent >= limits.rejectFrames || now - beganAt >= limits.rejectAfter
    }

    /// One frame: header, sealed body, tag.
    package mutating func seal(_ body: [UInt8], at now: Instant) throws(Drop) -> [UInt8] {
        var frame: [UInt8] = []
        frame.reserveCapacity(body.count + PeerSession.overhead)
        try seal(body, at: now, into: &frame)
        return frame
    }

    /// Adds one frame to `bytes`, which may hold anything already.
    package mutating func seal(
        _ body: [UInt8], at now: Instant, into bytes: inout [UInt8]
    ) throws(Drop) {
        guard body.count <= carriage.bodyMax else { throw .oversize }
        guard !isOver(at: now) else { throw .expired }
        var header = [PeerSession.version, PeerSession.kind]
        header.reserveCapacity(PeerSession.headerBytes)
        header += epoch.bytes
        header += remote.rawValue.bytes
        header += sent.bytes
        sealing.seal(body, under: header, into: &bytes)
        sent += 1
    }

    /// The body of a frame. Nothing of the session changes unless the tag is right.
    package mutating func open(_ frame: [UInt8], at now: Instant) throws(Drop) -> [UInt8] {
        try open(frame[...], at: now)
    }

    package mutating func open(_ frame: ArraySlice<UInt8>, at now: Instant) throws(Drop) -> [UInt8]
    {
        let counter = try counter(of: frame)
        guard now - beganAt < limits.rejectAfter, counter < limits.rejectFrames else {
            throw .expired
        }
        switch carriage {
        case .datagrams: try window.check(counter)
        case .stream:
            guard counter == window.next else {
                throw counter < window.next ? .replayed : .overtaken
            }
        }
        guard let body = opening.open(frame) else { throw .forged }
        window.take(counter)
        return body
    }

    /// What the header of a frame of this session says.
    private func counter(of frame: ArraySlice<UInt8>) throws(Drop) -> UInt64 {
        let overhead = PeerSession.overhead
        guard (overhead...carriage.bodyMax + overhead).contains(frame.count) else { throw .size }
        let start = frame.startIndex
        guard frame[start] == PeerSession.version else { throw .version }
        guard frame[start + 1] == PeerSession.kind else { throw .kind }
        guard UInt32(frame[(start + 4)..<(start + 8)]) == id.rawValue else { throw .unknownSession }
        guard UInt16(frame[(start + 2)..<(start + 4)]) == epoch else { throw .epoch }
        return UInt64(frame[(start + 8)..<(start + 16)])
    }

    /// The session that a frame is for; the frame has a whole header.
    static func receiver(of frame: [UInt8]) -> DataSessionID {
        DataSessionID(rawValue: UInt32(frame[4..<8]))
    }
}

/// Seals and opens the frames of one direction.
///
/// The nonce is the header's own last twelve bytes: the number that the receiver drew for the
/// session, and the counter. So a frame from its fourth byte on is nonce, text and tag in one
/// piece, as the library has them, and is copied once instead of three times.
struct FrameKey: Sendable {
    let suite: Suites
    let key: SymmetricKey

    private static let nonceOffset = PeerSession.headerBytes - 12

    /// Adds the header, and the sealed body and tag that vouch for it.
    func seal(_ body: [UInt8], under header: [UInt8], into frame: inout [UInt8]) {
        let offset = FrameKey.nonceOffset
        frame += header[..<offset]
        do {
            if suite == .aes {
                let box = try AES.GCM.seal(
                    body, using: key, nonce: AES.GCM.Nonce(data: header[offset...]),
                    authenticating: header)
                guard let combined = box.combined else {
                    preconditionFailure("a nonce of 12 bytes goes with text and tag")
                }
                frame += combined
            } else {
                frame += try ChaChaPoly.seal(
                    body, using: key, nonce: ChaChaPoly.Nonce(data: header[offset...]),
                    authenticating: header
                ).combined
            }
        } catch {
            preconditionFailure("32 bytes of key and 12 of nonce seal anything: \(error)")
        }
    }

    /// Nil where the tag is not of this frame.
    func open(_ frame: ArraySlice<UInt8>) -> [UInt8]? {
        let header = frame.prefix(PeerSession.headerBytes)
        let sealed = frame.dropFirst(FrameKey.nonceOffset)
        do {
            if suite == .aes {
                let box = try AES.GCM.SealedBox(combined: sealed)
                return Array(try AES.GCM.open(box, using: key, authenticating: header))
            }
            let box = try ChaChaPoly.SealedBox(combined: sealed)
            return Array(try ChaChaPoly.open(box, using: key, authenticating: header))
        } catch {
            // The library has one answer for everything that is not what was sealed.
            return nil
        }
    }
}

/// Which counters came, of the newest 2,048: the ring of words of RFC 6479.
struct ReplayWindow: Sendable {
    static let size: UInt64 = 2048
    /// One word more than the window, so that moving on clears whole words.
    private var words = [UInt64](repeating: 0, count: 33)
    /// One above the highest that came.
    private(set) var next: UInt64 = 0

    func check(_ counter: UInt64) throws(Drop) {
        guard counter < next else { return }
        guard next - counter <= ReplayWindow.size else { throw .overtaken }
        guard words[word(of: counter)] & bit(of: counter) == 0 else { throw .replayed }
    }

    mutating func take(_ counter: UInt64) {
        if counter >= next {
            let newest = next == 0 ? 0 : (next - 1) / 64
            let steps = min(counter / 64 - newest, UInt64(words.count))
            for step in 0..<steps { words[Int((newest + 1 + step) % UInt64(words.count))] = 0 }
            next = counter + 1
        }
        words[word(of: counter)] |= bit(of: counter)
    }

    private func word(of counter: UInt64) -> Int { Int(counter / 64 % UInt64(words.count)) }
    private func bit(of counter: UInt64) -> UInt64 { 1 << (counter % 64) }
}
