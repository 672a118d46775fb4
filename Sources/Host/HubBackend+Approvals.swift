import Machines
import Management
import Model
import Synchronization

/// What people asked for and others have to approve. Only the hub holds it: what nodes do by themselves
/// waits for nobody.
extension HubBackend {
    func approvals() async throws(Refusal) -> ApprovalList {
        ApprovalList(
            items: host.machine.withLock(\.allApprovals), asOf: SystemClock.now().wall)
    }

    func requestApproval(
        _ verb: Verb, _ kind: Kind, name: String, reasons: [String], by requester: Requester
    ) async throws(Refusal) -> Approval {
        let now = SystemClock.now().wall
        let approval = Approval(
            id: hexadecimal(Entropy.bytes(4)), verb: verb, kind: kind, name: name,
            requestedBy: requester.name, credential: requester.credential.word, requestedAt: now,
            expiresAt: now + Hub.approvalLife, reasons: reasons)
        return try await settled(.ask(approval))
    }

    func settleApproval(
        _ id: String, _ answer: ApprovalAnswer, by requester: Requester
    ) async throws(Refusal) -> Approval {
        try await settled(.answerApproval(id: id, answer, by: requester.name))
    }

    private func settled(_ request: Hub.Request) async throws(Refusal) -> Approval {
        guard case .approval(let approval) = try await host.carryOut(request) else {
            preconditionFailure("a request for an approval is answered with that or a refusal")
        }
        return approval
    }
}

extension AgentBackend {
    func approvals() async throws(Refusal) -> ApprovalList { throw hubDecides("get approvals") }

    func requestApproval(
        _ verb: Verb, _ kind: Kind, name: String, reasons: [String], by requester: Requester
    ) async throws(Refusal) -> Approval {
        throw hubDecides(verb.rawValue)
    }

    func settleApproval(
        _ id: String, _ answer: ApprovalAnswer, by requester: Requester
    ) async throws(Refusal) -> Approval {
        throw hubDecides(answer.isApproved ? "approve" : "deny")
    }
}
