import Model
import NIOSSL
import SessionNetwork
import Trust

/// A session from nothing to the first message, beside a handshake of mutual TLS 1.3.
struct SetUp {
    let rounds: Int

    private let names = LossyPair.names
    private let now = LossyPair.start

    func run() async throws -> Bool {
        let short = try Identities(.leafUnderRoot)
        let long = try Identities(.leafUnderIssuerUnderRoot)
        let settings = [
            ("mTLS 1.3, x25519, leaf under root", try SecureSettings(short, curves: [.x25519])),
            ("mTLS 1.3, x25519, one CA between", try SecureSettings(long, curves: [.x25519])),
            ("mTLS 1.3, NIOSSL's groups, leaf under root", try SecureSettings(short, curves: nil)),
            ("mTLS 1.3, NIOSSL's groups, one CA between", try SecureSettings(long, curves: nil)),
        ]
        var bytes: [Int] = [try ours()]
        var contenders = [Contender("session, to the first message", { _ = try ours() })]
        let check = try await ChainCheck().microseconds(rounds: rounds)
        for (name, setting) in settings {
            let pair = try SecurePair(setting)
            bytes.append(pair.bytes)
            pair.close()
            contenders.append(
                Contender(name) {
                    let pair = try SecurePair(setting)
                    pair.close()
                })
        }
        try takeTurns(&contenders, rounds: rounds, times: 30)

        print("set-up, both ends, processor time, median of \(rounds) rounds:")
        for (contender, bytes) in zip(contenders, bytes) {
            print(
                "  \(padded(contender.name, 44)) \(text(contender.median)) us, "
                    + "best \(text(contender.best)), \(bytes) bytes")
        }
        // A node's certificate is never signed by the root, so the second is the least there could
        // be.
        let own = contenders[0]
        let least = text(contenders[1].median / own.median, 2)
        let fewest = text(Double(bytes[1]) / Double(bytes[0]), 2)
        print("  leaf under root: \(least) times the processor time, \(fewest) times the bytes")
        let checked = contenders[2].median + 2 * check
        print(
            "  with both chains checked by swift-certificates, as Skerry's rules need, "
                + "\(text(check)) us each: \(text(checked / own.median, 2)) times")
        return [
            verdict("less processor time", contenders[2].median / own.median, atLeast: 4),
            verdict("fewer bytes", Double(bytes[2]) / Double(bytes[0]), atLeast: 8),
        ].allSatisfy { $0 }
    }

    /// Both machines anew, with keys that they have had since yesterday; the bytes of the two
    /// handshake messages and of the frame that confirms them.
    private func ours() throws -> Int {
        var ends = SetUp.machines
        var entropy = SystemRandomNumberGenerator()
        var (near, far): ([PeerSessions.Effect], [PeerSessions.Effect]) = ([], [])
        var bytes = 0
        ends[0].send([[]], to: names[1], at: now, entropy: &entropy, into: &near)
        guard case .transmit(let first, _)? = near.last else { throw Failure("no first message") }
        ends[1].receive(first, at: now, entropy: &entropy, into: &far)
        guard case .reply(let second, _)? = far.last else { throw Failure("no second message") }
        ends[0].receive(second, at: now, entropy: &entropy, into: &near)
        guard case .transmit(let frame, _)? = near.last else { throw Failure("no frame") }
        ends[1].receive(frame, at: now, entropy: &entropy, into: &far)
        guard case .deliver? = far.last else { throw Failure("no message came through") }
        bytes = first.count + second.count + frame.count
        return bytes
    }

    private static let machines = LossyPair().ends
}
