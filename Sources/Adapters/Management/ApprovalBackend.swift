package import Model

/// What the HTTP interface asks about requests that another person has to approve.
package protocol ApprovalBackend: Sendable {
    /// All that are known, those that are settled included; oldest first.
    func approvals() async throws(Refusal) -> ApprovalList
    /// Notes what somebody asks for, who may do it as soon as somebody else approves.
    func requestApproval(
        _ wish: ApprovalWish, by requester: Requester
    ) async throws(Refusal) -> Approval
    /// Does what was asked for, once, or says no to it. By then it is decided that they may.
    func settleApproval(
        _ id: String, _ answer: ApprovalAnswer, by requester: Requester
    ) async throws(Refusal) -> Approval
}
