import Model
import Trust

extension HubHost {
    /// Whatever policy rules here is known by name from now on, whatever becomes of the store.
    func remember(_ point: DecisionPoint) {
        do {
            try knownPolicies.add(point.policies.map(\.name))
        } catch {
            log("which policies this hub has had was not kept: \(error)")
        }
    }
}
