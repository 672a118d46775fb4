import Foundation
import Model
import Synchronization
import Transport

/// What this node shows in handshakes, and the authority that it makes it from.
final class NodeCredentials: Sendable {
    /// The file `authority.json`: certificate and key belong together, so they are replaced together.
    struct Kept: Codable {
        var certificateChain: String
        var privateKey: String
        var trustRoots: String

        func write(in directory: String) throws(HostError) {
            do {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
                let text = String(decoding: try encoder.encode(self), as: UTF8.self)
                try PrivateFile.write(text, to: directory + "/authority.json")
            } catch let error as HostError {
                throw error
            } catch {
                throw .identity("this node's authority cannot be written: \(error)")
            }
        }
    }

    private struct State {
        /// Nil for a node that enrolled before nodes had authorities, until the hub gives it one.
        var authority: NodeAuthority?
        var leaf: TLSIdentity?
        /// When that was, by the time of then.
        var issuedAt: Moment?
        var trustRoots: String
        /// Made for a request that the hub has not answered.
        var pending: NodeKey?
    }

    let time: FleetTime
    private let directory: String
    private let node: NodeID
    private let site: SiteID
    private let device: NodeKey
    private let boot: UInt64
    private let old: TLSIdentity
    private let state: Mutex<State>

    init(directory: String, enrolment: Enrolment, device: NodeKey) throws {
        self.directory = directory
        (node, site) = (enrolment.node, enrolment.site)
        self.device = device
        boot = try SystemClock.boot()
        time = try FleetTime(ofNode: directory)
        old = TLSIdentity(certificateChain: enrolment.certificateChain, privateKey: device.pem)
        guard let text = try PrivateFile.read(directory + "/authority.json") else {
            state = Mutex(State(trustRoots: enrolment.trustRoots))
            return
        }
        let kept = try JSONDecoder().decode(Kept.self, from: Data(text.utf8))
        state = Mutex(
            State(
                authority: try NodeAuthority(
                    certificateChain: kept.certificateChain, key: try NodeKey(pem: kept.privateKey),
                    node: node, site: site),
                trustRoots: kept.trustRoots))
    }

    /// Whom this node trusts. PEM.
    var trustRoots: String { state.withLock { $0.trustRoots } }
    /// Whether all this node has is a certificate of old.
    var isOld: Bool { state.withLock { $0.authority == nil } }

    /// What is shown in the next handshake.
    func shown() throws -> TLSIdentity {
        if let leaf = state.withLock({ $0.leaf }) { return leaf }
        return isOld ? old : try issue(.local).leaf
    }

    /// Makes a new certificate for the node, and says how long it lives.
    @discardableResult
    func issue(_ mode: IssuanceMode) throws -> (leaf: TLSIdentity, life: Duration) {
        guard let authority = state.withLock({ $0.authority }) else {
            return (old, NodeCredentials.oldLife)
        }
        let now = time.now
        let (leaf, end) = try authority.issueLeaf(
            note: IssuanceNote(mode: mode, boot: boot), now: now)
        let life = end - now
        guard life > .zero else {
            throw HostError.identity(
                "the authority of this node ended at \(end), and the time here is \(now)")
        }
        state.withLock {
            $0.leaf = leaf
            $0.issuedAt = Moment(monotonic: SystemClock.now().monotonic, wall: now)
        }
        try time.keep()
        return (leaf, life)
    }

    /// Makes a new certificate where the time turned out to be another than that of the last.
    func refresh() throws -> Bool {
        let issuedAt = state.withLock { $0.issuedAt }
        guard let issuedAt else { return false }
        let age = time.now - issuedAt.wall
        let elapsed = SystemClock.now().monotonic - issuedAt.monotonic
        guard age > elapsed + .seconds(60) || age < elapsed - .seconds(60) else { return false }
        try issue(.local)
        return true
    }

    /// Makes a key for a new authority. The one before is used until the hub has answered.
    func request() -> CertificationRequest {
        let key = NodeKey()
        state.withLock { $0.pending = key }
        return CertificationRequest(publicKey: key.publicKey, deviceKey: device.publicKey)
    }

    /// Takes over what the hub certified, once it is on disk. True where it is the first.
    func install(_ certification: Certification) async throws -> Bool {
        let (pending, known) = state.withLock { ($0.pending, $0.trustRoots) }
        // An answer to a request of another session.
        guard let pending else { return false }
        let roots = try TrustRoots.extend(known, with: certification.trustRoots)
        let authority = try NodeAuthority(
            certificateChain: certification.certificateChain, key: pending, node: node, site: site)
        if let objection = try await authority.objection(trusting: roots, at: time.forHandshakes) {
            throw HostError.identity("the authority that the hub issued is bad: \(objection)")
        }
        try Kept(
            certificateChain: certification.certificateChain, privateKey: pending.pem,
            trustRoots: roots
        ).write(in: directory)
        return state.withLock { state in
            let isFirst = state.authority == nil
            state.authority = authority
            state.trustRoots = roots
            state.pending = nil
            return isFirst
        }
    }

    /// As good as for ever: what was issued for a year is replaced at the first contact.
    private static let oldLife = Duration.seconds(86_400)
}
