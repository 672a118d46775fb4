import Model

extension DiskProtection {
    /// What the disk of a hub would tell a thief.
    init(ofHub vault: Vault) {
        self.init(
            sealedBy: vault.source,
            stolenDisk: vault.isSealed
                ? [
                    "names, specs, labels, events and decisions of the fleet, but no key and no value "
                        + "of a Secret, unless the thief also has what unwraps the sealing key "
                        + "(\(vault.source ?? ""))",
                    "who is root on the running hub has all of it",
                ]
                : [
                    "everything: the root's and the issuing key, so that the thief can pose as this "
                        + "hub, as any node and as an operator until every node is enrolled anew",
                    "the operator's key, the policy key if it still lies here, the keys between "
                        + "nodes for today and three days, and the values of all Secrets",
                    "to change that, start the hub with --seal (skerry hub --help)",
                ])
    }

    /// What the disk of a node would tell a thief.
    init(ofNode vault: Vault) {
        self.init(
            sealedBy: vault.source,
            stolenDisk: vault.isSealed
                ? [
                    "what this node runs, and its log, but no key and no value of a Secret, unless "
                        + "the thief also has what unwraps the sealing key (\(vault.source ?? ""))",
                    "who is root on the running node has all of it, and can speak as this node and "
                        + "for no other",
                ]
                : [
                    "this node's keys: the thief can speak as this node, and for no other, until it "
                        + "is deleted at the hub",
                    "its keys with its peers, and the values of the Secrets that its workloads use",
                    "to change that, start the agent with --seal (skerry agent --help)",
                ])
    }
}
