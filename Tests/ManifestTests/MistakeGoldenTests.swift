import Foundation
import Manifest
import Model
import Testing

/// What people get wrong, what they are told, and that doing what they are told helps.
///
/// Each file of `Fixtures/mistakes` has three parts: the manifest, what is said of it, and the
/// manifest after the advice was followed. `BLESS=1 swift test` writes the middle part anew.
@Suite struct MistakeGoldenTests {
    @Test(arguments: Golden.all) func `a common mistake is told apart and can be put right`(
        _ golden: Golden
    ) throws {
        guard case .mistakes(let mistakes, omitted: 0) = read(golden.written) else {
            Issue.record("\(golden.name) is taken for right")
            return
        }
        let said = mistakes.map(\.rendered).joined(separator: "\n\n") + "\n"
        if ProcessInfo.processInfo.environment["BLESS"] != nil {
            try golden.write(said: said)
        } else {
            #expect(said == golden.said)
        }
        guard case .objects(let right) = read(golden.fixed) else {
            Issue.record("the advice of \(golden.name) does not help: \(read(golden.fixed))")
            return
        }
        // Where there is one good answer, putting it in place of what is underlined is enough.
        if mistakes.allSatisfy({ $0.replacement != nil }) {
            let patched = replacing(mistakes, in: golden.written)
            guard case .objects(let objects) = read(patched) else {
                Issue.record("\(patched)")
                return
            }
            #expect(objects.map(\.kind) == right.map(\.kind))
        }
    }

    @Test func `every code is explained`() {
        for code in MistakeCode.allCases {
            #expect(Schema.explain(code.rawValue)?.hasPrefix(code.rawValue) == true)
        }
    }

    private func replacing(_ mistakes: [ManifestMistake], in text: String) -> String {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        for mistake in mistakes.reversed() {
            var scalars = Array(lines[mistake.line - 1].unicodeScalars)
            let start = mistake.column - 1
            scalars.replaceSubrange(
                start..<(start + mistake.width), with: (mistake.replacement ?? "").unicodeScalars)
            lines[mistake.line - 1] = String(String.UnicodeScalarView(scalars))
        }
        return lines.joined(separator: "\n")
    }
}

struct Golden: CustomTestStringConvertible {
    let name: String
    let url: URL
    let written: String
    let said: String
    let fixed: String

    var testDescription: String { name }

    static let all: [Golden] = {
        let directory = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "Fixtures/mistakes")
        do {
            return try FileManager.default.contentsOfDirectory(
                at: directory, includingPropertiesForKeys: nil
            ).sorted { $0.path < $1.path }.map { try Golden($0) }
        } catch {
            preconditionFailure("the fixtures cannot be read: \(error)")
        }
    }()

    private init(_ url: URL) throws {
        let text = try String(contentsOf: url, encoding: .utf8)
        name = url.deletingPathExtension().lastPathComponent
        self.url = url
        let parts = text.components(separatedBy: "=== ")
        func part(_ title: String) -> String {
            let found = parts.first { $0.hasPrefix(title + "\n") }
            return String(found?.dropFirst(title.count + 1) ?? "")
        }
        written = part("written")
        said = part("said")
        fixed = part("fixed")
    }

    func write(said: String) throws {
        let text = "=== written\n\(written)=== said\n\(said)=== fixed\n\(fixed)"
        try text.write(to: url, atomically: true, encoding: .utf8)
    }
}
