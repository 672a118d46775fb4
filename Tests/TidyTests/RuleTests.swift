import Testing

/// Each rule, shown something that breaks it and something that only looks like it.
@Suite struct RuleTests {
    private let pure = "Sources/Core/Model/Thing.swift"

    private func file(_ path: String, _ text: String) -> SourceFile {
        SourceFile(path: path, text: text)
    }

    @Test(arguments: [
        "import Foundation", "package import NIOCore", "import struct Glibc.stat",
        "@preconcurrency import Dispatch", "import Synchronization", "import Machines",
    ])
    func `a pure room cannot import the world or the floors above`(line: String) {
        #expect(Rules.imports(file(pure, line)).count == 1)
        #expect(Rules.imports(file("Sources/Core/Replication/A.swift", "import Model")).isEmpty)
        #expect(Rules.imports(file(pure, "// \(line)\nlet a = \"\(line)\"")).isEmpty)
    }

    @Test func `an adapter cannot see another, nor the machines`() {
        let path = "Sources/Adapters/Storage/A.swift"
        #expect(Rules.imports(file(path, "import GRDB\nimport Model")).isEmpty)
        #expect(Rules.imports(file(path, "import Transport\nimport Machines")).count == 2)
    }

    @Test func `the client cannot see the host, nor the simulation an adapter`() {
        #expect(Rules.imports(file("Sources/Client/A.swift", "import Host")).count == 1)
        #expect(Rules.imports(file("Sources/Simulation/A.swift", "import Storage")).count == 1)
    }

    @Test func `a file outside all rooms is noticed`() {
        #expect(Rules.imports(file("Sources/Attic/A.swift", "")).count == 1)
    }

    @Test(arguments: [
        "func a() async {}", "let x = await y", "actor Ledger {}", "Task { }",
        "let now = ContinuousClock.now", "var g = SystemRandomNumberGenerator()",
        "let n = Int.random(in: 0..<3)", "list.shuffled()", "list.randomElement()", "print(1)",
    ])
    func `a pure room cannot wait, roll dice or read a clock`(code: String) {
        #expect(Rules.purity(file(pure, code)).count == 1)
        #expect(Rules.purity(file("Sources/Host/A.swift", code)).isEmpty)
    }

    @Test(arguments: [
        "let n = Int.random(in: 0..<f(3), using: &random)", "let actor = \"alice\"",
        "case .async: return", "/* await /* nested */ async */", "let s = #\"await \"print\" \"#",
    ])
    func `a pure room may roll given dice and speak of actors`(code: String) {
        #expect(Rules.purity(file(pure, code)).isEmpty)
    }

    @Test(arguments: [
        "public struct A {}", "@testable import Model", "let a = try? b()", "do {} catch {}",
        "do {} catch { /* nothing */ }", "Task { a() }", "Task(priority: .low) {}",
        "Task.detached {}", "try await Task.sleep(for: .seconds(1))",
        "class A: @unchecked Sendable {}", "Thread.sleep(forTimeInterval: 1)", "usleep(3)",
    ])
    func `hiding, opening and sleeping are noticed`(code: String) {
        #expect(Rules.words(file("Sources/Host/A.swift", code), allowed: []).count == 1)
    }

    @Test(arguments: [
        "// try? public Task { }", "let a = \"try? \\(b(\"public\")) Task {\"", "group.addTask { }",
        "let a = try b()", "do {} catch { throw c }", "func `public`() {}",
        "let a = \"\"\"\n  try? \" Task {\n\"\"\"",
    ])
    func `comments, strings and look-alikes are left alone`(code: String) {
        #expect(Rules.words(file("Sources/Host/A.swift", code), allowed: []).isEmpty)
    }

    @Test func `an allowance covers one phrase in one file`() {
        let allowed = [Allowance("Sources/A.swift", "try?", "test")]
        let code = "try? a(); Task { }"
        #expect(Rules.words(file("Sources/A.swift", code), allowed: allowed).count == 1)
        #expect(Rules.words(file("Sources/B.swift", code), allowed: allowed).count == 2)
    }

    @Test(arguments: ["Manager", "Helper", "Util", "Service", "Handler", "Wrapper", "Impl"])
    func `a type named after its role is noticed`(role: String) {
        #expect(Rules.names(file("Sources/A.swift", "final class Node\(role) {}")).count == 1)
        #expect(Rules.names(file("Sources/A.swift", "let node\(role) = 1")).isEmpty)
    }

    @Test func `a long file is noticed, unless it is generated or listed`() {
        let text = String(repeating: "\n", count: 601)
        #expect(Rules.length(file("Sources/A.swift", text)).count == 1)
        #expect(Rules.length(file("Sources/A.swift", text), allowed: ["Sources/A.swift": ""]) == [])
        #expect(Rules.length(file("Sources/Generated/A.swift", text)).isEmpty)
        let page = String(repeating: "\n", count: 301)
        #expect(Rules.length(file("ARCHITECTURE.md", page)).count == 1)
        #expect(Rules.length(file("README.md", page)).isEmpty)
    }

    @Test(arguments: ["// TODO later", "FIXME", "see /home/me/x", "cd /work/main", "`/root/.x`"])
    func `notes and machine paths are noticed`(text: String) {
        #expect(Rules.text(file("README.md", text)).count == 1)
    }

    @Test(arguments: ["https://example.org/home/x", "$dir/work/x", "a/root/b", "/etc/skerry"])
    func `other paths are left alone`(text: String) {
        #expect(Rules.text(file("README.md", text)).isEmpty)
    }

    @Test func `a decision that is not linked is noticed`() {
        let index = file("docs/decisions/README.md", "- [One](one.md)")
        let pages = ["one.md", "two.md"].map { file("docs/decisions/\($0)", "") }
        #expect(Rules.decisions([index] + pages).map(\.path) == ["docs/decisions/two.md"])
    }
}
