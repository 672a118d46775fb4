import Model

extension Checker {
    /// A file says what is wanted or holds what was signed; of two that differ, one would be believed
    /// wrongly.
    mutating func checkPolicy(_ written: Written) {
        let spec = written.entries.first { $0.key == "spec" && !$0.value.isNull }
        let signed = written.entries.first { $0.key == "signed" && !$0.value.isNull }
        switch (spec, signed) {
        case (nil, nil):
            add(
                .missingField, at: written.place, path: "spec",
                "a policy with neither 'spec' nor 'signed'",
                fix: "write 'spec:' with rows, then sign it: skerry policy sign -f FILE --key KEY")
        case (.some(let spec), .some):
            add(
                .duplicateEntry, at: spec.place, width: source.width(of: spec), path: "spec",
                "both 'spec' and 'signed' in one policy",
                fix: "delete 'spec': what was signed is what counts")
        default: break
        }
        var sites: [String: Place] = [:]
        let items = written["spec"]?["scope"]?["sites"]?.items ?? []
        for (index, item) in items.enumerated().prefix(Limits.policySites) {
            unique(item, "site", in: &sites, at: "spec.scope.sites[\(index)]")
        }
    }

    mutating func checkCanary(_ written: Written, at path: String) {
        let isEmpty = (written["nodes"]?.items ?? []).isEmpty && written["percent"] == nil
        guard isEmpty else { return }
        add(
            .missingField, written, at: path, "a canary without nodes",
            fix: "write nodes: [NODE], or percent: 10, or delete 'canary'")
    }
}
