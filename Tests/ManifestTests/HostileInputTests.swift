import Manifest
import Model
import Testing

/// Files that are meant to break the reader, or were broken on the way. It answers all of them.
@Suite struct HostileInputTests {
    @Test func `a thousand mistakes are counted and the first two hundred shown`() {
        let fields = (0..<1000).map { "  wrong\($0): 1" }.joined(separator: "\n")
        let text = "apiVersion: skerry.dev/v1\nkind: Site\nmetadata: {name: a}\nspec:\n\(fields)\n"
        guard case .mistakes(let mistakes, let omitted) = read(text) else {
            Issue.record("taken for right")
            return
        }
        #expect(mistakes.count == 200)
        #expect(omitted == 800)
        #expect(mistakes.map(\.line) == Array(5..<205))
    }

    @Test func `mistakes of all files are given by file and place`() {
        let files = ["b.yaml", "a.yaml"].map { name in
            ManifestSource(
                name: name,
                bytes: Array("kind: Site\n---\napiVersion: skerry.dev/v1\nkind: Sit\n".utf8))
        }
        guard case .mistakes(let mistakes, 0) = ManifestReader.read(files) else {
            Issue.record("taken for right")
            return
        }
        let places = mistakes.map { "\($0.file):\($0.line) \($0.code.rawValue)" }
        #expect(
            places == [
                "b.yaml:1 SK0104", "b.yaml:1 SK0104", "b.yaml:1 SK0104", "b.yaml:4 SK0107",
                "a.yaml:1 SK0104", "a.yaml:1 SK0104", "a.yaml:1 SK0104", "a.yaml:4 SK0107",
            ])
    }

    @Test func `a file over 10 MiB is refused without being read`() {
        let bytes = [UInt8](repeating: 0xFF, count: 10 * 1024 * 1024 + 1)
        #expect(codes(bytes) == [.tooLarge])
    }

    @Test func `a document over 1 MiB is refused and the next one is still checked`() {
        let large = "text: \(String(repeating: "x", count: 1024 * 1024))\n"
        #expect(codes(large + "---\nkind: Gadget\n") == [.tooLarge, .unknownKind])
    }

    @Test func `each of three hundred repeated keys is named`() {
        let text = String(repeating: "a: 1\n", count: 300)
        guard case .mistakes(let mistakes, let omitted) = read(text) else {
            Issue.record("taken for right")
            return
        }
        // All but the first are repeated, and the kind is missing.
        #expect(mistakes.count + omitted == 300)
    }

    @Test func `a document of nothing but one key is given up on, not read for ever`() {
        #expect(codes(String(repeating: "a: 1\n", count: 20_000)).contains(.duplicateKey))
    }

    @Test(arguments: [
        String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000),
        String(repeating: "- ", count: 100_000), String(repeating: "? ", count: 100_000),
        String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
        String(repeating: "[", count: 40) + String(repeating: "]", count: 40),
        String(repeating: "{[a]: ", count: 400) + "b" + String(repeating: "}", count: 400),
    ]) func `nesting without end is refused, not followed`(_ text: String) {
        let found = codes("a: \(text)") + codes(text)
        #expect(!found.isEmpty)
        #expect(
            found.allSatisfy {
                [.tooDeep, .syntax, .missingField, .notAnObject, .wrongType]
                    .contains($0)
            }, "\(found)")
    }

    @Test func `nesting to the depth of the parser fits on the small stack of a thread`() async {
        // Threads of the concurrency runtime have less stack than the main one.
        let found = await withTaskGroup(of: [MistakeCode].self) { group in
            group.addTask {
                codes(
                    "a: " + String(repeating: "[", count: 990)
                        + String(repeating: "]", count: 990))
            }
            var found: [MistakeCode] = []
            for await codes in group { found += codes }
            return found
        }
        #expect(found.contains(.tooDeep))
    }

    @Test func `a billion laughs are one mistake`() {
        var text = "l0: &l0 [ha, ha, ha]\n"
        for level in 1...40 {
            let below = Array(repeating: "*l\(level - 1)", count: 9).joined(separator: ", ")
            text += "l\(level): &l\(level) [\(below)]\n"
        }
        #expect(codes(text) == [.alias])
        // As keys, the parser itself would compare them whole.
        #expect(codes(text + "? *l40\n: 1\n? *l39\n: 2\n") == [.alias])
        #expect(codes("a: &a x\nb: &b [*a, *a]\nc: {*b : 1}\nkind: Site\n").contains(.alias))
    }

    @Test func `words with stars and ampersands are not aliases`() {
        let text = """
            apiVersion: skerry.dev/v1
            kind: Workload
            metadata: {name: shop}
            spec:
              containers:
              - name: main
                command: [/bin/sh, -c, "a=1 &b *b; ls *b *b *b *b *b"]
                env: {URL: "http://x/?a=1&b=2", GLOB: 'x*b'}
            """
        guard case .objects(let objects) = read(text) else {
            Issue.record("\(read(text))")
            return
        }
        #expect(objects.map(\.reference) == ["Workload/shop"])
    }

    @Test func `bytes that are not UTF-8 are named by their offset`() {
        guard
            case .mistakes(let mistakes, 0) = ManifestReader.read([
                ManifestSource(name: "a.yaml", bytes: Array("kind: é\nname: ".utf8) + [0xFF, 0x41])
            ])
        else {
            Issue.record("taken for right")
            return
        }
        #expect(mistakes.map(\.code) == [.notUTF8])
        #expect(mistakes.first?.message == "byte 15 is not UTF-8")
        #expect(mistakes.first?.line == 2)
        #expect(codes([0xFF, 0xFE, 0x61, 0x00]) == [.notUTF8])
        #expect(codes([0x61, 0xC3]) == [.notUTF8])
    }

    @Test func `a byte order mark and Windows line ends are read`() {
        let text =
            "\u{FEFF}apiVersion: skerry.dev/v1\r\nkind: Site\r\nmetadata:\r\n  name: bare\r\n"
        #expect(read(text + "spec: {}\r\n---\r\n") == .objects([Samples.bare]))
    }

    @Test func `control characters reach neither the parser nor the terminal`() {
        #expect(codes("kind: \u{0}x") == [.badText])
        guard case .mistakes(let mistakes, 0) = read("kind: \"\\e[31m\u{202E}x\"") else {
            Issue.record("taken for right")
            return
        }
        let rendered = mistakes.map(\.rendered).joined()
        #expect(!rendered.unicodeScalars.contains("\u{1B}"))
        #expect(!rendered.unicodeScalars.contains("\u{202E}"))
    }

    @Test func `a line without end is shown around the mistake`() {
        let long = String(repeating: "x", count: 100_000)
        guard case .mistakes(let mistakes, _) = read("{a: \(long), kind: Gadget}") else {
            Issue.record("taken for right")
            return
        }
        #expect(mistakes.allSatisfy { $0.rendered.count < 600 })
    }

    @Test func `more than a thousand documents are refused`() {
        #expect(codes(String(repeating: "---\na: 1\n", count: 1001)).count >= 200)
        let text = ManifestWriter.yaml(
            (0...1000).map {
                Object.site(Site(metadata: Metadata(name: "s\($0)"), spec: SiteSpec()))
            }
        )
        #expect(codes(text) == [.tooMany])
    }

    @Test(arguments: 1...4) func `no change of any byte makes the reader stop`(_ part: UInt64) {
        var chance = SplitMix(state: 20_261_122 + part)
        let seed = ManifestWriter.yaml([Samples.workload, Samples.site], compact: true)
        let pieces = [
            "---\n", "\t", "*a", "&a ", "? ", "[", "{", "\"", "'", "|\n", "!!x ", "%", "<<: ",
        ]
        var right = 0
        for round in 0..<5000 {
            var bytes = Array(seed.utf8)
            for _ in 0...chance.next(below: 4) {
                let at = chance.next(below: bytes.count)
                switch chance.next(below: 5) {
                case 0: bytes[at] = UInt8(chance.next(below: 256))
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(UInt8(chance.next(below: 128)), at: at)
                case 3:
                    bytes.insert(contentsOf: pieces[chance.next(below: pieces.count)].utf8, at: at)
                default: bytes.removeSubrange(at..<min(bytes.count, at + chance.next(below: 60)))
                }
                if bytes.isEmpty { bytes = [0] }
            }
            switch ManifestReader.read([ManifestSource(name: "fuzz", bytes: bytes)]) {
            case .objects(let objects):
                right += 1
                guard round.isMultiple(of: 5) else { continue }
                // What is taken can be written and is the same then.
                let text = ManifestWriter.yaml(objects)
                #expect(
                    read(text) == .objects(objects), "\(String(decoding: bytes, as: UTF8.self))")
            case .mistakes(let mistakes, _):
                #expect(!mistakes.isEmpty)
                for mistake in mistakes { #expect(!mistake.rendered.isEmpty) }
            }
        }
        // A fuzzer that only makes rubbish tests the front door alone.
        #expect(right > 125)
    }

    private func codes(_ text: String) -> [MistakeCode] { codes(Array(text.utf8)) }

    private func codes(_ bytes: [UInt8]) -> [MistakeCode] {
        switch ManifestReader.read([ManifestSource(name: "test.yaml", bytes: bytes)]) {
        case .objects: []
        case .mistakes(let mistakes, _): mistakes.map(\.code)
        }
    }
}

/// A seeded source of chance (Steele, Lea and Flood 2014), so that a failure comes back.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func next(below limit: Int) -> Int { Int(next() % UInt64(limit)) }
}
