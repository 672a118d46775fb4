import Crypto
import Model
import Synchronization
import Testing
import Transport

/// A node comes back with its device key when all else has expired.
@Suite(.timeLimit(.minutes(1))) struct ReturnTests {
    private func comeBack(
        _ node: NodeID, to harbour: Harbour, key: NodeKey = NodeKey(),
        device: any DeviceKey = NodeKey(),
        roots: String? = nil, clock: FleetClock? = nil
    ) async throws -> Certification {
        try await ControlClient.comeBack(
            to: harbour.token.hub, trustRoots: roots ?? harbour.authority.trustRoots, node: node,
            key: key, device: device, clock: clock ?? FleetClock(certain: TransportTests.clock))
    }

    @Test func `who holds the device key gets an authority that works`() async throws {
        try await withHarbour { harbour in
            let (key, device) = (NodeKey(), NodeKey())
            let answer = try await comeBack("n1", to: harbour, key: key, device: device)
            let own = try NodeAuthority(
                certificateChain: answer.certificateChain, key: key, node: "n1", site: "harbour")
            let reason = try await own.objection(
                trusting: answer.trustRoots, at: FleetClock(certain: TransportTests.clock))
            #expect(reason == nil)
            #expect(harbour.hub.proofs == [device.publicKey])
        }
    }

    @Test func `a chip that signs and gives no key away serves as device key`() async throws {
        try await withHarbour { harbour in
            let chip = SoftwareChip()
            let proof = try await ControlClient.comeBack(
                to: harbour.token.hub, trustRoots: harbour.authority.trustRoots, node: "n1",
                key: NodeKey(), device: chip, clock: FleetClock(certain: TransportTests.clock))
            #expect(!proof.certificateChain.isEmpty)
            #expect(harbour.hub.proofs == [chip.publicKey])
        }
    }

    @Test func `a node that the hub does not know is refused with its sentence`() async throws {
        try await withHarbour { harbour in
            await #expect(
                throws: TransportError.enrolment(Refusal(.denied, "the node is not known here"))
            ) { try await comeBack("n9", to: harbour) }
        }
    }

    @Test func `a hub of another root is told nothing`() async throws {
        try await withHarbour { harbour in
            let stranger = try Authorities().trustRoots
            await #expect(throws: TransportError.self) {
                try await comeBack("n1", to: harbour, roots: stranger)
            }
            #expect(harbour.hub.proofs.isEmpty)
        }
    }

    @Test func `a node that boots in 1970 takes the time from the hub's certificate`() async throws
    {
        try await withHarbour { harbour in
            let learned = Learned(WallTime(milliseconds: 0))
            let clock = FleetClock(
                now: { learned.value }, earliest: { learned.value }, learn: { learned.value = $0 })
            _ = try await comeBack("n1", to: harbour, clock: clock)
            let difference = TransportTests.clock() - learned.value
            #expect(difference < .seconds(120) && difference >= .zero)
        }
    }

    @Test func `a proof that is changed, old, or for another node or hub is not one`() throws {
        let time = Learned(WallTime(milliseconds: 1_760_000_000_000))
        let desk = ReturnDesk(now: { time.value })
        let proof = try ReturnProof(
            node: "n1", nonce: desk.challenge(for: "n1").nonce, key: NodeKey(), device: NodeKey())
        #expect(desk.accepts(proof))

        var changed = proof
        changed.publicKey = NodeKey().publicKey
        #expect(!desk.accepts(changed))
        changed = proof
        changed.deviceKey = NodeKey().publicKey
        #expect(!desk.accepts(changed))
        changed = try ReturnProof(
            node: "n2", nonce: proof.nonce, key: NodeKey(), device: NodeKey())
        #expect(!desk.accepts(changed))
        for index in proof.nonce.indices {
            var nonce = proof.nonce
            nonce[index] ^= 1
            changed = try ReturnProof(node: "n1", nonce: nonce, key: NodeKey(), device: NodeKey())
            #expect(!desk.accepts(changed))
        }
        for nonce in [[], Array(proof.nonce.dropLast()), proof.nonce + [0]] as [[UInt8]] {
            changed = try ReturnProof(node: "n1", nonce: nonce, key: NodeKey(), device: NodeKey())
            #expect(!desk.accepts(changed))
        }
        #expect(!ReturnDesk(now: { time.value }).accepts(proof))
        time.value = time.value + .seconds(31)
        #expect(!desk.accepts(proof))
        time.value = time.value + .seconds(-32)
        #expect(!desk.accepts(proof))
    }
}

/// A time that is set by hand.
private final class Learned: Sendable {
    private let time: Mutex<WallTime>

    init(_ time: WallTime) { self.time = Mutex(time) }

    var value: WallTime {
        get { time.withLock { $0 } }
        set { time.withLock { $0 = newValue } }
    }
}

/// Stands for a TPM.
private struct SoftwareChip: DeviceKey {
    private let inside = P256.Signing.PrivateKey()
    var publicKey: [UInt8] { Array(inside.publicKey.derRepresentation) }

    func signature(of message: [UInt8]) throws -> [UInt8] {
        Array(try inside.signature(for: message).derRepresentation)
    }
}
