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
    private let ports = Mutex<(control: Int, enrolment: Int)?>(nil)

    init(
        mailbox: AsyncStream<Hub.Input>.Continuation, requests: PendingReplies<Hub.Reply>,
        admissions: PendingAdmissions,
        identity: HubIdentity, settings: HubSettings,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.log = log
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
        switch reply {
        case .refused(let refusal): throw refusal
        case .enrolled(let node, let site, let life):
            let chain = try identity.issuing.issueNodeAuthority(
                node, site: site, publicKey: proof.publicKey, device: device, validity: life,
                now: identity.time.attest())
            return Certification(
                certificateChain: chain, trustRoots: identity.trustRoots,
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
        switch reply {
        case .refused(let refusal): throw refusal
        case .enrolled(let node, let site, let life):
            Failpoint.reach("hub.enrol.durable")
            let chain = try identity.issuing.issueNodeAuthority(
                node, site: site, publicKey: request.publicKey, device: device, validity: life,
                now: identity.time.attest())
            let port = ports.withLock { $0?.control } ?? settings.controlPort
            return Enrolment(
                node: node, site: site, certificateChain: chain,
                trustRoots: identity.trustRoots, controlAddress: address(port),
                enrolmentAddress: enrolmentAddress,
                policyKeys: identity.policyKeys)
        case .applied, .deleted, .object, .issued, .revoked, .resolved:
            preconditionFailure("an enrolment is answered with an enrolment or a refusal")
        }
    }
}
