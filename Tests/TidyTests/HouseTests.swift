import Testing

/// The rules of the house, held against all of its files.
@Suite struct HouseTests {
    private let files: [SourceFile]

    init() throws { files = try SourceTree.files.get() }

    @Test func `the tree is really read`() {
        #expect(files.contains { $0.path == "Package.swift" })
        #expect(files.contains { $0.path.hasPrefix("Sources/Core/Model/") })
        #expect(files.count > 50)
    }

    @Test func `rooms import only what the table allows`() {
        expectNone(files.flatMap { Rules.imports($0) })
    }

    @Test func `pure rooms know no clock, no chance and no concurrency`() {
        expectNone(files.flatMap { Rules.purity($0) })
    }

    @Test func `words that hide mistakes or open doors do not occur`() {
        expectNone(files.flatMap { Rules.words($0) })
    }

    @Test func `types are named after what they are`() {
        expectNone(files.flatMap { Rules.names($0) })
    }

    @Test func `files are short enough to read`() {
        expectNone(files.flatMap { Rules.length($0) })
    }

    @Test func `no file holds a note to its author or a path of a machine`() {
        expectNone(files.flatMap { Rules.text($0) })
    }

    @Test func `every decision is linked from the list of decisions`() {
        expectNone(Rules.decisions(files))
    }

    @Test func `every exception is still needed`() {
        let breaches = files.flatMap { Rules.words($0, allowed: []) }
        for allowance in Allowance.all {
            let isNeeded = breaches.contains {
                $0.path == allowance.path && $0.problem.hasPrefix("'\(allowance.phrase)'")
            }
            #expect(isNeeded, "\(allowance.path) does without '\(allowance.phrase)'")
        }
    }

    private func expectNone(_ breaches: [Breach]) {
        for breach in breaches { Issue.record("\(breach)") }
    }
}
