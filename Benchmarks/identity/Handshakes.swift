import Model
import NIOCore
import NIOPosix
import NIOSSL
import Transport

/// Handshakes as between a node and its hub: mutual TLS 1.3 over the loopback, both sides with the
/// whole verifier, up to the first answer.
struct Handshakes {
    let fleet: FleetKeys
    let loops: MultiThreadedEventLoopGroup
    let times: Int

    func run() async throws -> Bool {
        let full = try await measure(verifies: true)
        let bare = try await measure(verifies: false)
        print("A control handshake, both sides, over the loopback, \(times) times")
        let milliseconds = full.processor / 1000
        let rate = 1e6 / full.processor
        let worst = full.elapsed.quantile(0.99) / 1000
        let processor = tell(
            "processor time with the full verifier", "\(text(milliseconds)) ms", "2 ms",
            isReached: milliseconds <= 2)
        _ = tell(
            "... with the library's own check of the chain", "\(text(bare.processor / 1000)) ms")
        let perSecond = tell(
            "a second and core", text(rate, 0), "400", isReached: rate >= 400)
        return tell("99th percentile", "\(text(worst)) ms", "10 ms", isReached: worst <= 10)
            && processor && perSecond
    }

    private func measure(verifies: Bool) async throws -> (processor: Double, elapsed: Sample) {
        let clock = FleetClock(certain: FleetKeys.now)
        let nodes = try PeerVerifier(.node, trustRoots: fleet.roots, clock: clock)
        let hubs = try PeerVerifier(.hub(name: "127.0.0.1"), trustRoots: fleet.roots, clock: clock)
        let server = try await LineServer.start(
            on: loops, tls: try serverContext(verifies: verifies),
            check: verifies ? nodes.check : nil
        ) { _ in "ok" }
        let client = try clientContext(verifies: verifies)
        for _ in 0..<20 { try await once(server, client, verifies ? hubs.check : nil) }
        var elapsed = Sample()
        let begin = processorTime()
        for _ in 0..<times {
            let start = elapsedTime()
            try await once(server, client, verifies ? hubs.check : nil)
            elapsed.add(elapsedTime() - start)
        }
        let processor = (processorTime() - begin) / Double(times)
        try await server.channel.close()
        return (processor, elapsed)
    }

    private func once(
        _ server: LineServer, _ context: NIOSSLContext, _ check: PeerCheck?
    ) async throws {
        let client = try await LineClient.connect(
            to: server.port, on: loops, tls: context, check: check)
        _ = try await client.ask("hello")
        try await client.close()
    }

    private func serverContext(verifies: Bool) throws -> NIOSSLContext {
        var settings = try fleet.hub.serverSettings()
        settings.minimumTLSVersion = .tlsv13
        settings.certificateVerification = .noHostnameVerification
        settings.trustRoots = .certificates(
            verifies ? [] : try NIOSSLCertificate.fromPEMBytes(Array(fleet.roots.utf8)))
        return try NIOSSLContext(configuration: settings)
    }

    private func clientContext(verifies: Bool) throws -> NIOSSLContext {
        var settings = try fleet.leaf().clientSettings()
        settings.minimumTLSVersion = .tlsv13
        settings.certificateVerification =
            verifies ? .fullVerification : .noHostnameVerification
        settings.trustRoots = .certificates(
            verifies ? [] : try NIOSSLCertificate.fromPEMBytes(Array(fleet.roots.utf8)))
        return try NIOSSLContext(configuration: settings)
    }
}
