package import Model
import Replication

/// Secrets on a node: sealed in its store, named by what it runs, opened by whoever starts that.
extension Agent {
    /// As people on the node may see what it has: names, and what the values are called.
    package var secretObjects: [Secret] {
        secrets.sorted { $0.key < $1.key }.map { id, values in
            Secret(metadata: Metadata(name: id.text), sealed: values).shown
        }
    }

    /// The Secrets that this node has.
    var secrets: [SecretID: SealedValues] {
        var known: [SecretID: SealedValues] = [:]
        for id in heldSecrets {
            guard case .secret(let values) = replica[.secret(id)] else { continue }
            known[id] = values
        }
        return known
    }

    private var heldSecrets: Set<SecretID> {
        Set(held.rows.flatMap { $0.assignment?.spec.containers.secrets ?? [] })
    }

    /// Tells each instance which Secrets it should have been started with.
    mutating func noteSecrets() {
        guard !heldSecrets.isEmpty else { return }
        let known = secrets
        for id in held.keys {
            held.update(id) { instance in
                let names = instance.assignment?.spec.containers.secrets ?? []
                guard !names.isEmpty || !instance.secrets.isEmpty else { return }
                instance.secrets = [:]
                for name in names { instance.secrets[name.text] = known[name]?.digest }
            }
        }
    }

    /// Of the Secrets that a workload names, as they are here now; nil where it names none.
    func digests(for workload: Workload) -> [String: String]? {
        var digests: [String: String] = [:]
        for id in workload.spec.containers.secrets {
            if case .secret(let values) = replica[.secret(id)] { digests[id.text] = values.digest }
        }
        return digests.isEmpty ? nil : digests
    }

    /// Why an instance cannot start for want of a Secret.
    func missingSecret(of instance: Held) -> Unit.Trouble? {
        for container in instance.record.containers {
            for (id, keys) in container.secretNeeds.sorted(by: { $0.key < $1.key }) {
                guard case .secret(let values) = replica[.secret(id)] else {
                    return Unit.Trouble(
                        reason: "SecretMissing",
                        message: "Secret '\(id)' is not on this node; apply it at the hub")
                }
                guard let key = keys.subtracting(values.keys).min() else { continue }
                return Unit.Trouble(
                    reason: "SecretMissing",
                    message: "Secret '\(id)' has no key '\(key)'; apply it at the hub with that key"
                )
            }
        }
        return nil
    }

    /// What a start of this container needs.
    func sealedValues(for container: ContainerSpec) -> [SecretID: SealedValues] {
        var values: [SecretID: SealedValues] = [:]
        for id in container.secretNeeds.keys {
            if case .secret(let sealed) = replica[.secret(id)] { values[id] = sealed }
        }
        return values
    }
}

extension Held {
    /// Whether a Secret has changed since what runs was started. One that is gone changes nothing:
    /// what runs goes on.
    var hasOldSecrets: Bool {
        secrets.contains { name, digest in record.secrets?[name] != digest }
    }
}
