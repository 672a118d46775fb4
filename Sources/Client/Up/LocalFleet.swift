import Dispatch
import Foundation
package import Model

/// A hub and three unlike sites on this machine: `skerry up`.
///
/// Each is a process of its own with a state directory of its own, joined by a real enrolment, so
/// what works here works apart. It knows no more of them than any client does.
package struct LocalFleet: Sendable {
    package struct Plan: Sendable {
        package var binary: String
        package var state: String
        package var engine: String
        package var firstPort: Int
        package var files: [String]
        /// Under the mesh pattern the three nodes are of one site.
        package var pattern: Pattern
        /// Stop the hub once everything runs: what the nodes do without it is what is to be seen.
        package var stopsHub: Bool

        package init(
            binary: String, state: String, engine: String, firstPort: Int, files: [String],
            pattern: Pattern = .hybrid, stopsHub: Bool = false
        ) {
            self.binary = binary
            self.state = state
            self.engine = engine
            self.firstPort = firstPort
            self.files = files
            self.pattern = pattern
            self.stopsHub = stopsHub
        }
    }

    private let plan: Plan
    let console: Console
    let environment: [String: String]
    private let children: Children
    let sites: [LocalSite]

    package init(plan: Plan, console: Console, environment: [String: String]) throws(Failure) {
        self.plan = plan
        self.console = console
        self.environment = environment
        children = try Children(environment: environment)
        sites = LocalSite.all(plan.pattern)
    }

    /// Where the fleet's state lies unless told otherwise.
    package static func directory(_ environment: [String: String]) -> String {
        let base =
            environment["XDG_STATE_HOME"] ?? (environment["HOME"] ?? "/root") + "/.local/state"
        return base + "/skerry/up"
    }

    /// Starts everything, shows how it goes, and stops everything when asked to.
    package func run() async throws {
        // Mistakes in them are cheap to hear of before anything runs.
        _ = try plan.files.map { try ManifestFiles([$0]).objects() }
        try checkPorts()
        let stop = Interruptions.stream { [children] in children.insist() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in stop { return }
            }
            group.addTask {
                let session = try await bringUp()
                guard plan.stopsHub else { return try await follow(session) }
                await children.end("hub")
                try await followNodes()
            }
            let result = await group.nextResult()
            group.cancelAll()
            say("stopping; Ctrl-C again does not wait for the workloads")
            await children.stopAll()
            if case .failure(let error) = result { throw error }
        }
        try console.say("everything is stopped; the state stays in \(plan.state)")
    }

    /// A terminal that is gone must not keep the rest from being stopped.
    private func say(_ line: String) {
        do { try console.say(line) } catch { return }
    }

    /// The hub takes three ports, and each node a range of its own up to 3999 above the first.
    private func checkPorts() throws(Failure) {
        guard (1...61_536).contains(plan.firstPort) else {
            throw Failure(.usage, "--port \(plan.firstPort) leaves no room; use 1024 to 61536")
        }
        // A hub that runs there already would answer in place of the one that is to be started.
        for port in plan.firstPort...plan.firstPort + 2 where isTaken(port) {
            throw Failure(
                .failed,
                "port \(port) is taken, perhaps by another 'skerry up'; stop that, or choose other "
                    + "ports with --port and another directory with --state")
        }
    }

    private func isTaken(_ port: Int) -> Bool {
        let descriptor = Foundation.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        // What a hub that has just stopped leaves behind does not count.
        var yes: Int32 = 1
        setsockopt(
            descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return result != 0 && errno == EADDRINUSE
    }

    // MARK: - Start

    private func bringUp() async throws -> Session {
        try makeDirectory(plan.state)
        try console.say("starting the hub")
        let session = try await startHub()
        for site in sites { try await enrolAndStart(site, session) }
        try await waitForNodes(session)
        for file in plan.files {
            try console.say("applying \(file)")
            try await Apply(files: [file], isTrial: false).run(in: session)
        }
        try await waitForWorkloads(session)
        try console.say(
            "ready; in another terminal try: skerry get nodes,workloads,instances")
        return session
    }

    private func startHub() async throws -> Session {
        let state = plan.state + "/hub"
        let ports = (plan.firstPort, plan.firstPort + 1, plan.firstPort + 2)
        let hub = try children.start(
            plan.binary,
            [
                "hub", "--state", state, "--name", "up", "--management-port", "\(ports.0)",
                "--control-port", "\(ports.1)", "--enrolment-port", "\(ports.2)",
            ], log: plan.state + "/hub.log")
        let context = Context(
            name: "up",
            endpoint: .hub(
                HubAddress(
                    host: "127.0.0.1", port: ports.0,
                    certificateAuthority: state + "/operator/authority.crt",
                    clientCertificate: state + "/operator/operator.crt",
                    clientKey: state + "/operator/operator.key")))
        let session = Session(
            console: console, context: context,
            cache: AnswerCache(
                directory: AnswerCache.directory(environment), context: context))
        try await poll("the hub", watching: hub, seconds: 30) {
            FileManager.default.fileExists(atPath: state + "/operator/operator.crt")
                ? try await session.connection.info().role == .hub : false
        }
        let path = ContextFile.path(environment)
        try ContextFile.write(context: context, to: path)
        try console.say("the hub answers on https://127.0.0.1:\(ports.0); context 'up' is current")
        return session
    }

    private func enrolAndStart(_ site: LocalSite, _ session: Session) async throws {
        _ = try await session.connection.apply([.site(site.object)], dryRun: false)
        let state = plan.state + "/" + site.node
        var variables: [String: String] = [:]
        if !FileManager.default.fileExists(atPath: state + "/identity/enrolment.json") {
            let token = try await session.connection.issueToken(
                site: SiteID(site.name), validFor: .seconds(300))
            variables["SKERRY_TOKEN"] = token.text
        }
        let first = plan.firstPort + 1000 * site.number
        let binaries = (plan.binary as NSString).deletingLastPathComponent
        try children.start(
            plan.binary,
            [
                "agent", "--state", state, "--node", site.node, "--socket", socket(of: site),
                "--engine", plan.engine, "--ports", "\(first)-\(first + 999)", "--search-path",
                binaries, "--stop-workloads", "true", "--cpu", site.cpu, "--memory", site.memory,
            ], log: plan.state + "/\(site.node).log", adding: variables)
        try console.say("site \(site.name): node \(site.node) is starting")
    }

    func socket(of site: LocalSite) -> String { plan.state + "/\(site.node).sock" }

    private func waitForNodes(_ session: Session) async throws {
        try await poll("the three nodes", watching: nil, seconds: 60) {
            let ready = try await session.connection.list(.node).items.compactMap { object in
                if case .node(let node) = object, node.status?.state == .ready {
                    node.metadata.name
                } else {
                    nil
                }
            }
            // By name: a node that has not enrolled yet is in no list.
            return Set(sites.map(\.node)).isSubset(of: ready)
        }
        try console.say("three nodes are in contact")
    }

    private func waitForWorkloads(_ session: Session) async throws {
        var told: Set<String> = []
        try await poll("the workloads", watching: nil, seconds: 120) {
            for case .instance(let instance) in try await session.connection.list(.instance).items
            where instance.status.ready && told.insert(instance.metadata.name).inserted {
                try console.say(ready(instance.status))
            }
            return try await session.connection.list(.workload).items.allSatisfy {
                guard case .workload(let workload) = $0, let status = workload.status else {
                    return true
                }
                return status.ready >= status.desired
            }
        }
    }

    private func ready(_ status: InstanceStatus) -> String {
        let addresses = status.ports.sorted { $0.key < $1.key }
            .map { "http://127.0.0.1:\($0.value) (\($0.key))" }
        return visible(
            "\(status.id) is ready on \(status.node)"
                + (addresses.isEmpty ? "" : ", at " + addresses.joined(separator: ", ")))
    }

    /// Asks again and again until it is so. An unreachable server is only a reason to wait, unless
    /// the process behind it ended.
    private func poll(
        _ what: String, watching child: Child?, seconds: Int,
        _ isSo: () async throws -> Bool
    ) async throws {
        let clock = ContinuousClock()
        let deadline = clock.now + .seconds(seconds)
        while true {
            do {
                if try await isSo() { return }
            } catch let failure as Failure where failure.code == .unreachable {
                // Not yet: it is still opening its listeners.
            }
            if let end = children.firstEnd(of: child) {
                throw Failure(
                    .failed, "\(end.name) ended early; its log \(end.log) says:\n\(end.tail)")
            }
            guard clock.now < deadline else {
                throw Failure(
                    .failed,
                    "waited \(seconds) s in vain for \(what); the logs are in \(plan.state)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func makeDirectory(_ path: String) throws {
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
        } catch {
            throw Failure(.failed, "\(path) cannot be made: \(error.localizedDescription)")
        }
    }

    // MARK: - While it runs

    /// On a terminal a table that is drawn again as things change; in a pipe a line for each event.
    /// A hub that is killed or frozen ends neither: to see the nodes go on without it is what this
    /// is for.
    private func follow(_ session: Session) async throws {
        if console.isTerminal { return try await redraw(session) }
        while true {
            do {
                try await Events(
                    about: nil, limit: 1, follows: true, format: .table, headings: false,
                    limits: nil
                ).run(in: session)
            } catch let failure as Failure where failure.code == .unreachable {
                try console.say(visible(failure.message) + "; the nodes go on by themselves")
                try sayEnds()
            }
            try await returnOfHub(session)
            try console.say("the hub answers again")
        }
    }

    private func returnOfHub(_ session: Session) async throws {
        while true {
            do {
                _ = try await session.connection.info()
                return
            } catch let failure as Failure where failure.code == .unreachable {
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    private func redraw(_ session: Session) async throws {
        let kinds = [Kind.site, .node, .workload, .instance]
        while !Task.isCancelled {
            try console.say("\u{1B}[H\u{1B}[2J")
            do {
                try await Get(kinds.map { Target($0) }).run(in: session)
            } catch let failure as Failure where failure.code == .unreachable {
                try console.say("\nThe nodes go on by themselves: skerry --context local …")
            }
            try sayEnds()
            try console.say("\nCtrl-C stops everything. In another terminal: skerry --help")
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Names each process that ended, and how to have it back.
    func sayEnds() throws {
        for child in children.ended {
            try console.say("\n\(child.name) has ended; start it again with:\n  \(child.command)")
        }
    }
}

/// One of the three sites: unlike in place, size and link, as the first sites of a pilot should be.
struct LocalSite: Sendable {
    let number: Int
    let name: String
    let location: Location
    let cpu: String
    let memory: String
    /// Bytes a second that the site's uplink carries.
    let link: Int64
    var pattern = Pattern.hybrid

    var node: String { pattern == .mesh ? "\(name)-\(number)" : name + "-1" }

    var object: Site {
        Site(
            metadata: Metadata(name: name),
            spec: SiteSpec(
                location: location, pattern: pattern,
                link: LinkBudget(bytesPerSecond: ByteCount(link))))
    }

    /// The sites of a pattern; under the mesh pattern each is one node of the same site.
    static func all(_ pattern: Pattern) -> [LocalSite] {
        guard pattern == .mesh else {
            return spread.map { site in
                var site = site
                site.pattern = pattern
                return site
            }
        }
        return spread.map {
            LocalSite(
                number: $0.number, name: "plant", location: spread[0].location, cpu: "2",
                memory: "2Gi", link: spread[1].link, pattern: .mesh)
        }
    }

    private static let spread = [
        LocalSite(
            number: 1, name: "urban", location: Location(latitude: 47.3769, longitude: 8.5417),
            cpu: "4", memory: "8Gi", link: 12_500_000),
        LocalSite(
            number: 2, name: "suburban", location: Location(latitude: 47.4245, longitude: 8.7050),
            cpu: "2", memory: "2Gi", link: 1_250_000),
        LocalSite(
            number: 3, name: "rural", location: Location(latitude: 46.5720, longitude: 8.4150),
            cpu: "1", memory: "512Mi", link: 8_000),
    ]
}
