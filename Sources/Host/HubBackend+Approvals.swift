import Foundation
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
        _ wish: ApprovalWish, by requester: Requester
    ) async throws(Refusal) -> Approval {
        let now = SystemClock.now().wall
        let approval = Approval(
            id: hexadecimal(Entropy.bytes(4)), verb: wish.verb, kind: wish.target.kind,
            name: wish.target.name, act: try kept(wish.act), requestedBy: requester.name,
            credential: requester.credential.word, requestedAt: now,
            expiresAt: now + Hub.approvalLife, reasons: wish.reasons)
        return try await settled(.ask(approval))
    }

    /// What waits lies in the store meanwhile: sealed like what is in force, and no larger than this.
    private func kept(_ act: Approval.Act?) throws(Refusal) -> Approval.Act? {
        guard case .apply(let object)? = act else { return act }
        let sealed = try host.secrets.sealed([object])[0]
        do {
            guard try JSONEncoder().encode(sealed).count <= HubBackend.waitingBytesMax else {
                throw Refusal(
                    .invalid,
                    "what waits for another person's yes has at most "
                        + "\(HubBackend.waitingBytesMax >> 10) KiB")
            }
        } catch let refusal as Refusal {
            throw refusal
        } catch {
            throw Refusal(.invalid, "\(error)")
        }
        return .apply(sealed)
    }

    private static let waitingBytesMax = 64 << 10

    func settleApproval(
        _ id: String, _ answer: ApprovalAnswer, by requester: Requester
    ) async throws(Refusal) -> Approval {
        let approval = try await settled(.answerApproval(id: id, answer, by: requester.name))
        if approval.act == .retireRoots { try retire { try host.retireRootsAsApproved() } }
        return approval
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
        _ wish: ApprovalWish, by requester: Requester
    ) async throws(Refusal) -> Approval {
        throw hubDecides(wish.verb.rawValue)
    }

    func settleApproval(
        _ id: String, _ answer: ApprovalAnswer, by requester: Requester
    ) async throws(Refusal) -> Approval {
        throw hubDecides(answer.isApproved ? "approve" : "deny")
    }
}
