import Authority
import Machines
package import Model
import Trust

extension Rehearsal {
    /// What a hub would say to these objects: nil where it would take them. Every mistake is named.
    package static func refusal(of objects: [Object]) -> Refusal? {
        var hub = Hub(snapshot: HubSnapshot(), policyKeys: World.policyKeys)
        var effects: [Hub.Effect] = []
        let now = Moment(monotonic: .seconds(0), wall: WallTime(milliseconds: 0))
        let request = RequestID(number: 1)
        let signed = objects.map { (object) -> Object in
            if case .policy(let policy) = object { .policy(World.signed(policy)) } else { object }
        }
        hub.handle(.request(request, .apply(signed, dryRun: true)), at: now, into: &effects)
        for case .reply(request, .refused(let refusal)) in effects { return refusal }
        return nil
    }
}

extension Rehearsal {
    /// What was signed, as a person would write it. Who signed it does not matter here.
    package static func written(_ policy: Policy) throws(Refusal) -> Policy {
        guard let bundle = policy.signed else { return policy }
        do {
            return Policy(metadata: policy.metadata, spec: try bundle.read().spec)
        } catch {
            throw Refusal(
                .invalid, "policy '\(policy.metadata.name)' cannot be read: \(error)")
        }
    }

    /// What rules at a site, by the policies that are meant for all of it. What cannot be was refused.
    func regime(of site: Site) -> Regime {
        let decrees = policies.filter {
            $0.spec.scope.canary == nil && $0.spec.scope.includes(SiteID(site.metadata.name))
        }.map {
            Regime.Decree(PolicyReference(name: $0.metadata.name, version: 1), $0.spec)
        }
        switch Regime.build(site.spec, generation: 1, under: decrees) {
        case .success(let regime): return regime
        case .failure: return .preset
        }
    }
}
