import Machines
import Model
import Synchronization
import Transport
import Trust

/// What the control link's listeners tell the hub.
final class HubDelegate: ControlDelegate {
    private let mailbox: AsyncStream<Hub.Input>.Continuation
    private let requests: PendingReplies<Hub.Reply>
    private let admissions: PendingAdmissions
    private let identity: HubIdentity
    private let settings: HubSettings
    private let log: @Sendable (String) -> Void
    /// Says whether a node may; nil until the hub is there to say so.
    private let access = Mutex<(@Sendable (NodeID, SiteID) -> AccessReport)?>(nil)
    private let record: @Sendable (AuditAct) async -> Void
    private let strangers = StrangerBudget(at: SystemClock.now().monotonic)
    private let ports = Mutex<(control: Int, enrolment: Int)?>(nil)

    init(
        mailbox: AsyncStream<Hub.Input>.Continuation, requests: PendingReplies<Hub.Reply>,
        admissions: PendingAdmissions,
        identity: HubIdentity, settings: HubSettings,
        log: @escaping @Sendable (String) -> Void,
        record: @escaping @Sendable (AuditAct) async -> Void
    ) {
        self.log = log
        self.record = record
        self.mailbox = mailbox
        self.requests = requests
        self.admissions = admissions
        self.identity = identity
        self.settings = settings
    }

    func enrolmentIsOpen(controlPort: Int, enrolmentPort: Int) {
        ports.withLock { $0 = (controlPort, enrolmentPort) }
    }

    /// Where nodes enrol; nil until the listener is open.
    var enrolmentAddress: String? { ports.withLock { $0.map { address($0.enrolment) } } }

    private func address(_ port: Int) -> String {
        let host = settings.advertise.first ?? settings.bind
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    func decide(by access: @escaping @Sendable (NodeID, SiteID) -> AccessReport) {
        self.access.withLock { $0 = access }
    }

    func objection(to node: NodeID, at site: SiteID) async -> String? {
        guard let access = access.withLock({ $0 }) else { return "the hub is still starting" }
        let report = access(node, site)
        guard !report.isAllowed else { return nil }
        let why =
            report.reasons.isEmpty
            ? "no policy permits it" : "\(report.reasons.joined(separator: ", ")) forbids it"
        log("node \(node) of site \(site) is not let in: \(why)")
        return "node '\(node)' may not connect: \(why)"
    }

    func opened(
        _ session: SessionID, node: NodeID, site: SiteID, device: String?
    ) async -> Admission {
        await admissions.admission(of: session) {
            mailbox.yield(.opened(session, node, device: device))
        }
    }

    func received(_ message: NodeMessage, from session: SessionID) async {
        Failpoint.reach("hub.receive.\(message.failpoint)")
        mailbox.yield(.received(session, message))
    }

    func closed(_ session: SessionID) async { mailbox.yield(.closed(session)) }

    func noticed(_ notice: LinkNotice, on session: SessionID) async {
        log("session \(session): \(notice)")
    }

    func readmit(_ proof: ReturnProof) async throws -> Certification {
        let device = digest(ofDeviceKey: proof.deviceKey)
        let reply = await requests.request { id in
            mailbox.yield(.request(id, .readmit(proof.node, device: device)))
        }
        await keep("return", of: proof.node, reply)
        switch reply {
        case .refused(let refusal): throw refusal
        case .enrolled(let node, let site, let life):
            let chain = try identity.issuing.issueNodeAuthority(
                node, site: site, publicKey: proof.publicKey, device: device, validity: life,
                now: identity.time.attest())
            return Certification(
                certificateChain: chain, trustRoots: identity.authority.offeredRoots,
                enrolmentAddress: enrolmentAddress)
        default: preconditionFailure("a return is answered with an enrolment or a refusal")
        }
    }

    func enrol(_ request: EnrolmentRequest) async throws -> Enrolment {
        let device = request.deviceKey.map(digest(ofDeviceKey:))
        let reply = await requests.request { id in
            mailbox.yield(
                .request(
                    id,
                    .enrol(
                        tokenID: request.tokenID,
                        secretDigest: JoinTokenText.digest(ofSecret: request.tokenSecret),
                        node: request.node, site: request.site, device: device)))
        }
        await keep("join", of: request.node, reply)
        switch reply {
        case .refused(let refusal): throw refusal
        case .enrolled(let node, let site, let life):
            Failpoint.reach("hub.enrol.durable")
            return try enrolment(
                of: node, at: site, publicKey: request.publicKey, device: device, life: life)
        default: preconditionFailure("an enrolment is answered with an enrolment or a refusal")
        }
    }

    func join(_ request: JoinRequest) async throws -> JoinAnswer {
        let proof = request.proof
        let device = digest(ofDeviceKey: proof.deviceKey)
        let reply = await requests.request { id in
            mailbox.yield(.request(id, .askToJoin(proof.node, request.site, device: device)))
        }
        switch reply {
        case .refused(let refusal): throw refusal
        case .pending(let item) where item.state == .denied:
            return .wait(Interval(.seconds(300)), reason: "a person said no")
        case .pending: return .wait(Interval(.seconds(10)), reason: "nobody has answered yet")
        case .enrolled(let node, let site, let life):
            return .enrolled(
                try enrolment(
                    of: node, at: site, publicKey: proof.publicKey, device: device, life: life))
        default: preconditionFailure("who asks is told to wait, or yes, or no")
        }
    }

    private func enrolment(
        of node: NodeID, at site: SiteID, publicKey: [UInt8], device: String?, life: Duration
    ) throws -> Enrolment {
        let chain = try identity.issuing.issueNodeAuthority(
            node, site: site, publicKey: publicKey, device: device, validity: life,
            now: identity.time.attest())
        let port = ports.withLock { $0?.control } ?? settings.controlPort
        return Enrolment(
            node: node, site: site, certificateChain: chain, trustRoots: identity.trustRoots,
            controlAddress: address(port), enrolmentAddress: enrolmentAddress,
            policyKeys: identity.policyKeys)
    }

    /// What came of a node that asked to belong, before it is answered. Who is refused is whoever he says.
    private func keep(_ action: String, of node: NodeID, _ reply: Hub.Reply) async {
        guard case .refused(let refusal) = reply else {
            return await record(
                AuditAct(who: "node/\(node)", action: action, target: "Node/\(node)"))
        }
        guard let skipped = strangers.admit(at: SystemClock.now().monotonic) else { return }
        let others = skipped == 0 ? "" : "; \(skipped) more were refused before"
        await record(
            AuditAct(
                who: "node/\(node)", action: action, target: "Node/\(node)", decision: .deny,
                note: refusal.message + others))
    }
}
