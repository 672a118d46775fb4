import Model

extension HubHost {
    /// Documents on their way to one node: Secrets are sealed for it and for nobody else. One that this
    /// hub cannot open any more is left out; the node says that it is missing.
    func addressed(_ message: HubMessage) -> HubMessage {
        guard case .documents(let documents, let through) = message else { return message }
        return .documents(
            documents.compactMap { document in
                do {
                    return try secrets.addressed(document)
                } catch {
                    log(
                        "\(document.key) cannot be opened with this hub's key, so no node gets it: "
                            + "apply it again")
                    return nil
                }
            }, through: through)
    }
}
