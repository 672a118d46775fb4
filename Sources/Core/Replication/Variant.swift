package import Model

/// What a node runs of a workload that a person changed there: the hub's word and the person's,
/// brought together.
///
/// The hub works it out; until then the node keeps to the person's word.
package struct Variant: Equatable, Sendable {
    package let assignment: Assignment
    /// What the person changed.
    package let fields: [String]
    /// What the hub changed as well, to something else.
    package let conflicts: [String]

    /// The conflict where one side has the workload on the node and the other does not.
    package static let whole = "the workload as a whole"

    /// `word` is the hub's word for the node, nil where it has none; `side` is favoured.
    package init(of change: LocalChange, on word: Assignment?, favouring side: Side) {
        let own = change.assignment(over: word)
        let kept = word ?? Assignment(workload: own.workload, ordinals: [])
        guard let spec = change.spec else {
            // Taken off the node.
            fields = [Variant.whole]
            let isOther = word.map { $0.workload.spec != change.base } ?? false
            conflicts = isOther ? fields : []
            assignment = isOther && side == .hub ? kept : own
            return
        }
        guard let word, change.base != nil || !word.ordinals.isEmpty else {
            // Added here, or taken away by the hub meanwhile.
            fields = [Variant.whole]
            let isTaken = change.base != nil || word != nil
            conflicts = isTaken ? fields : []
            assignment = isTaken && side == .hub ? kept : own
            return
        }
        let merge = SpecMerge(
            base: change.base, hub: word.workload.spec, node: spec, favouring: side)
        fields = merge.fields
        conflicts = merge.conflicts
        var workload = word.workload
        workload.spec = merge.spec
        assignment = Assignment(workload: workload, ordinals: word.ordinals)
    }
}
