import AsyncHTTPClient
import Crypto
import Foundation
import Management
import Model
import NIOCore
import NIOHTTP1
import NIOSSL
import SwiftASN1
import Synchronization
import Testing
import X509

@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    @Test func `a person's certificate is let in`() async throws {
        let authority = try Authority()
        try await serving(Fleet([node("n1")]), on: try authority.listener()) { port in
            let person = try authority.issue("admin", uri: "skerry:operator/admin")
            try await authority.client(port, person) { client in
                let list = try await client.get("/api/v1/nodes").decoded(ObjectList.self)
                #expect(list.items.count == 1)
            }
        }
    }

    @Test func `a server stops while a client holds its connection open`() async throws {
        let authority = try Authority()
        let person = try authority.issue("admin", uri: "skerry:operator/admin")
        let fleet = Fleet()
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await serving(fleet, on: try authority.listener()) { number in
                    port.yield(number)
                    try await Task.sleep(for: .seconds(3600))
                }
            }
            var numbers = ports.makeAsyncIterator()
            let number = try #require(await numbers.next())
            try await authority.client(number, person) { client in
                var events = EventReader(try await client.open(.GET, "/api/v1/nodes?watch=true"))
                #expect(try await events.next()?.event == "list")
                group.cancelAll()
                await #expect(throws: (any Error).self) { try await group.waitForAll() }
            }
        }
    }

    @Test func `a node's certificate manages nothing`() async throws {
        let authority = try Authority()
        let fleet = Fleet([workload("w")])
        try await serving(fleet, on: try authority.listener()) { port in
            let stolen = try authority.issue("n1", uri: "skerry:node/n1")
            try await authority.client(port, stolen) { client in
                let read = try await client.get("/api/v1/nodes")
                #expect(read.status == 403)
                let removal = try await client.send(.DELETE, "/api/v1/workloads/w")
                #expect(removal.status == 403)
                #expect(await fleet.list(.workload).items.count == 1)
            }
        }
    }

    @Test func `a certificate of another authority gets no answer`() async throws {
        let authority = try Authority()
        let stranger = try Authority().issue("admin", uri: "skerry:operator/admin")
        try await serving(Fleet(), on: try authority.listener()) { port in
            try await authority.client(port, stranger) { client in
                await #expect(throws: (any Error).self) { try await client.get("/healthz") }
            }
        }
    }

    @Test func `without certificate and token nothing is served but the refusal`() async throws {
        let authority = try Authority()
        let fleet = Fleet([workload("w")])
        try await serving(fleet, on: try authority.listener()) { port in
            try await authority.client(port, nil) { client in
                for path in ["/", "/healthz", "/metrics", "/openapi.json", "/api/v1/nodes", "/x"] {
                    let answer = try await client.get(path)
                    #expect(answer.status == 401, "\(path)")
                    #expect(answer.headers["WWW-Authenticate"] == ["Bearer realm=\"skerry\""])
                }
                #expect(try await client.send(.DELETE, "/api/v1/workloads/w").status == 401)
                #expect(fleet.questions.withLock { $0.isEmpty })
                #expect(await fleet.list(.workload).items.count == 1)
            }
        }
    }

    @Test func `TLS 1.2 is refused`() async throws {
        let authority = try Authority()
        let person = try authority.issue("admin", uri: "skerry:operator/admin")
        try await serving(Fleet(), on: try authority.listener()) { port in
            try await authority.client(port, person, newest: .tlsv12) { client in
                await #expect(throws: (any Error).self) { try await client.get("/healthz") }
            }
        }
    }

    @Test func `a renewed certificate is shown to the next connection`() async throws {
        let authority = try Authority()
        let other = try Authority()
        let person = try authority.issue("admin", uri: "skerry:operator/admin")
        let listener = try authority.listener()
        guard case .tls(let tls) = listener else { return }
        try await serving(Fleet(), on: listener) { port in
            let renewed = try other.issue("hub", address: true)
            try tls.identity.renew(certificateChain: renewed.chain, key: renewed.key)
            try await authority.client(port, person) { client in
                await #expect(throws: (any Error).self) { try await client.get("/healthz") }
            }
            try await other.client(port, person) { client in
                let health = try await client.get("/healthz")
                #expect(health.status == 200)
            }
        }
    }

    @Test func `a stream works through TLS`() async throws {
        let authority = try Authority()
        let person = try authority.issue("admin", uri: "skerry:operator/admin")
        try await serving(Fleet(), on: try authority.listener()) { port in
            try await authority.client(port, person) { client in
                let (input, send) = AsyncStream.makeStream(of: ByteBuffer.self)
                var frames = FrameStream(try await client.stream("echo", input))
                send.yield(ByteBuffer(bytes: StreamFrame.input([4]).encoded))
                #expect(try await frames.next() == .output([4]))
                send.yield(ByteBuffer(bytes: StreamFrame.endOfInput.encoded))
                send.finish()
                #expect(try await frames.next() == .exit(3))
            }
        }
    }

    @Test func `text that is no certificate is refused before the port is taken`() throws {
        #expect(throws: ListenerError.unreadable("the certificate of the server")) {
            try ServerIdentity(certificateChain: "nonsense", key: "nonsense")
        }
        let good = try Authority().issue("hub", address: true)
        #expect(throws: ListenerError.unreadable("the key of the server")) {
            try ServerIdentity(certificateChain: good.chain, key: "nonsense")
        }
    }
}

/// A certificate authority for one test.
struct Authority {
    struct Identity {
        let chain: String
        let key: String
    }

    private let key = P256.Signing.PrivateKey()
    let certificate: Certificate

    init() throws {
        certificate = try Authority.certificate(
            of: "test authority", key: key.publicKey, by: "test authority", signer: key,
            try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            })
    }

    func issue(_ name: String, uri: String? = nil, address: Bool = false) throws -> Identity {
        let leaf = P256.Signing.PrivateKey()
        var names: [GeneralName] = uri.map { [.uniformResourceIdentifier($0)] } ?? []
        if address { names.append(.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))) }
        let certificate = try Authority.certificate(
            of: name, key: leaf.publicKey, by: "test authority", signer: key,
            try Certificate.Extensions { SubjectAlternativeNames(names) })
        return Identity(
            chain: try certificate.serializeAsPEM().pemString, key: leaf.pemRepresentation)
    }

    /// As little as the listener needs to tell its own from others.
    private static func objection(to chain: [[UInt8]], from authority: Certificate) -> String? {
        do {
            let leaf = try Certificate(derEncoded: chain[0])
            let isOwn = authority.publicKey.isValidSignature(leaf.signature, for: leaf)
            return isOwn ? nil : "another signed it"
        } catch {
            return "\(error)"
        }
    }

    func listener(host: String = "127.0.0.1", port: Int = 0) throws -> Listener {
        let hub = try issue("hub", address: true)
        return .tls(
            TLSListener(
                host: host, port: port,
                identity: try ServerIdentity(certificateChain: hub.chain, key: hub.key),
                verify: { [certificate] chain in Authority.objection(to: chain, from: certificate)
                },
                identify: { names, _ in
                    names.first { $0.hasPrefix("uri:skerry:operator/") }
                        .map { .user(String($0.dropFirst(20))) }
                }))
    }

    func client(
        _ port: Int, _ identity: Identity?, newest: TLSVersion? = nil,
        _ body: (Client) async throws -> Void
    ) async throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        let root = try certificate.serializeAsPEM().pemString
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(Array(root.utf8)))
        tls.maximumTLSVersion = newest
        if let identity {
            tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(Array(identity.chain.utf8))
                .map { .certificate($0) }
            tls.privateKey = .privateKey(
                try NIOSSLPrivateKey(bytes: Array(identity.key.utf8), format: .pem))
        }
        var configuration = HTTPClient.Configuration(tlsConfiguration: tls)
        // A refused handshake is tried again until this is over.
        configuration.timeout.connect = .seconds(2)
        try await withClient(
            base: "https://127.0.0.1:\(port)", configuration: configuration, body)
    }

    /// With a certificate of this name.
    func asking<Value: Sendable>(
        _ port: Int, as name: String, _ body: (Client) async throws -> Value
    ) async throws -> Value {
        var value: Value?
        try await client(port, try issue(name, uri: "skerry:operator/\(name)")) {
            value = try await body($0)
        }
        return try #require(value)
    }

    private static func certificate(
        of subject: String, key: P256.Signing.PublicKey, by issuer: String,
        signer: P256.Signing.PrivateKey,
        _ extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(),
            publicKey: Certificate.PublicKey(key), notValidBefore: Date.now - 3600,
            notValidAfter: Date.now + 86_400,
            issuer: try DistinguishedName { CommonName(issuer) },
            subject: try DistinguishedName { CommonName(subject) },
            signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: Certificate.PrivateKey(signer))
    }
}
