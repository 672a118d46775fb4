import Foundation
import Model
import Testing

/// What an older node does with what a newer hub says.
@Suite struct DocumentCodingTests {
    private func read(_ text: String) throws -> Document {
        let decoder = JSONDecoder()
        decoder.userInfo[Document.keepsReceived] = true
        return try decoder.decode(Document.self, from: Data(text.utf8))
    }

    private func written(_ document: Document) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(document), as: UTF8.self)
    }

    @Test func `a document of an unknown kind is kept as it came`() throws {
        let text =
            #"{"content":{"recipe":{"_0":{"list":[1,2.5,true,null,"a"],"map":{}}}},"#
            + #""key":{"kind":"Recipe","name":"soup"},"revision":7}"#
        let document = try read(text)
        guard case .unknown("recipe", _) = document.content else {
            Issue.record("it was taken for \(document.content)")
            return
        }
        #expect(try written(document) == text)
    }

    @Test func `fields that a version does not know outlive it`() throws {
        let text =
            #"{"content":{"node":{"_0":{"metadata":{"annotations":{},"generation":1,"labels":{},"#
            + #""name":"n1"},"spec":{"cordoned":true,"mood":{"calm":[1]},"site":"rural"}}}},"#
            + #""key":{"kind":"Node","name":"n1"},"revision":7}"#
        var document = try read(text)
        #expect(try written(document) == text)
        #expect(try written(read(try written(document))) == text)
        guard case .node(var node) = document.content else {
            Issue.record("it was taken for \(document.content)")
            return
        }
        #expect(node.spec.cordoned)
        // What is changed here is said as it is known here.
        node.spec.cordoned = false
        document.content = .node(node)
        #expect(try !written(document).contains("mood"))
    }

    @Test(arguments: [
        #"{"content":{},"key":{"kind":"a","name":"b"},"revision":1}"#,
        #"{"content":{"site":{},"node":{}},"key":{"kind":"a","name":"b"},"revision":1}"#,
        #"{"content":{"node":{}},"key":{"kind":"a","name":"b"},"revision":1}"#,
        #"{"content":[],"key":{"kind":"a","name":"b"},"revision":1}"#,
    ])
    func `what is no document is refused`(_ text: String) {
        #expect(throws: DecodingError.self) { try read(text) }
    }

    @Test func `each kind of content is coded as it always was`() throws {
        let site = Site(metadata: Metadata(name: "s"), spec: SiteSpec())
        let workload = Workload(
            metadata: Metadata(name: "w"), spec: WorkloadSpec(tier: .critical, containers: []))
        let contents: [(Document.Content, String)] = [
            (.site(site), #""content":{"site":{"_0":{"#), (.deleted, #""content":{"deleted":{}}"#),
            (
                .assignment(Assignment(workload: workload, ordinals: [0])),
                #""content":{"assignment":{"_0":{"#
            ),
            (
                .policy(PolicyBundle(key: "k", signature: "s", payload: ["p"])),
                #""content":{"policy":{"_0":{"#
            ),
        ]
        for (content, text) in contents {
            let document = Document(key: .site("s"), revision: 1, content: content)
            #expect(try written(document).contains(text))
            #expect(try read(try written(document)) == document)
        }
    }
}
