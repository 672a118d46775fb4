import AsyncHTTPClient
import Foundation
import Management
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@Suite(.timeLimit(.minutes(1))) struct StreamTests {
    @Test func `a mebibyte goes in and comes out while both sides are open`() async throws {
        try await withSocket(Fleet()) { client in
            let sent = (0..<1024 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
            let (input, send) = AsyncStream.makeStream(of: ByteBuffer.self)
            let response = try await client.stream("echo", input)
            #expect(response.headers.first(name: "content-type") == "application/vnd.skerry.stream")
            var frames = FrameStream(response)

            // One piece there and back first: the answer does not wait for the request to end.
            send.yield(ByteBuffer(bytes: StreamFrame.input([1, 2, 3]).encoded))
            #expect(try await frames.next() == .output([1, 2, 3]))
            send.yield(ByteBuffer(bytes: StreamFrame.resize(.init(columns: 80, rows: 24)).encoded))
            #expect(try await frames.next() == .errorOutput([80]))

            send.yield(ByteBuffer(bytes: StreamFrame.input(sent).encoded))
            send.yield(ByteBuffer(bytes: StreamFrame.endOfInput.encoded))
            send.finish()
            var received: [UInt8] = []
            while case .output(let bytes)? = try await frames.next() {
                received += bytes
                if received.count >= sent.count { break }
            }
            #expect(received == sent)
            #expect(try await frames.next() == .exit(3))
            #expect(try await frames.next() == nil)
        }
    }

    @Test func `a client that goes away cancels the run`() async throws {
        let fleet = Fleet()
        try await withDirectory { directory in
            let path = directory + "/s"
            try await serving(fleet, on: .unixSocket(path: path)) { _ in
                try await withClient(base: unixBase(path)) { client in
                    let (input, _) = AsyncStream.makeStream(of: ByteBuffer.self)
                    var frames = FrameStream(try await client.stream("log", input, node: "n7"))
                    #expect(try await frames.next() == .output(Array("on n7\n".utf8)))
                }
                var cancellations = fleet.cancellations.makeAsyncIterator()
                #expect(await cancellations.next()?.container.name == "log")
            }
        }
    }

    @Test func `a stream outlives the idle limit`() async throws {
        var limits = Limits.production
        // Long enough that a busy machine gets the request through before it counts as idle.
        limits.idle = .seconds(3)
        try await withDirectory { [limits] directory in
            let path = directory + "/s"
            try await serving(Fleet(), on: .unixSocket(path: path), limits: limits) { _ in
                try await withClient(base: unixBase(path)) { client in
                    let (input, send) = AsyncStream.makeStream(of: ByteBuffer.self)
                    var frames = FrameStream(try await client.stream("echo", input))
                    // Begun later and as silent: once it is closed, the stream would be too.
                    let idler = try await ClientBootstrap(
                        group: MultiThreadedEventLoopGroup.singleton
                    )
                    .connect(unixDomainSocketPath: path).get()
                    try await idler.closeFuture.get()
                    send.yield(ByteBuffer(bytes: StreamFrame.input([9]).encoded))
                    #expect(try await frames.next() == .output([9]))
                }
            }
        }
    }

    @Test func `a refused stream says why in its last frame`() async throws {
        try await withSocket(Fleet()) { client in
            let (input, _) = AsyncStream.makeStream(of: ByteBuffer.self)
            var frames = FrameStream(try await client.stream("none", input))
            #expect(try await frames.next() == .missing("there is no such container"))
        }
    }

    @Test func `a run that ends does not wait for a client that keeps sending`() async throws {
        try await withSocket(Fleet()) { client in
            let (input, send) = AsyncStream.makeStream(of: ByteBuffer.self)
            for _ in 0..<100 {
                let piece = [UInt8](repeating: 7, count: 64 * 1024)
                send.yield(ByteBuffer(bytes: StreamFrame.input(piece).encoded))
            }
            var frames = FrameStream(try await client.stream("brief", input))
            #expect(try await frames.next() == .exit(0))
        }
    }

    @Test(
        arguments: [
            [9, 0, 0, 0, 0], [0, 255, 255, 255, 255], [2, 0, 0, 0, 1, 65],
            StreamFrame.exit(0).encoded,
        ] as [[UInt8]])
    func `input that makes no sense ends the stream`(bytes: [UInt8]) async throws {
        let fleet = Fleet()
        try await withSocket(fleet) { client in
            let (input, send) = AsyncStream.makeStream(of: ByteBuffer.self)
            var frames = FrameStream(try await client.stream("echo", input))
            send.yield(ByteBuffer(bytes: bytes))
            guard case .failed? = try await frames.next() else {
                return #expect(Bool(false), "the stream went on")
            }
        }
    }

    @Test func `a stream without a readable header is malformed`() async throws {
        try await withSocket(Fleet()) { client in
            #expect(try await client.send(.POST, "/api/v1/stream").status == 400)
            for header in ["%%%", "e30", "bnVsbA"] {
                let answer = try await client.send(
                    .POST, "/api/v1/stream", headers: ["X-Skerry-Stream": header])
                #expect(answer.status == 400 || answer.status == 422, "\(header): \(answer.text)")
            }
        }
    }
}

@Suite struct StreamFrameTests {
    static let frames: [StreamFrame] = [
        .input([1, 2]), .endOfInput, .resize(TerminalSize(columns: 80, rows: 24)), .output([]),
        .errorOutput([0, 255]), .exit(-1), .exit(137), .failed("gone: ü"),
    ]

    @Test(arguments: [1, 2, 5, 7, 1000])
    func `frames survive being cut into pieces`(size: Int) throws {
        let bytes = StreamFrameTests.frames.flatMap(\.encoded)
        var decoder = StreamFrameDecoder()
        var decoded: [StreamFrame] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            decoder.append(Array(bytes[start..<min(start + size, bytes.count)]))
            while let frame = try decoder.next() { decoded.append(frame) }
        }
        #expect(decoded == StreamFrameTests.frames)
        #expect(decoder.isBetweenFrames)
    }

    @Test func `the form on the wire is type, length and payload`() {
        #expect(StreamFrame.input([7, 8]).encoded == [0, 0, 0, 0, 2, 7, 8])
        #expect(
            StreamFrame.resize(.init(columns: 80, rows: 24)).encoded.dropFirst(5).elementsEqual(
                "80x24".utf8))
        #expect(StreamFrame.exit(137).encoded == [5, 0, 0, 0, 3, 49, 51, 55])
    }

    @Test func `more data than a payload holds becomes several frames`() throws {
        let data = [UInt8](repeating: 1, count: StreamFrame.payloadMax * 2 + 1)
        var decoder = StreamFrameDecoder()
        decoder.append(StreamFrame.output(data).encoded)
        var sizes: [Int] = []
        while case .output(let bytes)? = try decoder.next() { sizes.append(bytes.count) }
        #expect(sizes == [StreamFrame.payloadMax, StreamFrame.payloadMax, 1])
    }

    @Test func `a header that announces too much is refused before its payload comes`() {
        var decoder = StreamFrameDecoder(payloadMax: 10)
        decoder.append([0, 0, 0, 0, 11])
        #expect(throws: StreamFrameError.payloadTooLong(bytes: 11, bytesMax: 10)) {
            try decoder.next()
        }
    }

    @Test(arguments: ["", "80", "80x", "0x24", "80x24x1", "70000x1", "-1x2", "axb"])
    func `a size that is none is refused`(text: String) {
        var decoder = StreamFrameDecoder()
        decoder.append([2, 0, 0, 0, UInt8(text.utf8.count)] + Array(text.utf8))
        #expect(throws: StreamFrameError.malformedPayload(type: 2)) { try decoder.next() }
    }

    @Test func `an unknown type is refused`() {
        var decoder = StreamFrameDecoder()
        decoder.append([8, 0, 0, 0, 0])
        #expect(throws: StreamFrameError.unknownType(8)) { try decoder.next() }
    }

    @Test func `an edit is coded as its one field`() throws {
        let edit = Edit.labels(["a": "b", "c": nil])
        #expect(try json(edit) == #"{"labels":{"a":"b","c":null}}"#)
        #expect(try JSONDecoder().decode(Edit.self, from: Data(json(edit).utf8)) == edit)
        #expect(try json(Edit.cordon(true)) == #"{"cordon":true}"#)
    }
}

/// The frames of an answer.
struct FrameStream: ~Copyable {
    private var chunks: HTTPClientResponse.Body.AsyncIterator
    private var decoder = StreamFrameDecoder()

    init(_ response: HTTPClientResponse) { chunks = response.body.makeAsyncIterator() }

    mutating func next() async throws -> StreamFrame? {
        while true {
            if let frame = try decoder.next() { return frame }
            guard let chunk = try await chunks.next() else { return nil }
            decoder.append(Array(buffer: chunk))
        }
    }
}

extension Client {
    func stream(
        _ container: String, _ input: AsyncStream<ByteBuffer>, node: String? = nil
    ) async throws -> HTTPClientResponse {
        let id = ContainerID(
            instance: InstanceID(workload: "w", ordinal: 0), name: container)
        let request = StreamRequest(
            container: id, purpose: .exec(ExecOptions(command: ["sh"], hasInput: true)))
        let header = Data(try json(request).utf8).base64EncodedString()
            .replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
            .replacingOccurrences(of: "=", with: "")
        return try await open(
            .POST, "/api/v1/stream" + (node.map { "?node=\($0)" } ?? ""),
            headers: ["X-Skerry-Stream": header], body: .stream(input, length: .unknown))
    }
}
