import Client
import Crypto
import Foundation
import Model
import NIOSSL
import SwiftASN1
import Testing
import X509

@Suite struct MutualTLSTests {
    private let hubAuthority: TestAuthority

    init() throws { hubAuthority = try TestAuthority("hub") }

    private static func script(_ asked: TestServer.Asked) -> TestServer.Reply? {
        .json(Fleet.list(Fleet.nodes))
    }

    /// Serves with `server`, asks with `client`, and answers with how `get nodes` ended.
    private func ask(
        server: TestAuthority.Identity, client: TestAuthority.Identity,
        trusting authority: TestAuthority, on stage: Stage
    ) async throws -> Failure? {
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: [.certificate(try server.certificate)],
            privateKey: .privateKey(try server.key))
        tls.minimumTLSVersion = .tlsv13
        tls.certificateVerification = .noHostnameVerification
        tls.trustRoots = .certificates([try hubAuthority.certificate])
        let authorityFile = try stage.write(authority.pem, to: "ca.pem")
        let certificateFile = try stage.write(client.certificatePEM, to: "me.pem")
        let keyFile = try stage.write(client.keyPEM, to: "me.key")
        return try await TestServer.serve(tls: tls, MutualTLSTests.script) { port in
            let endpoint = Endpoint.hub(
                HubAddress(
                    host: "127.0.0.1", port: port, certificateAuthority: authorityFile,
                    clientCertificate: certificateFile, clientKey: keyFile))
            let get = Get(try Target.parse(["nodes"]), format: .name)
            return await failure { try await get.run(in: stage.session(endpoint)) }
        }
    }

    @Test func `hub and client that know each other talk`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.identity(), client: hubAuthority.identity(),
            trusting: hubAuthority, on: stage)
        #expect(failure == nil)
        #expect(stage.shown == "node/urban-1\nnode/suburban-1\nnode/rural-1\n")
    }

    @Test func `a hub of another authority is not trusted`() async throws {
        let stage = try Stage()
        let other = try TestAuthority("other")
        let failure = try await ask(
            server: other.identity(), client: hubAuthority.identity(), trusting: hubAuthority,
            on: stage)
        #expect(failure?.code == .failed)
        #expect(failure?.message.contains("was not issued by \(stage.directory)/ca.pem") == true)
    }

    @Test func `an expired certificate of the hub is told apart`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.identity(isExpired: true), client: hubAuthority.identity(),
            trusting: hubAuthority, on: stage)
        #expect(failure?.code == .failed)
        #expect(failure?.message.contains("expired at 2001-09-09T01:46:40Z") == true)
    }

    @Test func `an expired certificate of one's own is named with its file`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.identity(), client: hubAuthority.identity(isExpired: true),
            trusting: hubAuthority, on: stage)
        #expect(failure?.code == .denied)
        #expect(
            failure?.message.hasPrefix("your certificate \(stage.directory)/me.pem expired at")
                == true)
    }

    @Test func `a client of another authority is denied`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.identity(), client: try TestAuthority("other").identity(),
            trusting: hubAuthority, on: stage)
        #expect(failure?.code == .denied)
        #expect(failure?.message.contains("does not accept your certificate") == true)
    }

    @Test func `an address that is not in the certificate is told`() async throws {
        let stage = try Stage()
        let failure = try await ask(
            server: hubAuthority.identity(address: [127, 0, 0, 2]),
            client: hubAuthority.identity(), trusting: hubAuthority, on: stage)
        #expect(failure?.code == .failed)
        #expect(failure?.message.contains("is not for '127.0.0.1'") == true)
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

/// Issues certificates for one address each.
struct TestAuthority {
    struct Identity {
        let certificatePEM: String
        let keyPEM: String

        var certificate: NIOSSLCertificate {
            get throws { try NIOSSLCertificate(bytes: Array(certificatePEM.utf8), format: .pem) }
        }
        var key: NIOSSLPrivateKey {
            get throws { try NIOSSLPrivateKey(bytes: Array(keyPEM.utf8), format: .pem) }
        }
    }

    private let key = P256.Signing.PrivateKey()
    private let name: DistinguishedName
    let pem: String

    init(_ name: String) throws {
        self.name = try DistinguishedName { CommonName(name) }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: Date(timeIntervalSince1970: 0), notValidAfter: .distantFuture2050,
            issuer: self.name, subject: self.name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
            }, issuerPrivateKey: .init(key))
        pem = try certificate.serializeAsPEM().pemString
    }

    var certificate: NIOSSLCertificate {
        get throws { try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem) }
    }

    func identity(
        isExpired: Bool = false, address: [UInt8] = [127, 0, 0, 1]
    ) throws -> Identity {
        let own = P256.Signing.PrivateKey()
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(own.publicKey),
            notValidBefore: Date(timeIntervalSince1970: 0),
            notValidAfter: isExpired
                ? Date(timeIntervalSince1970: 1_000_000_000) : .distantFuture2050,
            issuer: name, subject: try DistinguishedName { CommonName("leaf") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                SubjectAlternativeNames([
                    .ipAddress(ASN1OctetString(contentBytes: address[...]))
                ])
            }, issuerPrivateKey: .init(key))
        return Identity(
            certificatePEM: try certificate.serializeAsPEM().pemString,
            keyPEM: own.pemRepresentation)
    }
}

extension Date {
    /// The last moment but one that a short X.509 time can say.
    fileprivate static let distantFuture2050 = Date(timeIntervalSince1970: 2_524_607_000)
}
