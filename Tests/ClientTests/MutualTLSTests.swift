import Client
import Foundation
import Model
import NIOSSL
import Testing
import Transport

@Suite struct MutualTLSTests {
    private let hubAuthority: TestAuthority

    init() throws { hubAuthority = try TestAuthority("hub") }

    private static func script(_ asked: TestServer.Asked) -> TestServer.Reply? {
        .json(Fleet.list(Fleet.nodes))
    }

    /// Serves with `server`, asks with `client`, and answers with how `get nodes` ended.
    private func ask(
        server: TestAuthority.Identity, client: TestAuthority.Identity,
        trusting authority: TestAuthority, on stage: Stage, at host: String = "127.0.0.1"
    ) async throws -> Failure? {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: try server.certificates,
            privateKey: .privateKey(try server.key))
        tls.minimumTLSVersion = .tlsv13
        tls.certificateVerification = .noHostnameVerification
        tls.trustRoots = .certificates([try hubAuthority.certificate])
        let authorityFile = try stage.write(authority.pem, to: "ca.pem")
        let certificateFile = try stage.write(client.certificatePEM, to: "me.pem")
        let keyFile = try stage.write(client.keyPEM, to: "me.key")
        return try await TestServer.serve(tls: tls, at: host, MutualTLSTests.script) { port in
            let endpoint = Endpoint.hub(
                HubAddress(
                    host: host, port: port, certificateAuthority: authorityFile,
                    clientCertificate: certificateFile, clientKey: keyFile))
            let get = Get(try Target.parse(["nodes"]), format: .name)
            return await failure { try await get.run(in: stage.session(endpoint)) }
        }
    }

    @Test func `hub and client that know each other talk`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.hub(), client: hubAuthority.person(),
            trusting: hubAuthority, on: stage)
        #expect(failure == nil)
        #expect(stage.shown == "node/urban-1\nnode/suburban-1\nnode/rural-1\n")
    }

    @Test func `a hub of another authority is not trusted`() async throws {
        let stage = try Stage()
        let other = try TestAuthority("other")
        let failure = try await ask(
            server: other.hub(), client: hubAuthority.person(), trusting: hubAuthority,
            on: stage)
        #expect(failure?.code == .failed)
        #expect(failure?.message.contains("was not issued by \(stage.directory)/ca.pem") == true)
    }

    @Test func `an expired certificate of the hub is told apart`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.hub(isExpired: true), client: hubAuthority.person(),
            trusting: hubAuthority, on: stage)
        #expect(failure?.code == .failed)
        #expect(failure?.message.contains("expired at 2001-09-09T01:46:40Z") == true)
    }

    @Test func `an expired certificate of one's own is named with its file`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.hub(), client: hubAuthority.person(isExpired: true),
            trusting: hubAuthority, on: stage)
        #expect(failure?.code == .denied)
        #expect(
            failure?.message.hasPrefix("your certificate \(stage.directory)/me.pem expired at")
                == true)
    }

    @Test func `a client of another authority is denied`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.hub(), client: try TestAuthority("other").person(),
            trusting: hubAuthority, on: stage)
        #expect(failure?.code == .denied)
        #expect(failure?.message.contains("does not accept your certificate") == true)
    }

    @Test func `an address that is not in the certificate is told`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.hub(), client: hubAuthority.person(), trusting: hubAuthority,
            on: stage, at: "127.0.0.2")
        #expect(failure?.code == .failed)
        #expect(failure?.message.contains("it is not for 127.0.0.2") == true)
    }

    @Test func `a node of the fleet at the hub's address is not taken for the hub`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.node(), client: hubAuthority.person(), trusting: hubAuthority,
            on: stage)
        #expect(failure?.code == .failed)
        #expect(failure?.message.contains("is not good: it is not that of a hub") == true)
    }

    @Test func `files that hold something else are told by name`() async throws {
        let stage = try Stage()
        let path = try stage.write("hello", to: "ca.pem")
        let endpoint = Endpoint.hub(
            HubAddress(
                host: "127.0.0.1", port: 1, certificateAuthority: path, clientCertificate: path,
                clientKey: path))
        let get = Get(try Target.parse(["nodes"]))
        let failure = await failure { try await get.run(in: stage.session(endpoint)) }
        #expect(failure?.code == .usage)
        #expect(failure?.message.hasPrefix("\(path) holds no PEM certificate") == true)
    }
}

/// A fleet's root with a hub and a person below it, as Skerry issues for them.
struct TestAuthority {
    struct Identity {
        let certificatePEM: String
        let keyPEM: String

        var certificates: [NIOSSLCertificateSource] {
            get throws {
                try NIOSSLCertificate.fromPEMBytes(Array(certificatePEM.utf8)).map {
                    .certificate($0)
                }
            }
        }
        var key: NIOSSLPrivateKey {
            get throws { try NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem) }
        }
    }

    private let root: RootAuthority
    let pem: String

    /// 2001-09-09T01:46:40Z, when whatever is expired expired.
    private static let longAgo = WallTime(milliseconds: 1_000_000_000_000)
    private static let begin = WallTime(milliseconds: 900_000_000_000)

    init(_ name: String) throws {
        root = try RootAuthority(
            name: name, validity: .seconds(1_600_000_000), now: TestAuthority.begin)
        pem = try root.trustRoots
    }

    var certificate: NIOSSLCertificate {
        get throws { try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem) }
    }

    private func issuing(at time: WallTime) throws -> IssuingAuthority {
        try root.issueIssuing(name: "hub", validity: .seconds(8_000_000), now: time)
    }

    private var now: WallTime {
        WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }

    /// Of a hub on this machine.
    func hub(isExpired: Bool = false) throws -> Identity {
        let life = Duration.seconds(5_000_000)
        let time = isExpired ? TestAuthority.longAgo + (.zero - life) : now
        let identity = try issuing(at: time).issueHub(names: [], validity: life, now: time)
        return Identity(
            certificatePEM: identity.certificateChain, keyPEM: identity.privateKey)
    }

    func person(isExpired: Bool = false) throws -> Identity {
        let life = Duration.seconds(5_000_000)
        let time = isExpired ? TestAuthority.longAgo + (.zero - life) : now
        let key = NodeKey()
        let chain = try issuing(at: time).issueOperator("ann", key: key, validity: life, now: time)
        return Identity(certificatePEM: chain, keyPEM: key.pem)
    }

    /// The certificate of a node that it shows in the place of a hub.
    func node() throws -> Identity {
        let key = NodeKey()
        let chain = try issuing(at: now).issueNodeAuthority(
            "n1", site: "s1", publicKey: key.publicKey, validity: .seconds(345_600), now: now)
        let authority = try NodeAuthority(
            certificateChain: chain, key: key, node: "n1", site: "s1")
        let leaf = try authority.issueLeaf(
            note: IssuanceNote(mode: .connected, boot: 1), now: now
        ).identity
        return Identity(certificatePEM: leaf.certificateChain, keyPEM: leaf.privateKey)
    }
}
