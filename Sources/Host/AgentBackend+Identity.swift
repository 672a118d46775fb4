import Machines
import Management
import Model
import Synchronization
import Transport
import Trust

/// Who this node is, and who is nobody any more, with or without a hub.
extension AgentBackend {
    func certificates() async throws(Refusal) -> CertificateList {
        let credentials = host.identity.credentials
        let held = credentials.held
        do {
            var items = try CertificateReader.facts(pem: held.trustRoots).enumerated().map {
                CertificateReport.root($1, number: $0)
            }
            if let chain = held.chain {
                let all = try CertificateReader.facts(pem: chain)
                // Before the first leaf the chain begins with the authority.
                let own = all.first?.device == nil ? all : [all[0]] + all
                if own.count > 2 {
                    items.append(
                        CertificateReport(
                            name: "issuing", role: .issuing, issuedBy: .root, renewal: .byHub,
                            facts: own[2]))
                }
                let node = host.identity.enrolment.node
                let reports = CertificateReport.ofNode(node, own)
                items += all.count == own.count ? reports : reports.filter { $0.role != .leaf }
            }
            let list = host.machine.withLock { $0.revocations?.list }
            return CertificateList(
                items: items.map { $0.marked(by: list) }, asOf: credentials.time.now,
                clock: credentials.time.standing.rawValue)
        } catch {
            throw Refusal(.unavailable, "the certificates cannot be read: \(error)")
        }
    }

    func revocations() async -> RevocationReport {
        host.machine.withLock { $0.revocationReport(at: SystemClock.now().wall) }
    }

    func retireRoots() async throws(Refusal) { throw hubDecides("ca retire") }

    func pending() async throws(Refusal) -> PendingList { throw hubDecides("get pending") }

    func answer(
        _ node: NodeID, _ answer: PendingAnswer, by principal: Principal
    ) async throws(Refusal) -> PendingNode {
        throw hubDecides(answer.isApproved ? "approve" : "deny")
    }

    func revoke(
        _ request: RevocationRequest, by principal: Principal
    ) async throws(Refusal) -> RevocationReport {
        throw hubDecides("revoke")
    }
}
