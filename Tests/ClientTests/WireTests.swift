import Client
import Foundation
import Model
import Testing

@Suite struct EventStreamTests {
    private static let stream =
        ": heartbeat\n\nevent: list\ndata: {\"a\":\ndata: 1}\nid: 7\n\r\n\r\nevent: changed\r\n"
        + "data:x\r\n\r\ndata\n\nevent: lost\n\nevent: cut off\ndata: never ends"

    @Test(arguments: 1...40)
    func `messages are the same however the stream is cut`(size: Int) throws {
        let bytes = Array(EventStreamTests.stream.utf8)
        var stream = EventStream()
        var messages: [EventStream.Message] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            messages += try stream.append(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        #expect(messages.map(\.event) == ["list", "changed", "message"])
        #expect(
            messages.map { String(decoding: $0.data, as: UTF8.self) } == ["{\"a\":\n1}", "x", ""])
    }

    @Test func `an endless line is refused`() {
        var stream = EventStream(bytesMax: 100)
        #expect(throws: EventStream.TooLong.self) {
            for _ in 0..<20 { _ = try stream.append(Array("data: abc".utf8)) }
        }
    }
}

@Suite struct TargetTests {
    @Test func `kinds and names are taken in all the ways of kubectl`() throws {
        #expect(try Target.parse(["no,wl"]) == [Target(.node), Target(.workload)])
        #expect(try Target.parse(["all"]).count == 4)
        #expect(try Target.parse(["node", "a", "b"]) == [Target(.node, "a"), Target(.node, "b")])
        #expect(
            try Target.parse(["node/a", "workloads/b"])
                == [Target(.node, "a"), Target(.workload, "b")])
    }

    @Test(arguments: [
        [], ["thing"], ["node/"], ["node/a/b"], ["nodes,sites", "a"], ["node", "../../x"],
        ["node", "a b"], ["node/a", "b"], ["node", ""],
    ])
    func `anything else is a mistake in usage`(words: [String]) {
        #expect {
            _ = try Target.parse(words)
        } throws: {
            ($0 as? Failure)?.code == .usage
        }
    }

    @Test func `selectors match as the server would`() throws {
        let selector = try Selector("zone=north,tier!=3,gpu,a==b")
        #expect(selector.text == "zone=north,tier!=3,gpu,a=b")
        #expect(selector.matches(["zone": "north", "gpu": "", "a": "b"]))
        #expect(!selector.matches(["zone": "north", "gpu": "", "a": "b", "tier": "3"]))
        #expect(!selector.matches(["zone": "north", "a": "b"]))
        #expect(try Selector("!a").matches(["b": ""]))
        #expect(!(try Selector("!a").matches(["a": ""])))
        for text in ["", ",", "=x", "a=b=c", "!", "!a=b", "a in (b)", "a,,b"] {
            #expect(throws: Failure.self) { try Selector(text) }
        }
    }

    @Test func `what to wait for is told in three ways`() throws {
        #expect(try Await.Aim("condition=Ready") == .condition("Ready", isTrue: true))
        #expect(try Await.Aim("condition=Ready=False") == .condition("Ready", isTrue: false))
        #expect(try Await.Aim("ready") == .ready)
        #expect(try Await.Aim("delete") == .deletion)
        for text in ["", "condition", "condition=", "condition=a=b", "soon"] {
            #expect(throws: Failure.self) { try Await.Aim(text) }
        }
    }
}

@Suite struct TerminalTests {
    @Test func `a terminal gets its settings back`() throws {
        var (controller, terminal): (Int32, Int32) = (0, 0)
        var size = winsize(ws_row: 24, ws_col: 132, ws_xpixel: 0, ws_ypixel: 0)
        try #require(openpty(&controller, &terminal, nil, nil, &size) == 0)
        defer {
            close(controller)
            close(terminal)
        }
        #expect(Terminal.size(of: terminal)?.columns == 132)
        let before = flags(terminal)
        do {
            guard let raw = Terminal(takingRaw: terminal) else {
                Issue.record("the terminal refuses raw mode")
                return
            }
            #expect(flags(terminal) & tcflag_t(ECHO | ICANON | ISIG) == 0)
            _ = consume raw
        }
        #expect(flags(terminal) == before)
        #expect(before & tcflag_t(ECHO) != 0)
    }

    private func flags(_ descriptor: Int32) -> tcflag_t {
        var settings = termios()
        tcgetattr(descriptor, &settings)
        return settings.c_lflag
    }

    @Test func `waiting for input ends when the task is cancelled`() async throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        let (reading, writing) = (ends[0], ends[1])
        defer {
            close(reading)
            close(writing)
        }
        let (heard, feed) = AsyncStream.makeStream(of: [UInt8]?.self)
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let pieces = try InputPieces(reading)
                feed.yield(await pieces.next(bytesMax: 10))
                feed.yield(await pieces.next(bytesMax: 10))
            }
            var pieces = heard.makeAsyncIterator()
            _ = write(writing, "hello", 5)
            #expect(await pieces.next() == Array("hello".utf8))
            group.cancelAll()
            #expect(await pieces.next() == .some(nil))
        }
    }
}
