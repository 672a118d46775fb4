import Foundation
import Model
import Synchronization
import Transport
import Trust

/// What this node shows in handshakes, and the authority that it makes it from.
final class NodeCredentials: Sendable {
    /// The file `authority.json`: certificate and key belong together, so they are replaced together.
    struct Kept: Codable {
        var certificateChain: String
        var privateKey: String
        var trustRoots: String
        var enrolmentAddress: String?

        func write(in directory: String, of vault: Vault) throws(HostError) {
            do {
                try vault.write(json: self, to: directory + "/authority.json")
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
        var leafEnds: WallTime?
        var trustRoots: String
        /// Where the node can come back when its authority has ended.
        var enrolmentAddress: String?
        /// Made for a request that the hub has not answered.
        var pending: NodeKey?
    }

    let time: FleetTime
    private let directory: String
    private let vault: Vault
    private let node: NodeID
    private let site: SiteID
    private let device: NodeKey
    private let boot: UInt64
    private let old: TLSIdentity
    private let state: Mutex<State>

    init(
        directory: String, of vault: Vault, enrolment: Enrolment, device: NodeKey
    ) throws {
        self.directory = directory
        self.vault = vault
        (node, site) = (enrolment.node, enrolment.site)
        self.device = device
        boot = try SystemClock.boot()
        time = try FleetTime(ofNode: directory)
        old = TLSIdentity(certificateChain: enrolment.certificateChain, privateKey: device.pem)
        guard let text = try vault.read(directory + "/authority.json") else {
            state = Mutex(
                State(
                    trustRoots: enrolment.trustRoots,
                    enrolmentAddress: enrolment.enrolmentAddress))
            return
        }
        let kept = try JSONDecoder().decode(Kept.self, from: Data(text.utf8))
        state = Mutex(
            State(
                authority: try NodeAuthority(
                    certificateChain: kept.certificateChain, key: try NodeKey(pem: kept.privateKey),
                    node: node, site: site),
                trustRoots: kept.trustRoots,
                enrolmentAddress: kept.enrolmentAddress ?? enrolment.enrolmentAddress))
    }

    /// Whom this node trusts. PEM.
    var trustRoots: String { state.withLock { $0.trustRoots } }
    /// Whether all this node has is a certificate of old.
    var isOld: Bool { state.withLock { $0.authority == nil } }

    /// How long what this node shows, and what it makes that from, is still good; nil where there is
    /// none.
    var left: (certificate: Duration?, authority: Duration?) {
        let now = time.now
        return state.withLock { state in
            (state.leafEnds.map { $0 - now }, state.authority.map { $0.notAfter - now })
        }
    }

    /// PEM of what this node has: its certificates with its authority behind them, and the roots.
    var held: (chain: String?, trustRoots: String) {
        state.withLock {
            ($0.leaf?.certificateChain ?? $0.authority?.certificateChain, $0.trustRoots)
        }
    }

    var deviceDigest: String { digest(ofDeviceKey: device.publicKey) }

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
            $0.leafEnds = end
            $0.issuedAt = Moment(monotonic: SystemClock.now().monotonic, wall: now)
        }
        try time.keep()
        return (leaf, life)
    }

    /// A certificate for a workload of this node, its name, when it ends, and whom it shall trust.
    func issue(
        for workload: WorkloadID
    ) throws -> (name: String, identity: TLSIdentity, end: WallTime, trustRoots: String) {
        let (authority, roots) = state.withLock { ($0.authority, $0.trustRoots) }
        let now = time.now
        guard let authority, authority.notAfter > now else {
            throw HostError.identity(
                "this node has no authority that is good at \(now); the hub gives it one at the next "
                    + "contact")
        }
        let (identity, end) = try authority.issueWorkload(workload, now: now)
        return (authority.name(of: workload), identity, end, roots)
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

    /// Gets a new authority by the device key, whatever became of the one before. False where this
    /// node does not know how.
    func comeBack(hub: String?) async throws -> Bool {
        let (roots, known) = state.withLock { ($0.trustRoots, $0.enrolmentAddress) }
        guard let known, !isOld else { return false }
        let key = NodeKey()
        let certification = try await ControlClient.comeBack(
            to: moved(known, to: hub), trustRoots: roots, node: node, key: key, device: device,
            clock: time.forHandshakes)
        state.withLock { $0.pending = key }
        _ = try await install(certification)
        try issue(.local)
        return true
    }

    /// A hub that was moved enrols at its new host, on the port that it had.
    private func moved(_ address: String, to hub: String?) -> String {
        guard let host = hub?.split(separator: ":").dropLast().joined(separator: ":"),
            let port = address.split(separator: ":").last, !host.isEmpty
        else { return address }
        return host + ":" + port
    }

    /// Takes over what the hub certified, once it is on disk. True where it is the first.
    func install(_ certification: Certification) async throws -> Bool {
        let (pending, known) = state.withLock { ($0.pending, $0.trustRoots) }
        // An answer to a request of another session.
        guard let pending else { return false }
        let roots = try TrustRoots.extend(
            known, with: certification.trustRoots, at: time.now)
        let authority = try NodeAuthority(
            certificateChain: certification.certificateChain, key: pending, node: node, site: site)
        if let objection = try await authority.objection(trusting: roots, at: time.forHandshakes) {
            throw HostError.identity("the authority that the hub issued is bad: \(objection)")
        }
        try Kept(
            certificateChain: certification.certificateChain, privateKey: pending.pem,
            trustRoots: roots, enrolmentAddress: certification.enrolmentAddress
        ).write(in: directory, of: vault)
        return state.withLock { state in
            if let address = certification.enrolmentAddress { state.enrolmentAddress = address }
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
