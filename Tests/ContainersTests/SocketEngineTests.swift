import Containers
import Model
import Testing

/// What is particular to a container engine behind a socket.
@Suite struct SocketEngineTests {
    @Test func `an absent engine is one clear failure, also for a watcher`() async throws {
        let engine = SocketEngine(socketPath: "/nonexistent/engine.sock", node: "n")
        let failure = await #expect(throws: EngineFailure.self) { try await engine.list() }
        #expect(failure?.reason == .engineUnavailable)
        #expect(failure?.message.contains("/nonexistent/engine.sock") == true)

        let told = Told()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await engine.watch { await told.add($0) } }
            defer { group.cancelAll() }
            try await eventually("the outage is told") {
                guard case .unavailable(let failure)? = await told.events.first else {
                    return false
                }
                return failure.reason == .engineUnavailable
            }
        }
    }

    @Test func `the choice of engine is read from text`() {
        #expect(EngineChoice("auto") == .auto)
        #expect(EngineChoice("process") == .process)
        #expect(EngineChoice("/run/x.sock") == .engine(socketPath: "/run/x.sock"))
        #expect(EngineChoice("unix:///run/x.sock") == .engine(socketPath: "/run/x.sock"))
        #expect(EngineChoice("tcp://host:2375") == nil)
        #expect(EngineChoice("docker") == nil)
    }

    @Test(.enabled(if: EngineKind.available.contains(.socket), "needs a container engine"))
    func `an image that is not there is told apart, at start and at pull`() async throws {
        try await Bench.with(.socket) { bench, engine in
            var request = bench.request("exit 0")
            request.spec.image = "localhost/no-such-image:1"
            let absent = request
            let atStart = await #expect(throws: EngineFailure.self) {
                try await engine.start(absent)
            }
            #expect(atStart?.reason == .imageMissing)
            let atPull = await #expect(throws: EngineFailure.self) {
                try await engine.pull("localhost/no-such-image:1")
            }
            #expect(atPull?.reason == .imagePull)
            try await engine.pull(EngineKind.image)
        }
    }

    @Test(.enabled(if: EngineKind.available.contains(.socket), "needs a container engine"))
    func `a container without an image is refused with advice`() async throws {
        try await Bench.with(.socket) { bench, engine in
            var request = bench.request("exit 0")
            request.spec.image = nil
            let bare = request
            let failure = await #expect(throws: EngineFailure.self) {
                try await engine.start(bare)
            }
            #expect(failure?.reason == .refused)
            #expect(failure?.message.contains("names no image") == true)
        }
    }

    @Test(.enabled(if: EngineKind.available.contains(.socket), "needs a container engine"))
    func `a mounted file is seen in the container and stays read only`() async throws {
        try await Bench.with(.socket) { bench, engine in
            var request = bench.request("cat /seen/hostname && ! touch /seen/x && echo sealed")
            request.spec.mounts = [Mount(source: "/etc", target: "/seen", readOnly: true)]
            _ = try await engine.start(request)
            try await engine.printed("sealed", by: bench.id())
        }
    }
}
