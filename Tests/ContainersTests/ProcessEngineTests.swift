import Containers
import Foundation
import Glibc
import Model
import Testing

/// What is particular to workloads that run as processes of the node.
@Suite struct ProcessEngineTests {
    @Test func `an agent killed before it wrote the record finds the process`() async throws {
        try await Bench.with(.process) { bench, _ in
            let started = try await bench.engine().start(bench.request("exec sleep 1000"))
            try FileManager.default.removeItem(atPath: "\(bench.directory)/w-0.main.json")

            let next = try bench.engine()
            let again = try await next.start(bench.request("exec sleep 1000"))
            #expect(again.handle == started.handle)
            #expect(again.edition == started.edition)
            #expect(try bench.processes().count == 1)
        }
    }

    @Test func `an orphan of another agent is adopted and its end is noticed`() async throws {
        try await Bench.with(.process) { bench, engine in
            // Started by a shell that ends at once: nobody here can collect its code.
            let shell = Process()
            shell.executableURL = URL(fileURLWithPath: "/bin/sh")
            shell.arguments = ["-c", "setsid sleep 1000 >/dev/null 2>&1 &"]
            shell.environment = [
                "SKERRY_CONTAINER": "\(bench.node)/w-0/main", "SKERRY_GENERATION": "4",
                "SKERRY_ENGINE": bench.directory, "PATH": "/usr/bin:/bin",
            ]
            try shell.run()
            try await eventually("it is adopted") {
                try await engine.state(of: bench.id()) == .running
            }
            let adopted = try #require(try await engine.list().first)
            #expect(adopted.edition.generation == 4)

            try await watching(engine) { told in
                let pid = try #require(pid_t(adopted.handle.prefix { $0 != "@" }))
                kill(pid, SIGKILL)
                try await eventually("its end is told, without a code") {
                    await told.exit(of: adopted.handle) == Exit(code: nil)
                }
            }
        }
    }

    @Test func `a record of an earlier boot means exited, whoever has the number`() async throws {
        try await Bench.with(.process) { bench, engine in
            _ = try await engine.start(bench.request("exec sleep 1000"))
            try await engine.stop(bench.id(), grace: .zero)
            for (boot, ticks) in [("another-boot", 1), (try currentBoot(), 1)] {
                let record = """
                    {"id":{"instance":{"workload":"w","ordinal":0},"name":"main"},"generation":1,\
                    "pid":\(getpid()),"startTicks":\(ticks),"bootID":"\(boot)",\
                    "startedAt":"2026-01-01T00:00:00.000Z","command":["x"]}
                    """
                try Data(record.utf8).write(
                    to: URL(fileURLWithPath: "\(bench.directory)/w-0.main.json"))
                #expect(
                    try await bench.engine().state(of: bench.id()) == .exited(Exit(code: nil)))
            }
        }
    }

    @Test func `a record torn by a crash is no obstacle`() async throws {
        try await Bench.with(.process) { bench, engine in
            try Data("{\"id\":".utf8).write(
                to: URL(fileURLWithPath: "\(bench.directory)/w-0.main.json"))
            #expect(try await engine.list().isEmpty)
            #expect(try await engine.start(bench.request("exec sleep 1000")).state == .running)
        }
    }

    @Test func `what a container leaves behind ends with it, in its own session too`() async throws
    {
        try await Bench.with(.process) { bench, engine in
            _ = try await engine.start(
                bench.request("sleep 1000 & setsid sleep 1000 & echo ready; wait"))
            try await engine.printed("ready", by: bench.id())
            try await eventually("three processes run") { try bench.processes().count >= 3 }
            try await engine.stop(bench.id(), grace: .seconds(10))
            try await eventually("none is left") { try bench.processes().isEmpty }
        }
    }

    @Test func `children end with a main process that ends by itself`() async throws {
        try await Bench.with(.process) { bench, engine in
            _ = try await engine.start(bench.request("setsid sleep 1000 & sleep 0.1; exit 0"))
            try await eventually("it ends") {
                try await engine.state(of: bench.id()) == .exited(Exit(code: 0))
            }
            try await eventually("none is left") { try bench.processes().isEmpty }
        }
    }

    @Test func `the log keeps to its cap and keeps the end`() async throws {
        try await Bench.with(.process) { bench, engine in
            try await watching(engine) { _ in
                _ = try await engine.start(
                    bench.request(
                        """
                        i=0; while [ $i -lt 4000 ]; do
                        echo "line $i ............................................"; i=$((i+1))
                        done; echo done; exec sleep 1000
                        """))
                try await engine.printed("done", by: bench.id())
                try await eventually("it is within 64 KiB") { try bench.logBytes() <= 64 * 1024 }
                let lines = try await engine.logs(of: bench.id(), tail: 2).lines
                #expect(lines.count == 2)
                #expect(lines.first?.hasPrefix("line 3999") == true)
                #expect(lines.last == "done")
            }
        }
    }

    @Test func `an image without a command is refused with advice`() async throws {
        try await Bench.with(.process) { bench, engine in
            var request = bench.request(command: [])
            request.spec.image = "registry.example/app:1"
            let imageOnly = request
            let failure = await #expect(throws: EngineFailure.self) {
                try await engine.start(imageOnly)
            }
            #expect(failure?.reason == .refused)
            #expect(failure?.message.contains("registry.example/app:1") == true)
        }
    }

    @Test func `a mount to another path is refused, one to the same path is fine`() async throws {
        try await Bench.with(.process) { bench, engine in
            var request = bench.request("exec sleep 1000")
            request.spec.mounts = [Mount(source: "/tmp", target: "/data")]
            let moved = request
            let failure = await #expect(throws: EngineFailure.self) {
                try await engine.start(moved)
            }
            #expect(failure?.reason == .refused)

            request.spec.mounts = [Mount(source: "/tmp", target: "/tmp")]
            let started = try await engine.start(request)
            #expect(started.state == .running)
        }
    }

    @Test func `a processor limit reaches the kernel`() async throws {
        try await Bench.with(.process) { bench, engine in
            let limitations = await engine.status().limitations
            guard !limitations.contains(where: { $0.hasPrefix("processor") }) else {
                try #require(!EngineKind.isBuildMachine, "the build machine must limit processors")
                return
            }
            var request = bench.request(
                """
                for group in $(cut -d: -f3 /proc/self/cgroup | grep skerry | sort -u); do
                cat /sys/fs/cgroup/cpu$group/cpu.cfs_quota_us /sys/fs/cgroup$group/cpu.max
                done 2>/dev/null; exit 0
                """)
            request.spec.resources.cpu = CPUShare(millicores: 250)
            _ = try await engine.start(request)
            try await eventually("it ends") {
                try await engine.state(of: bench.id()) == .exited(Exit(code: 0))
            }
            let lines = try await engine.logs(of: bench.id()).lines
            #expect(lines == ["25000"] || lines == ["25000 100000"])
        }
    }

    @Test func `a process inherits no descriptor of the agent`() async throws {
        try await Bench.with(.process) { bench, engine in
            let leak = open("/dev/null", O_RDONLY)
            defer { close(leak) }
            _ = try await engine.start(bench.request(command: ["ls", "/proc/self/fd"]))
            try await eventually("it ends") {
                try await engine.state(of: bench.id()) == .exited(Exit(code: 0))
            }
            // 3 is the directory that ls itself reads.
            #expect(try await engine.logs(of: bench.id()).lines == ["0", "1", "2", "3"])
        }
    }
}

extension Bench {
    fileprivate func logBytes() throws -> Int {
        try ["w-0.main.log", "w-0.main.log.1"].reduce(0) { sum, name in
            let path = "\(directory)/\(name)"
            guard FileManager.default.fileExists(atPath: path) else { return sum }
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int
            return sum + (size ?? 0)
        }
    }
}

private func currentBoot() throws -> String {
    try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        .trimmingCharacters(in: .whitespacesAndNewlines)
}
