import Foundation
import Manifest
import Model
import Testing

/// The manifests that the project ships are the first that anybody applies.
@Suite struct ExamplesTests {
    @Test(arguments: [
        ("sites.yaml", 3), ("route-optimizer/workload.yaml", 1),
        ("route-optimizer/companions.yaml", 2),
    ])
    func `an example is read without a mistake`(name: String, count: Int) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let data = try Data(contentsOf: root.appending(path: "Examples/\(name)"))
        switch ManifestReader.read([ManifestSource(name: name, bytes: Array(data))]) {
        case .objects(let objects): #expect(objects.count == count)
        case .mistakes(let mistakes, _): Issue.record("\(mistakes)")
        }
    }
}
