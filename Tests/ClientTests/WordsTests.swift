import Client
import Model
import Testing

@Suite struct VisibleTextTests {
    @Test func `what acts on a terminal is spelled out`() {
        #expect(
            visible("a\u{1B}[31mb\u{202E}c\u{9B}d\u{200B}")
                == "a\\u{1B}[31mb\\u{202E}c\\u{9B}d\\u{200B}")
        #expect(visible("Ängström 東京 🚚") == "Ängström 東京 🚚")
        #expect(visible("a\nb", keeping: ["\n"]) == "a\nb")
        #expect(visible("a\r\nb", keeping: ["\n"]) == "a\\u{D}\nb")
    }

    @Test(arguments: 1...7)
    func `a stream shows the same however it is cut`(size: Int) {
        let bytes = Array("東京\u{1B}[2J🚚 ok\n\u{202E}é".utf8) + [0xFF, 0xE6]
        var text = StreamText()
        var shown = ""
        for start in stride(from: 0, to: bytes.count, by: size) {
            shown += text.append(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        shown += text.finish()
        #expect(shown == "東京\\u{1B}[2J🚚 ok\n\\u{202E}é\u{FFFD}\u{FFFD}")
    }
}

@Suite struct AgeTests {
    @Test(arguments: [
        (0, "0s"), (119, "119s"), (192, "3m12s"), (600, "10m"), (10_800, "3h"), (12_600, "3h30m"),
        (147_600, "41h"), (172_800, "2d"), (262_800, "3d1h"), (900_000, "10d"),
        (63_158_400, "2y1d"),
    ])
    func `an age has the two units that matter`(seconds: Int64, text: String) {
        #expect(Age(of: Fleet.ago(seconds), asOf: Fleet.now)?.description == text)
    }

    @Test func `a time ahead of the server is no age, unless the clocks only differ a little`() {
        #expect(Age(of: Fleet.now + .seconds(30), asOf: Fleet.now)?.description == "0s")
        #expect(Age(of: Fleet.now + .seconds(300), asOf: Fleet.now) == nil)
        #expect(Age(of: nil, asOf: Fleet.now) == nil)
    }
}

@Suite struct TextTableTests {
    private func lines(_ kind: Kind, _ objects: [Object], width: Int?, isWide: Bool = false)
        -> String
    {
        let picture = Picture(asOf: Fleet.now, vantage: .hub, nodes: Fleet.nodes)
        return ObjectTables(picture: picture, isWide: isWide).table(kind, objects)
            .lines(width: width, colours: false).joined(separator: "\n")
    }

    @Test func `a pipe gets every column in full`() {
        #expect(
            lines(.node, Fleet.nodes, width: nil) == """
                NAME         SITE       STATE            LAST-SEEN   ENGINE    REVISION   CPU\
                                MEM                   AGE
                rural-1      rural      Autonomous       41h         process   7/9        \
                250m/2 (41h ago)   412Mi/2Gi (41h ago)   4d4h
                suburban-1   suburban   Ready,Cordoned   3s          process   7/9        \
                250m/2             412Mi/2Gi             4d4h
                urban-1      urban      Ready            3s          process   7/9        \
                250m/2             412Mi/2Gi             4d4h
                """)
        #expect(
            lines(.node, Fleet.nodes, width: nil) == lines(.node, Fleet.nodes, width: 160))
    }

    @Test func `a narrow terminal keeps the name, the state and when it was seen`() {
        #expect(
            lines(.node, Fleet.nodes, width: 40) == """
                NAME         STATE            LAST-SEEN
                rural-1      Autonomous       41h
                suburban-1   Ready,Cordoned   3s
                urban-1      Ready            3s
                """)
    }

    @Test func `an instance of a node that is cut off is shown as what it was, and when`() {
        #expect(
            lines(.instance, Fleet.instances, width: nil) == """
                NAME                NODE      SITE    STATE               READY     RESTARTS   \
                AS-OF   ADDRESS
                route-optimizer-0   urban-1   urban   Running             yes       1          \
                3s      http:30001
                route-optimizer-1   rural-1   rural   Running (41h ago)   was yes   1          \
                41h     http:30001
                """)
        #expect(
            lines(.instance, Fleet.instances, width: 80) == """
                NAME                NODE      STATE               READY     RESTARTS   AS-OF
                route-optimizer-0   urban-1   Running             yes       1          3s
                route-optimizer-1   rural-1   Running (41h ago)   was yes   1          41h
                """)
    }

    @Test func `a node speaks for its own instances at first hand, in contact or not`() {
        let picture = Picture(asOf: Fleet.now, vantage: .node)
        let table = ObjectTables(picture: picture).table(.instance, Fleet.instances)
        let lines = table.lines(width: nil, colours: false)
        #expect(lines[2].contains("Running   yes "))
    }

    @Test func `workloads and sites show how old their figures are`() {
        #expect(
            lines(.workload, [.workload(Fleet.workload())], width: 80) == """
                NAME              TIER   READY   AS-OF   AGE
                route-optimizer   1      2/3     75s     25h
                """)
        let site = Object.site(
            Site(
                metadata: Metadata(name: "rural", createdAt: Fleet.ago(1000)), spec: SiteSpec(),
                status: SiteStatus(nodes: 2, nodesInContact: 1, observedAt: Fleet.ago(2))))
        #expect(
            lines(.site, [site], width: nil, isWide: true) == """
                NAME    NODES   IN-CONTACT   AGE   AS-OF   WINDOW   LINK   LOCATION   LABELS
                rural   2       1            16m   2s      72h      -      -          -
                """)
    }

    @Test func `what was never heard is unknown, not fine`() {
        let node = Object.node(
            Node(metadata: Metadata(name: "new"), spec: NodeSpec(site: "rural")))
        #expect(
            lines(.node, [node], width: nil).hasSuffix(
                "new    rural   unknown   never       unknown   unknown    "
                    + "unknown   unknown   unknown"))
    }

    @Test func `no line is wider than the terminal, whatever it shows`() {
        let long = String(repeating: "東京\u{202E}x", count: 30)
        let instance = Fleet.instance(
            0, node: "urban-1", site: "urban", message: long, reason: long)
        let picture = Picture(asOf: Fleet.now, vantage: .hub, nodes: Fleet.nodes)
        let table = ObjectTables(picture: picture, isWide: true).table(
            .instance, Fleet.instances + [instance])
        for width in 1...200 {
            for line in table.lines(width: width, colours: false) {
                // Wide characters take two cells; all others of this table take one.
                let cells = line.unicodeScalars.reduce(0) { $0 + ($1.value > 0x2FFF ? 2 : 1) }
                #expect(cells <= width)
            }
        }
    }

    @Test func `colours only add to the words`() {
        let table = ObjectTables(
            picture: Picture(asOf: Fleet.now, vantage: .hub, nodes: Fleet.nodes)
        ).table(.node, Fleet.nodes)
        let coloured = table.lines(width: 80, colours: true).joined(separator: "\n")
        #expect(coloured.contains("\u{1B}[32mReady\u{1B}[0m"))
        #expect(
            coloured.replacing(/\u{1B}\[[0-9]+m/, with: "")
                == table.lines(width: 80, colours: false).joined(separator: "\n"))
    }
}

@Suite struct LineDifferenceTests {
    @Test func `a change is shown with three lines around it`() {
        let old = (1...20).map { "line \($0)" }.joined(separator: "\n")
        let new = old.replacing("line 10\n", with: "line ten\nand a half\n")
        #expect(
            LineDifference(from: old, to: new).unified(old: "a", new: "b", colours: false)
                .joined(separator: "\n") == """
                    --- a
                    +++ b
                    @@ -7,7 +7,8 @@
                     line 7
                     line 8
                     line 9
                    -line 10
                    +line ten
                    +and a half
                     line 11
                     line 12
                     line 13
                    """)
    }

    @Test func `equal texts differ in nothing, and a new one in everything`() {
        #expect(LineDifference(from: "a\nb\n", to: "a\nb\n").isEmpty)
        #expect(
            LineDifference(from: "", to: "a\nb\n").unified(old: "0", new: "1", colours: false)
                == ["--- 0", "+++ 1", "@@ -0,0 +1,2 @@", "+a", "+b"])
    }

    @Test(arguments: 0..<50)
    func `both texts can be read back from the difference`(seed: Int) {
        var state = UInt64(seed) &+ 0x9E37_79B9_7F4A_7C15
        func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
        let old = (0..<next(30)).map { _ in "\(next(5))" }
        let new = (0..<next(30)).map { _ in "\(next(5))" }
        let lines = LineDifference(
            from: old.map { $0 + "\n" }.joined(), to: new.map { $0 + "\n" }.joined()
        ).lines
        let before = lines.compactMap { line -> String? in
            switch line {
            case .same(let text), .removed(let text): text
            case .added: nil
            }
        }
        let after = lines.compactMap { line -> String? in
            switch line {
            case .same(let text), .added(let text): text
            case .removed: nil
            }
        }
        #expect(before == old)
        #expect(after == new)
    }
}
