import Crypto
import Model
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import Transport
import Trust

/// One authenticated and authorised request over a link of 40 ms: on a connection that stands, on a new
/// one, and as a traditional set-up does it.
struct Requests {
    let fleet: FleetKeys
    let loops: MultiThreadedEventLoopGroup
    let times: Int

    private static let roundTrip = TimeAmount.milliseconds(40)

    func run() async throws -> Bool {
        let skerry = try await SkerryWay.start(fleet: fleet, loops: loops)
        let link = try await Link.open(
            to: skerry.server, roundTrip: Requests.roundTrip, on: loops)
        let traditional = try await TraditionalWay.start(
            fleet: fleet, loops: loops, roundTrip: Requests.roundTrip)

        let warm = try await standing(skerry.connect(through: link.port))
        let plain = try await LineServer.start(on: loops, tls: nil) { _ in "yes" }
        let plainLink = try await Link.open(
            to: plain, roundTrip: Requests.roundTrip, on: loops)
        let bare = try await standing(
            LineClient.connect(to: plainLink.port, on: loops, tls: nil))
        let cold = try await sample {
            let client = try await skerry.connect(through: link.port)
            try await expect("yes", client.ask("get nodes"))
            return client
        }
        let old = try await sample { try await traditional.request() }

        print("A request over a link of 40 ms, \(times) times")
        let isWarm = tell(
            "on a connection that stands, 99th percentile",
            "\(text(warm.quantile(0.99) / 1000, 1)) ms", "45 ms",
            isReached: warm.quantile(0.99) <= 45_000)
        _ = tell(
            "... the same with neither TLS nor a decision",
            "\(text(bare.quantile(0.99) / 1000, 1)) ms")
        let isCold = tell(
            "on a new one, 99th percentile", "\(text(cold.quantile(0.99) / 1000, 1)) ms", "130 ms",
            isReached: cold.quantile(0.99) <= 130_000)
        // On a busy machine the medians still tell round trips.
        _ = tell(
            "medians of the two",
            "\(text(warm.median / 1000, 1)) and \(text(cold.median / 1000, 1)) ms")
        let isOld = tell(
            "traditional, median", "\(text(old.median / 1000, 1)) ms", "320 to 480 ms",
            isReached: (320_000...480_000).contains(old.median))
        print(
            "  (traditional: a new connection with TLS 1.2, policy asked over another, a list of what"
                + " is revoked\n  fetched over plain TCP, the audit record sent and acknowledged"
                + " before the answer)")
        return isWarm && isCold && isOld
    }

    /// On one connection, which has been used before.
    private func standing(_ client: LineClient) async throws -> Sample {
        try await expect("yes", client.ask("get nodes"))
        return try await sample {
            try await expect("yes", client.ask("get nodes"))
            return nil
        }
    }

    /// Until the answer is there. The goodbye of TLS takes a round trip of its own, for which nobody waits:
    /// a client has what it asked for, and its hub is the first to say it.
    private func sample(_ body: () async throws -> LineClient?) async throws -> Sample {
        var sample = Sample()
        for _ in 0..<times {
            let begin = elapsedTime()
            let client = try await body()
            sample.add(elapsedTime() - begin)
            try await client?.close()
        }
        return sample
    }
}

func expect(_ wanted: String, _ answer: String) throws {
    guard answer == wanted else { throw Failure("the answer was '\(answer)', not '\(wanted)'") }
}

/// What Skerry does with a request: it knows from the handshake who asks, looks whether that is revoked,
/// asks the policies that it has, notes the decision in its chain and answers.
struct SkerryWay {
    let server: LineServer
    private let client: NIOSSLContext
    private let hubs: PeerVerifier
    private let loops: MultiThreadedEventLoopGroup

    static func start(
        fleet: FleetKeys, loops: MultiThreadedEventLoopGroup
    ) async throws -> SkerryWay {
        let clock = FleetClock(certain: FleetKeys.now)
        let revoked = RevocationList(
            version: 1, issuedAt: FleetKeys.now(), expiresAt: FleetKeys.now(), fleet: 1000,
            entries: (0..<100).map {
                Revocation(
                    subject: SubjectName.user("gone-\($0)"), device: nil, at: FleetKeys.now(),
                    reason: "left")
            })
        let ann = Bearer(
            subject: SubjectName.user("ann"), device: nil, issuedAt: FleetKeys.now())
        let users = try PeerVerifier(
            .user, trustRoots: fleet.roots, clock: clock, isRevoked: revoked.covers)
        let point = DecisionPoint([
            (
                PolicyReference(name: "people", version: 1),
                PolicySpec(roleBindings: [RoleBinding(role: .viewer, users: ["ann"])])
            )
        ])
        let chain = Mutex<[UInt8]>([UInt8](repeating: 0, count: 32))
        let server = try await LineServer.start(
            on: loops, tls: try serverContext(fleet), check: users.check
        ) { line in
            let report = point.decide(.user("ann"), .get, .fleet)
            let isAllowed = !revoked.covers(ann) && report.isAllowed
            chain.withLock { head in
                head = Array(SHA256.hash(data: head + Array("ann \(line) \(isAllowed)".utf8)))
            }
            return isAllowed ? "yes" : "no"
        }
        var settings = try fleet.person.clientSettings()
        settings.minimumTLSVersion = .tlsv13
        settings.trustRoots = .certificates([])
        return SkerryWay(
            server: server, client: try NIOSSLContext(configuration: settings),
            hubs: try PeerVerifier(
                .hub(name: "127.0.0.1"), trustRoots: fleet.roots, clock: clock), loops: loops)
    }

    func connect(through port: Int) async throws -> LineClient {
        try await LineClient.connect(to: port, on: loops, tls: client, check: hubs.check)
    }

    private static func serverContext(_ fleet: FleetKeys) throws -> NIOSSLContext {
        var settings = try fleet.hub.serverSettings()
        settings.minimumTLSVersion = .tlsv13
        settings.certificateVerification = .noHostnameVerification
        settings.trustRoots = .certificates([])
        return try NIOSSLContext(configuration: settings)
    }
}

/// The same as it is done where security lives elsewhere: each of the calls crosses the link.
struct TraditionalWay {
    private let front: Link
    private let client: NIOSSLContext
    private let loops: MultiThreadedEventLoopGroup

    static func start(
        fleet: FleetKeys, loops: MultiThreadedEventLoopGroup, roundTrip: TimeAmount
    ) async throws -> TraditionalWay {
        let (server, client) = try contexts(fleet)
        func link(_ service: LineServer) async throws -> Link {
            try await Link.open(to: service, roundTrip: roundTrip, on: loops)
        }
        let policy = try await link(.start(on: loops, tls: server) { _ in "permit" })
        let list = try await link(.start(on: loops, tls: nil) { _ in "nothing" })
        let audit = try await link(.start(on: loops, tls: server) { _ in "kept" })
        let record = try await LineClient.connect(to: audit.port, on: loops, tls: client)
        _ = try await record.ask("begin")
        let service = try await LineServer.start(on: loops, tls: server) { line in
            let decision = try await LineClient.connect(to: policy.port, on: loops, tls: client)
            let verdict = try await decision.ask(line)
            try await decision.close()
            let revoked = try await LineClient.connect(to: list.port, on: loops, tls: nil)
            _ = try await revoked.ask("list")
            try await revoked.close()
            _ = try await record.ask(line)
            return verdict
        }
        return TraditionalWay(front: try await link(service), client: client, loops: loops)
    }

    func request() async throws -> LineClient {
        let connection = try await LineClient.connect(to: front.port, on: loops, tls: client)
        try await expect("permit", connection.ask("get nodes"))
        return connection
    }

    private static func contexts(
        _ fleet: FleetKeys
    ) throws -> (server: NIOSSLContext, client: NIOSSLContext) {
        let roots = try NIOSSLCertificate.fromPEMBytes(Array(fleet.roots.utf8))
        var server = try fleet.hub.serverSettings()
        server.maximumTLSVersion = .tlsv12
        server.certificateVerification = .noHostnameVerification
        server.trustRoots = .certificates(roots)
        var client = try fleet.person.clientSettings()
        client.maximumTLSVersion = .tlsv12
        client.certificateVerification = .noHostnameVerification
        client.trustRoots = .certificates(roots)
        return (
            try NIOSSLContext(configuration: server), try NIOSSLContext(configuration: client)
        )
    }
}
