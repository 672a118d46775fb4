import Model
import Replication

/// Secrets: what the hub keeps of them is sealed, and a node gets those alone that it runs something
/// with.
extension Hub {
    /// Whose place in a feed a Secret takes, for what a node is to run.
    func sealedValues(for assignments: [Assignment]) -> [SecretID: SealedValues] {
        var wanted: [SecretID: SealedValues] = [:]
        for assignment in assignments where !assignment.ordinals.isEmpty {
            for secret in assignment.workload.spec.containers.secrets {
                wanted[secret] = secrets[secret]?.sealed
            }
        }
        return wanted
    }

    func mistakes(in secret: Secret, of index: Int) -> [Mistake] {
        guard secret.sealed == nil else { return [] }
        return [
            Mistake(
                object: index, field: "data", message: "the values were not sealed",
                fix: "apply it at the hub: skerry apply -f FILE")
        ]
    }

    /// A workload that names a Secret which is not there would wait for it on every node.
    func secretMistakes(in spec: WorkloadSpec, of index: Int, among objects: [Object]) -> [Mistake]
    {
        var applied: [SecretID: Secret] = [:]
        for case .secret(let secret) in objects { applied[secret.id] = secret }
        return spec.containers.enumerated().flatMap { position, container in
            container.secretNeeds.sorted { $0.key < $1.key }.flatMap { id, keys -> [Mistake] in
                let field = "spec.containers[\(position)]"
                guard let known = applied[id] ?? secrets[id] else {
                    return [
                        Mistake(
                            object: index, field: field, message: "there is no Secret '\(id)'",
                            fix: "apply Secret '\(id)' first or in the same call")
                    ]
                }
                let names = known.sealed?.keys ?? []
                return keys.subtracting(names).sorted().map { key in
                    Mistake(
                        object: index, field: field + ".secretEnv",
                        message: "Secret '\(id)' has no key '\(key)'",
                        fix: "its keys are: \(names.joined(separator: ", "))")
                }
            }
        }
    }

    mutating func store(_ secret: Secret, at now: Moment) {
        var secret = secret
        let old = secrets[secret.id]
        secret.metadata = stamped(
            secret.metadata, after: old?.metadata,
            changed: old?.sealed != secret.sealed || old?.type != secret.type, at: now)
        (secret.data, secret.status) = ([:], nil)
        secrets.insert(secret, for: secret.id)
        journal.writes.append(.secret(secret))
    }

    mutating func remove(_ secret: SecretID, at now: Moment) {
        raiseFloor(to: secrets[secret]?.metadata.generation)
        secrets.remove(secret)
        journal.writes.append(.removeSecret(secret))
        let users = workloads.rows.filter { $0.spec.containers.secrets.contains(secret) }
        guard !users.isEmpty else { return }
        let names = users.map(\.metadata.name).joined(separator: ", ")
        tell(
            .warning, "SecretInUse", .secret, secret.text,
            "workloads name it still: \(names); what runs goes on, and nothing of them starts until it "
                + "is applied again", at: now)
    }

    /// A node that has a key of which nothing was known can open nothing that was sealed before.
    mutating func noteSecretsKey(_ key: String?, of node: NodeID) {
        guard let key, let member = nodes[node], member.credential.secretsKey != key else { return }
        var credential = member.credential
        credential.secretsKey = key
        nodes.update(node) { $0.credential = credential }
        journal.writes.append(.credential(node, credential))
        var renewed: [Document] = []
        nodes.update(node) { member in
            for key in member.feed.keys where key.isSecret && member.feed[key] != .deleted {
                guard let document = member.feed.restate(key, above: member.feed.head) else {
                    continue
                }
                renewed.append(document)
            }
        }
        publishLater(renewed, to: node)
    }

    /// What goes to a node: each Secret with the key that it is to be sealed by, and none to a node that
    /// has no such key.
    func addressed(_ documents: [Document], to node: NodeID) -> [Document] {
        let reader = nodes[node]?.credential.secretsKey
        return documents.compactMap { document in
            guard case .secret(var values) = document.content else { return document }
            guard let reader else { return nil }
            values.reader = reader
            var document = document
            document.content = .secret(values)
            return document
        }
    }
}

extension DocumentKey {
    var isSecret: Bool { kind == DocumentKey.secret("").kind }
}

extension Secret {
    /// What a person can change about it: values by their digest.
    var face: SecretFace {
        SecretFace(
            labels: metadata.labels, annotations: metadata.annotations, type: type, sealed: sealed)
    }
}

struct SecretFace: Equatable {
    var labels: [String: String]
    var annotations: [String: String]
    var type: String
    var sealed: SealedValues?
}
