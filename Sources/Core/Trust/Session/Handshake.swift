import Crypto
package import Model

/// What the two messages of a handshake have agreed on.
struct Agreed: Sendable {
    let key: PairKey
    let day: KeyDay
    let suite: Suites
    let carriage: Carriage
    /// From the end that spoke first, and to it.
    let forth: FrameKey
    let back: FrameKey
    /// The key of `day`, where `key` was of an earlier one.
    let made: PairKey?
}

/// The first message: who has the key asks for a session.
///
/// All of it is readable and none of it can be changed: the MAC at its end is by the pairwise key,
/// and is checked before anything costly is done.
package struct FirstMessage: Sendable {
    package static let byteCount = 76
    static let kind: UInt8 = 1

    let bytes: [UInt8]
    let suites: Suites
    let carriage: Carriage
    let sender: DataSessionID
    package let keyName: UInt64
    let day: KeyDay
    let sentAt: WallTime

    /// Looks at the shape of a stranger's bytes, and believes none of them yet.
    package init(_ bytes: [UInt8]) throws(Drop) {
        guard bytes.count == FirstMessage.byteCount else { throw .size }
        guard bytes[0] == PeerSession.version else { throw .version }
        guard bytes[1] == FirstMessage.kind, let carriage = Carriage(rawValue: bytes[3]) else {
            throw .kind
        }
        self.bytes = bytes
        self.carriage = carriage
        suites = Suites(rawValue: bytes[2])
        sender = DataSessionID(rawValue: UInt32(bytes[4..<8]))
        keyName = UInt64(bytes[8..<16])
        day = KeyDay(UInt32(bytes[16..<20]))
        // A time that no clock shows stays one, without overflowing what is reckoned with it.
        sentAt = WallTime(milliseconds: Int64(min(UInt64(bytes[20..<28]), 1 << 53)))
    }

    var ephemeral: ArraySlice<UInt8> { bytes[28..<60] }
    /// What tells two of them apart.
    var mark: UInt64 { UInt64(bytes[28..<36]) }

    /// Whether the peer of `key` made it.
    package func isMade(with key: PairKey) -> Bool {
        isSame(bytes[60...], key.incoming.code(of: bytes[..<60]))
    }
}

/// The second message: the other end has the key as well, and now both have the session.
///
/// Its first MAC is by the pairwise key and short, and only spares the curve arithmetic on a
/// stranger's bytes; its second is by what was agreed on, and proves that the other end has the
/// same.
package enum SecondMessage {
    package static let byteCount = 68
    static let kind: UInt8 = 2
}

/// An attempt to open a session, waiting for the second message.
package struct Attempt: Sendable {
    package let message: [UInt8]
    package let id: DataSessionID
    package let key: PairKey
    private let node: NodeID
    private let day: KeyDay
    private let suites: Suites
    private let carriage: Carriage
    private let secret: Curve25519.KeyAgreement.PrivateKey

    /// `day` is the key's own, or a later one that a key is to be made for. `entropy` must be good
    /// enough for keys; what it gives is used for nothing else.
    package init(
        under key: PairKey, from node: NodeID, for day: KeyDay, id: DataSessionID,
        suites: Suites = .all, carriage: Carriage = .datagrams, at now: WallTime,
        entropy: inout some RandomNumberGenerator
    ) {
        self.key = key
        self.node = node
        self.day = day
        self.id = id
        self.suites = suites
        self.carriage = carriage
        secret = ephemeralKey(&entropy)
        var bytes = [PeerSession.version, FirstMessage.kind, suites.rawValue, carriage.rawValue]
        bytes += id.rawValue.bytes
        bytes += key.name.bytes
        bytes += day.number.bytes
        bytes += UInt64(clamping: now.milliseconds).bytes
        bytes += secret.publicKey.rawRepresentation
        message = bytes + key.outgoing.code(of: bytes[...])
    }

    /// The session, if these bytes answer this attempt.
    package func finish(
        _ answer: [UInt8], limits: PeerSession.Limits = .production, at now: Instant
    ) throws(Drop) -> PeerSession {
        guard answer.count == SecondMessage.byteCount else { throw .size }
        guard answer[0] == PeerSession.version else { throw .version }
        guard answer[1] == SecondMessage.kind else { throw .kind }
        guard PeerSession.receiver(of: answer) == id else { throw .unasked }
        let suite = Suites(rawValue: answer[2])
        guard answer[3] == carriage.rawValue, suites.contains(suite),
            suite == .aes || suite == .chacha
        else { throw .mismatch }
        let filter = key.incoming.code(of: answer[..<44], bytes: 8)
        guard isSame(answer[44..<52], filter) else { throw .forged }
        let secrets = try Secrets(
            own: secret, other: answer[12..<44], key: key, first: message, second: answer[..<52],
            initiator: node, responder: key.peer)
        let proof = secrets.mac.code(of: answer[..<52])
        guard isSame(answer[52...], proof) else { throw .forged }
        return PeerSession(
            secrets.agreed(on: suite, carriage, key: key, day: day, node: node), id: id,
            remote: DataSessionID(rawValue: UInt32(answer[8..<12])), isInitiator: true,
            limits: limits, at: now)
    }
}

extension FirstMessage {
    /// The second message, and the session as it will be once the other end has used it.
    ///
    /// The caller has checked the MAC, the times and the repetition.
    package func answer(
        under key: PairKey, from node: NodeID, id: DataSessionID, preferring suites: Suites = .aes,
        limits: PeerSession.Limits = .production, at now: Instant,
        entropy: inout some RandomNumberGenerator
    ) throws(Drop) -> (message: [UInt8], session: PeerSession) {
        let common = self.suites.intersection(.all)
        let suite = common.contains(suites) ? suites : common
        guard suite == .aes || suite == .chacha else { throw .mismatch }
        let secret = ephemeralKey(&entropy)
        var bytes = [
            PeerSession.version, SecondMessage.kind, suite.rawValue, carriage.rawValue,
        ]
        bytes += sender.rawValue.bytes
        bytes += id.rawValue.bytes
        bytes += secret.publicKey.rawRepresentation
        bytes += key.outgoing.code(of: bytes[...], bytes: 8)
        let secrets = try Secrets(
            own: secret, other: ephemeral, key: key, first: self.bytes, second: bytes[...],
            initiator: key.peer, responder: node)
        bytes += secrets.mac.code(of: bytes[...])
        let session = PeerSession(
            secrets.agreed(on: suite, carriage, key: key, day: day, node: node), id: id,
            remote: sender, isInitiator: false, limits: limits, at: now)
        return (bytes, session)
    }
}

/// What both ends derive once each has the public half of the other's ephemeral key.
private struct Secrets {
    let mac: MACKey
    private let forth: SymmetricKey
    private let back: SymmetricKey
    private let transcript: [UInt8]

    init(
        own: Curve25519.KeyAgreement.PrivateKey, other: ArraySlice<UInt8>, key: PairKey,
        first: [UInt8], second: ArraySlice<UInt8>, initiator: NodeID, responder: NodeID
    ) throws(Drop) {
        let said = "skerry session v1".bytes + marked([initiator, responder]) + first + second
        let transcript = Array(SHA256.hash(data: said))
        let shared: SharedSecret
        do {
            shared = try own.sharedSecretFromKeyAgreement(
                with: Curve25519.KeyAgreement.PublicKey(rawRepresentation: other))
        } catch {
            // A point of low order, which would give the same secret to everybody.
            throw .forged
        }
        let extracted = shared.withUnsafeBytes { shared in
            key.secret.withUnsafeBytes {
                HKDF<SHA256>.extract(inputKeyMaterial: SymmetricKey(data: shared), salt: $0)
            }
        }
        let expanding = MACKey(SymmetricKey(data: extracted))
        let one = expanding.expansion(1, after: nil, info: transcript)
        let two = expanding.expansion(2, after: one, info: transcript)
        mac = MACKey(one)
        forth = two
        back = expanding.expansion(3, after: two, info: transcript)
        self.transcript = transcript
    }

    func agreed(
        on suite: Suites, _ carriage: Carriage, key: PairKey, day: KeyDay, node: NodeID
    ) -> Agreed {
        let made = key.day == day ? nil : next(after: key, for: day, node: node)
        return Agreed(
            key: key, day: day, suite: suite, carriage: carriage,
            forth: FrameKey(suite: suite, key: forth),
            back: FrameKey(suite: suite, key: back),
            made: made)
    }

    /// The key that follows `key`, from everything that both ends know of each other.
    private func next(after key: PairKey, for day: KeyDay, node: NodeID) -> PairKey {
        let secret = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: mac.key, salt: "skerry ratchet v1".bytes, info: transcript,
            outputByteCount: PairKey.byteCount)
        return PairKey(secret, node: node, peer: key.peer, day: day, origin: .ratchet)
    }
}

private func ephemeralKey(
    _ entropy: inout some RandomNumberGenerator
) -> Curve25519.KeyAgreement.PrivateKey {
    let bytes = (0..<4).flatMap { _ in entropy.next().bytes }
    do {
        return try Curve25519.KeyAgreement.PrivateKey(rawRepresentation: bytes)
    } catch {
        preconditionFailure("any 32 bytes are a key of X25519: \(error)")
    }
}

/// Takes as long wherever the first difference is.
private func isSame(_ one: ArraySlice<UInt8>, _ other: [UInt8]) -> Bool {
    one.count == other.count && zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
}
