import Authority
import Machines
import Model
import Trust

/// People who sign policy on a machine of their own, and somebody who applies whatever lies about.
extension World {
    static let policyKeys = [signer.trusted]

    private static let signer: SigningKey = {
        do {
            return try SigningKey(
                role: TrustedKey.policyRole, seed: [UInt8](repeating: 20, count: 32))
        } catch {
            preconditionFailure("32 bytes are a seed: \(error)")
        }
    }()

    private static let policyName = "rules"

    /// What a person wrote, signed as its first version.
    static func signed(_ policy: Policy) -> Policy {
        var policy = policy
        policy.signed = sign(
            PolicyPayload(
                reference: PolicyReference(name: policy.metadata.name, version: 1),
                issuedAt: WallTime(milliseconds: 0), notAfter: endOfTime, spec: policy.spec))
        return policy
    }

    private static func sign(_ payload: PolicyPayload) -> PolicyBundle {
        do {
            return try signer.sign(payload)
        } catch {
            preconditionFailure("a key signs: \(error)")
        }
    }

    /// Far enough for any jump of a wall clock.
    static let endOfTime = WallTime(milliseconds: 4_102_444_800_000)

    mutating func applyPolicy(_ draw: UInt64) {
        guard centre.isUp, places.allSatisfy({ $0.isEnrolled || $0.incarnation > 0 }) else {
            return
        }
        var own = Random(seed: draw)
        switch own.next() % 10 {
        case 0 where signed.count > 1:
            submit(signed[Int(own.next() % UInt64(signed.count - 1))])
        case 1 where !signed.isEmpty:
            var broken = signed[signed.count - 1]
            broken.payload[own.next() % 2 == 0 ? 3 : broken.payload.count - 1] += "0"
            submit(broken)
        default:
            let bundle = sign(&own)
            signed.append(bundle)
            submit(bundle)
        }
    }

    private mutating func submit(_ bundle: PolicyBundle) {
        let name = World.policyName
        let policy = Policy(metadata: Metadata(name: name), spec: PolicySpec(), signed: bundle)
        let version = signed.firstIndex(of: bundle).map { UInt64($0 + 1) } ?? 0
        ask(
            "Policy/" + name, .apply([.policy(policy)], dryRun: false),
            as: .policy(PolicyReference(name: name, version: version)))
    }

    /// Rows that keep nothing from running: what must converge is which of them rule.
    private func sign(_ own: inout Random) -> PolicyBundle {
        let canary = places[Int(own.next() % UInt64(places.count))].id
        let row = AuthorityOverride(
            domain: own.next() % 2 == 0 ? .adaptation : .scaling,
            verdict: own.next() % 2 == 0 ? .restrict : .hold)
        let payload = PolicyPayload(
            reference: PolicyReference(name: World.policyName, version: UInt64(signed.count + 1)),
            issuedAt: WallTime(milliseconds: 0),
            notAfter: World.endOfTime,
            spec: PolicySpec(
                scope: PolicyScope(canary: own.next() % 3 == 0 ? Canary(nodes: [canary]) : nil),
                authority: [row]))
        return World.sign(payload)
    }

    // MARK: - What must hold

    /// A node makes a policy durable: somebody signed it, and it is no older than what it replaces.
    mutating func checkPolicy(_ document: Document, before: Document?, at node: Int) {
        let id = places[node].id
        guard case .policy(let bundle) = document.content,
            let version = signed.firstIndex(of: bundle)
        else {
            return violate(.security, "\(id) takes \(document.key), which nobody signed")
        }
        guard case .policy(let old) = before?.content, let held = signed.firstIndex(of: old),
            version < held
        else { return }
        violate(
            .growth,
            "\(id) goes back from version \(held + 1) of \(document.key) to \(version + 1)")
    }

    /// What is in force on a node is the newest version of each that is meant for it.
    func policyDifference(
        at place: Place, _ agent: Agent, _ stored: [StoredPolicy]
    ) -> String? {
        let meant = stored.filter { policy in
            do {
                let scope = try policy.bundle.read().spec.scope
                return scope.includes(place.id, at: place.site)
            } catch {
                return false
            }
        }
        let newest = Dictionary(meant.map { ($0.reference.name, $0.reference) }) { max($0, $1) }
        let expected = newest.values.sorted()
        guard agent.regime.policies == expected else {
            return "\(agent.regime.policies) rules there, and \(expected) should"
        }
        return nil
    }
}
