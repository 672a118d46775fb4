import AsyncHTTPClient
import Foundation
import Glibc
import Model
import NIOCore
import NIOHTTP1
import Testing

/// Whole processes, as a person starts them. One at a time: each test starts several.
@Suite(.serialized) struct EndToEndTests {
    @Test func `a node joins by token, serves what is applied, and ends what is deleted`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(routes("routes"))
            try await stage.ready("workload/routes")
            let instance = try #require(try await stage.instances().first)
            let port = try #require(instance.ports["http"])
            #expect(try await answersRoute(port))

            let name = "\(instance.id)"
            #expect(try await stage.skerry("get nodes,workloads,instances").text.contains(name))
            #expect(try await stage.skerry("describe instance \(name)").text.contains("Running"))
            #expect(try await stage.skerry("logs \(name)").code == 0)
            let echo = try await stage.skerry("exec \(name) -- echo at the edge")
            #expect(echo.text == "at the edge\n")
            #expect(try await stage.skerry("exec \(name) -- false").code == 1)
            #expect(try await stage.skerry("events").text.contains("routes"))

            #expect(try await stage.skerry("delete workload routes").code == 0)
            try await eventually("its process to end") { try stage.workloadProcesses().isEmpty }
            try await eventually("its instance to be forgotten") {
                try await stage.instances().isEmpty
            }
            #expect(try await stage.skerry("get workload routes").code == 3)
        }
    }

    @Test
    func
        `an agent killed while cut off adopts what it ran, and nothing restarts when the hub is back`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(routes("routes"))
            try await stage.ready("workload/routes")
            let before = try stage.workloadProcesses()
            let port = try #require(try await stage.instances().first?.ports["http"])
            #expect(before.count == 1)

            try await stage.hub?.crash()
            try await stage.agents["node-1"]?.crash()
            #expect(try stage.workloadProcesses() == before)
            #expect(try await answersRoute(port))

            try await stage.startAgent()
            try await eventually("the node to know its instance") {
                try await stage.instances(on: "node-1").first?.ready == true
            }
            #expect(try await stage.instances(on: "node-1").map(\.restarts) == [0])

            try await stage.startHub()
            try await stage.ready("node/node-1")
            try await eventually("the hub to hear of the instance from its node") {
                try await stage.instances().first?.phase == .running
            }
            #expect(try await stage.instances().map(\.restarts) == [0])
            #expect(try stage.workloadProcesses() == before)
        }
    }

    @Test func `after everything is killed a node without a hub serves again on the same port`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(routes("routes"))
            try await stage.ready("workload/routes")
            let port = try #require(try await stage.instances().first?.ports["http"])
            try await stage.hub?.crash()
            try await stage.agents["node-1"]?.crash()
            let before = try stage.workloadProcesses()
            for process in before { kill(process.id, SIGKILL) }
            try await eventually("it to be gone") { try stage.workloadProcesses().isEmpty }

            try await stage.startAgent()
            try await eventually("it to serve again") { try await answersRoute(port) }
            let after = try stage.workloadProcesses()
            #expect(after.count == 1)
            #expect(after != before)
        }
    }

    @Test func `an agent that stood still for some seconds restarts nothing`() async throws {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(sleeper("quiet", seconds: 7001))
            try await stage.ready("workload/quiet")
            let before = try stage.workloadProcesses()
            let agent = try #require(stage.agents["node-1"])
            agent.signal(SIGSTOP)
            // An intent that arrives meanwhile is the proof that it really stood still, and woke.
            try await stage.apply(sleeper("late", seconds: 7002))
            let stood = ContinuousClock.now
            try await eventually("some seconds to pass") {
                ContinuousClock.now - stood > .seconds(4)
            }
            #expect(try stage.workloadProcesses() == before)
            agent.signal(SIGCONT)
            try await stage.ready("workload/late")
            #expect(try await stage.instances().map(\.restarts) == [0, 0])
            #expect(Set(try stage.workloadProcesses()).isSuperset(of: before))
            #expect(try stage.workloadProcesses().count == 2)
        }
    }

    @Test
    func `a node answers for itself while its hub is dead, and the client says what it heard last`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(sleeper("quiet", seconds: 7003))
            try await stage.ready("workload/quiet")
            #expect(try await stage.skerry("get instances").code == 0)
            try await stage.hub?.crash()

            let own = try await stage.skerry("get instances", on: "node-1")
            #expect(own.code == 0)
            #expect(own.text.contains("quiet-"))
            let heard = try await stage.skerry("get instances")
            #expect(heard.code == 5)
            #expect(heard.text.contains("quiet-"))
            #expect(heard.remarks.contains("not reachable"))
            #expect(try await stage.skerry("delete workload quiet").code == 5)
            #expect(try await stage.skerry("cordon node-1", on: "node-1").code == 4)
        }
    }

    @Test func `a watch lives through a restart of the hub, and repeats nothing`() async throws {
        try await Stage.with { stage in
            try await stage.openHub()
            let watch = try stage.start(["get", "sites", "-o", "name", "-w"])
            let events = try stage.start(["events", "-w"])
            try await eventually("it to begin") {
                try watch.written.contains("urban") && events.written.contains("urban")
            }
            // Both ways in which a hub goes: with a farewell, and without.
            for number in [SIGTERM, SIGKILL] {
                stage.hub?.signal(number)
                _ = try await stage.hub?.ended()
                try await stage.startHub()
                for program in [watch, events] {
                    try await eventually("it to be back") {
                        guard program.isRunning else {
                            throw Vain(description: try program.remarks)
                        }
                        let count = try program.remarks.split(separator: "\n")
                            .count { $0 == "in contact again" }
                        return count == (number == SIGTERM ? 1 : 2)
                    }
                }
            }
            try await stage.apply(
                "apiVersion: skerry.dev/v1\nkind: Site\nmetadata: {name: rural}\nspec: {}\n")
            try await eventually("the change to be shown") {
                try watch.written.contains("rural") && events.written.contains("rural")
            }
            #expect(try watch.written == "site/urban\nsite/rural\n")
            #expect(try events.written.split(separator: "\n").count { $0.contains("urban") } == 1)
        }
    }

    @Test func `up starts three sites and leaves nothing running`() async throws {
        try await Stage.with { stage in
            let up = try await startUp(on: stage)
            #expect(try stage.workloadProcesses().count == 3)
            for port in try await stage.instances().compactMap({ $0.ports["http"] }) {
                #expect(try await answersRoute(port))
            }
            up.signal(SIGINT)
            #expect(try await up.ended() == 0)
            #expect(try stage.workloadProcesses().isEmpty)
            #expect(try await stage.skerry("get nodes").code == 5)
        }
    }

    @Test func `up that is killed takes hub, agents and workloads with it`() async throws {
        try await Stage.with { stage in
            let up = try await startUp(on: stage)
            let daemons = try stage.daemons()
            #expect(daemons.count == 4)
            #expect(try stage.workloadProcesses().count == 3)
            try await up.crash()
            try await eventually("the workloads to end") {
                try stage.workloadProcesses().isEmpty
            }
            try await eventually("hub and agents to end") { try stage.daemons().isEmpty }
        }
    }

    @Test func `up that is killed while it stops still takes the workloads with it`() async throws {
        try await Stage.with { stage in
            let up = try await startUp(on: stage)
            up.signal(SIGTERM)
            try await eventually("it to stop") { try up.written.contains("stopping; ") }
            try await up.crash()
            try await eventually("hub and agents to end") { try stage.daemons().isEmpty }
            #expect(try stage.workloadProcesses().isEmpty)
        }
    }

    @Test func `a second up on the same ports says so and leaves the first alone`() async throws {
        try await Stage.with { stage in
            let up = try await startUp(on: stage)
            let second = try stage.start([
                "up", "--state", stage.directory + "/second", "--port", "\(stage.ports.lowerBound)",
            ])
            #expect(try await second.ended() == 1)
            #expect(try second.remarks.contains("is taken"))
            #expect(up.isRunning)
            #expect(try await stage.skerry("get nodes").code == 0)
        }
    }

    @Test func `settings of the caller do not reach the hub and the nodes of up`() async throws {
        try await Stage.with { stage in
            _ = try await startUp(
                on: stage,
                adding: [
                    "SKERRY_ADVERTISE": "elsewhere.invalid", "SKERRY_HUB": "elsewhere.invalid:1",
                    "SKERRY_NAME": "other", "SKERRY_CPU": "77",
                ])
            #expect(try await stage.skerry("version").text.contains("hub up"))
            // Digests and times have any digits.
            let processors = try await stage.skerry("get nodes -o yaml").text
                .split(separator: "\n").filter { $0.contains("cpu:") }
            #expect(!processors.isEmpty)
            #expect(!processors.contains { $0.hasSuffix(": 77") || $0.hasSuffix("\"77\"") })
        }
    }

    /// `skerry up` with the route optimiser at its three sites.
    private func startUp(
        on stage: Stage, adding variables: [String: String] = [:]
    ) async throws -> Program {
        try Data(routes("routes").utf8)
            .write(to: URL(fileURLWithPath: stage.directory + "/routes.yaml"))
        let up = try stage.start(
            [
                "up", "--state", stage.directory + "/up", "--engine", "process", "--port",
                "\(stage.ports.lowerBound)", "-f", stage.directory + "/routes.yaml",
            ], adding: variables)
        try await eventually("three sites to serve") {
            guard up.isRunning else { throw Vain(description: try up.remarks) }
            return try up.written.contains("ready; in another terminal")
        }
        return up
    }
}

/// Whether `POST /route` on this port answers with a tour.
private func answersRoute(_ port: Int) async throws -> Bool {
    var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)/route")
    request.method = .POST
    request.body = .bytes(
        ByteBuffer(string: #"{"stops":[{"lat":47.37,"lon":8.54},{"lat":47.05,"lon":8.31}]}"#))
    do {
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(5))
        return response.status == .ok
    } catch {
        // Nobody listens there yet, or does not answer in time: either way it does not serve.
        return false
    }
}
