import Foundation
import Management
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing

@Suite(.timeLimit(.minutes(1))) struct ListenerTests {
    @Test func `the socket is for its owner alone, and gone afterwards`() async throws {
        try await withDirectory { directory in
            let path = directory + "/s"
            try await serving(Fleet(), on: .unixSocket(path: path)) { _ in
                let file = try FileManager.default.attributesOfItem(atPath: path)
                #expect((file[.posixPermissions] as? Int) == 0o600)
                #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["s"])
            }
            #expect(try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty)
        }
    }

    @Test func `a living socket is not taken over`() async throws {
        try await withDirectory { directory in
            let path = directory + "/s"
            try await serving(Fleet(), on: .unixSocket(path: path)) { _ in
                let second = ManagementServer(
                    backend: Fleet(), listener: .unixSocket(path: path))
                await #expect(throws: ListenerError.socketInUse(path)) {
                    try await second.run { _ in }
                }
                try await withClient(base: unixBase(path)) { client in
                    let health = try await client.get("/healthz")
                    #expect(health.status == 200)
                }
            }
        }
    }

    @Test func `the socket of a dead process is replaced`() async throws {
        try await withDirectory { directory in
            let path = directory + "/s"
            try leaveSocket(at: path)
            #expect(FileManager.default.fileExists(atPath: path))
            // What a process leaves that died between making the socket and moving it.
            try FileManager.default.createDirectory(
                atPath: path + ".d", withIntermediateDirectories: false)
            try await serving(Fleet(), on: .unixSocket(path: path)) { _ in
                try await withClient(base: unixBase(path)) { client in
                    let health = try await client.get("/healthz")
                    #expect(health.status == 200)
                }
            }
        }
    }

    @Test func `a file that is no socket stays`() async throws {
        try await withDirectory { directory in
            let path = directory + "/s"
            try Data("precious".utf8).write(to: URL(filePath: path))
            let server = ManagementServer(backend: Fleet(), listener: .unixSocket(path: path))
            await #expect(throws: ListenerError.socketPathTaken(path)) {
                try await server.run { _ in }
            }
            #expect(try Data(contentsOf: URL(filePath: path)) == Data("precious".utf8))
        }
    }

    @Test func `a path that is too long or nowhere is refused in one sentence`() async throws {
        let long = "/tmp/" + String(repeating: "x", count: 99)
        await #expect(throws: ListenerError.socketPathTooLong(long, bytesMax: 99)) {
            try await ManagementServer(backend: Fleet(), listener: .unixSocket(path: long))
                .run { _ in }
        }
        await #expect {
            try await ManagementServer(
                backend: Fleet(), listener: .unixSocket(path: "/nonexistent/dir/s")
            ).run { _ in }
        } throws: { error in
            "\(error)".contains("No such file or directory") && !"\(error)".contains("\n")
        }
    }

    @Test func `the longest path that is allowed works`() async throws {
        try await withDirectory { directory in
            let path = directory + "/" + String(repeating: "y", count: 98 - directory.utf8.count)
            #expect(path.utf8.count == 99)
            try await serving(Fleet(), on: .unixSocket(path: path)) { _ in
                #expect(FileManager.default.fileExists(atPath: path))
            }
        }
    }

    @Test func `a taken port is named`() async throws {
        let authority = try Authority()
        try await serving(Fleet(), on: try authority.listener()) { port in
            let second = ManagementServer(
                backend: Fleet(), listener: try authority.listener(port: port))
            await #expect(throws: ListenerError.addressTaken("127.0.0.1:\(port)")) {
                try await second.run { _ in }
            }
        }
    }

    @Test func `an address of another machine is named`() async throws {
        let server = ManagementServer(
            backend: Fleet(), listener: try Authority().listener(host: "192.0.2.1"))
        await #expect {
            try await server.run { _ in }
        } throws: { error in
            guard case .addressUnusable("192.0.2.1:0", _)? = error as? ListenerError else {
                return false
            }
            return true
        }
    }

    @Test func `a server stops while clients hold connections open`() async throws {
        try await withDirectory { directory in
            let path = directory + "/s"
            try await withClient(base: unixBase(path)) { client in
                try await serving(Fleet(), on: .unixSocket(path: path)) { _ in
                    let health = try await client.get("/healthz")
                    #expect(health.status == 200)
                    let (input, _) = AsyncStream.makeStream(of: ByteBuffer.self)
                    var frames = FrameStream(try await client.stream("log", input))
                    _ = try await frames.next()
                    var events = EventReader(
                        try await client.open(.GET, "/api/v1/nodes?watch=true"))
                    _ = try await events.next()
                }
            }
        }
    }
}

/// A socket file as a process leaves it that died. Not inherited by what other tests start, which
/// would keep it alive.
private func leaveSocket(at path: String) throws {
    let descriptor = socket(
        AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    try #require(result == 0)
}
