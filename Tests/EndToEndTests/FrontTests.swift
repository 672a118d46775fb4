import AsyncHTTPClient
import Foundation
import Model
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Testing

/// A port in front of a workload: whoever calls shows who it is, and the node decides, with or without a
/// hub.
extension EndToEndTests {
    @Test func `a port in front of a workload lets in whom a rule permits, also without a hub`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            let front = stage.ports.upperBound
            try await stage.apply(
                routes("routes").replacing(
                    "{name: http}", with: "{name: http, front: \(front)}")
                    + "\n---\n" + sleeper("till", seconds: 4711)
                    + "\n---\n" + sleeper("eve", seconds: 4712))
            for name in ["routes", "till", "eve"] { try await stage.ready("workload/\(name)") }
            try await stage.bind(
                ["admin": "admin"],
                cedar: """
                    @id("till")
                    permit(principal == Workload::"till", action == Action::"call", resource == Workload::"routes")
                    when { context.request has port && context.request.port == "http" };
                    """)
            let till = try stage.identity(of: "till")
            let eve = try stage.identity(of: "eve")
            let url = "https://127.0.0.1:\(front)/readyz"
            try await eventually("the rule to reach the node") {
                try await Caller(till).status(of: url) == 200
            }
            #expect(try await Caller(eve).status(of: url) == nil)
            #expect(try await Caller(nil, trusting: till).status(of: url) == nil)
            // It is the workload that answers, by its own name.
            #expect(try await Caller(till).name(at: front).hasSuffix("/wl/routes"))

            try await stage.hub?.crash()
            #expect(try await Caller(till).status(of: url) == 200)
            #expect(try await Caller(eve).status(of: url) == nil)
            let records = try await stage.skerry("audit tail -o json", on: "node-1").text
            #expect(records.contains(#"\"who\":\"workload/eve\""#))
            try await stage.agents["node-1"]?.crash()
            try await stage.startAgent()
            try await eventually("the port to be open again") {
                try await Caller(till).status(of: url) == 200
            }
        }
    }
}

/// Somebody who calls, with the identity that a node gave a workload, or with none.
private struct Caller {
    private let tls: TLSConfiguration

    init(_ files: String?, trusting other: String? = nil) throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(
            try NIOSSLCertificate.fromPEMFile((files ?? other ?? "") + "/bundle.pem"))
        // The workload is known by its URI; its address is in no certificate.
        tls.certificateVerification = .noHostnameVerification
        if let files {
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(files + "/cert.pem")
                .map { .certificate($0) }
            tls.privateKey = .privateKey(
                try NIOSSLPrivateKey(file: files + "/key.pem", format: .pem))
        }
        self.tls = tls
    }

    /// Nil where nothing was answered.
    func status(of url: String) async throws -> UInt? {
        let http = HTTPClient(
            eventLoopGroupProvider: .singleton,
            configuration: HTTPClient.Configuration(tlsConfiguration: tls))
        var status: UInt?
        do {
            let response = try await http.execute(
                HTTPClientRequest(url: url), timeout: .seconds(10))
            status = response.status.code
        } catch {
            status = nil
        }
        try await http.shutdown()
        return status
    }

    /// What the other side calls itself.
    func name(at port: Int) async throws -> String {
        let context = try NIOSSLContext(configuration: tls)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                }
            }.connect(host: "127.0.0.1", port: port).get()
        var names: [String] = []
        try await eventually("the handshake") {
            let certificate = try await channel.nioSSL_peerCertificate().get()
            names =
                certificate?._subjectAlternativeNames().map {
                    String(decoding: $0.contents, as: UTF8.self)
                } ?? []
            return !names.isEmpty
        }
        try await channel.close()
        return names[0]
    }
}

extension Stage {
    /// The directory with the identity of a workload that runs here.
    func identity(of workload: String) throws -> String {
        let process = try workloadProcesses().first { $0.container.contains("/\(workload)-") }
        guard let process,
            let environment = FileManager.default.contents(
                atPath: "/proc/\(process.id)/environ")
        else { throw Vain(description: "\(workload) does not run") }
        let variables = environment.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        guard let found = variables.first(where: { $0.hasPrefix("SKERRY_IDENTITY=") }) else {
            throw Vain(description: "\(workload) has no identity")
        }
        return String(found.dropFirst("SKERRY_IDENTITY=".count))
    }
}
