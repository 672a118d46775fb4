package import Model

/// What the HTTP interface asks about who belongs and who does not.
package protocol IdentityBackend: Sendable {
    /// The certificates that are known here.
    func certificates() async throws(Refusal) -> CertificateList
    /// Machines that ask to become nodes.
    func pending() async throws(Refusal) -> PendingList
    func answer(
        _ node: NodeID, _ answer: PendingAnswer, by principal: Principal
    ) async throws(Refusal) -> PendingNode
    /// Accepts nothing below earlier roots any more.
    func retireRoots() async throws(Refusal)
    /// Which identities are no longer good.
    func revocations() async -> RevocationReport
    func revoke(
        _ request: RevocationRequest, by principal: Principal
    ) async throws(Refusal) -> RevocationReport
}
