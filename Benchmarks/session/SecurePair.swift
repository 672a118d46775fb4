import Crypto
import Foundation
import NIOCore
import NIOEmbedded
import NIOSSL
import SwiftASN1
import X509

/// Certificates as nodes have them, P-256 throughout.
struct Identities {
    enum Depth { case leafUnderRoot, leafUnderIssuerUnderRoot }

    let roots: [NIOSSLCertificate]
    let chains: [[NIOSSLCertificate]]
    let keys: [NIOSSLPrivateKey]
    /// The chain of the second end once more, as swift-certificates has it.
    let root: Certificate
    let leaf: Certificate
    let between: [Certificate]

    init(_ depth: Depth) throws {
        let root = try Authority(name: "root", issuer: nil)
        roots = [try Identities.certificate(root.certificate)]
        self.root = root.certificate
        var ends: [[Certificate]] = []
        var keys: [NIOSSLPrivateKey] = []
        for node in ["n1.s1.example", "n2.s1.example"] {
            let issuer =
                depth == .leafUnderRoot ? root : try Authority(name: "node CA", issuer: root)
            let key = P256.Signing.PrivateKey()
            let leaf = try issuer.issue(
                to: node, key: key.publicKey,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    SubjectAlternativeNames([
                        .uniformResourceIdentifier("spiffe://\(node)/agent/main")
                    ])
                })
            let above = depth == .leafUnderRoot ? [] : [issuer.certificate]
            ends.append([leaf] + above)
            keys.append(try NIOSSLPrivateKey(bytes: Array(key.derRepresentation), format: .der))
        }
        chains = try ends.map { try $0.map(Identities.certificate) }
        leaf = ends[1][0]
        between = Array(ends[1].dropFirst())
        self.keys = keys
    }

    private static func certificate(_ certificate: Certificate) throws -> NIOSSLCertificate {
        var serializer = DER.Serializer()
        try serializer.serialize(certificate)
        return try NIOSSLCertificate(bytes: serializer.serializedBytes, format: .der)
    }

    private struct Authority {
        let key = P256.Signing.PrivateKey()
        let name: DistinguishedName
        let certificate: Certificate

        init(name text: String, issuer: Authority?) throws {
            name = try DistinguishedName { CommonName(text) }
            let extensions = try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            }
            certificate = try Authority.make(
                subject: name, key: key.publicKey, issuer: issuer?.name ?? name,
                signer: issuer?.key ?? key, extensions: extensions)
        }

        func issue(
            to node: String, key: P256.Signing.PublicKey, extensions: Certificate.Extensions
        ) throws -> Certificate {
            try Authority.make(
                subject: try DistinguishedName { CommonName(node) }, key: key, issuer: name,
                signer: self.key, extensions: extensions)
        }

        private static func make(
            subject: DistinguishedName, key: P256.Signing.PublicKey, issuer: DistinguishedName,
            signer: P256.Signing.PrivateKey, extensions: Certificate.Extensions
        ) throws -> Certificate {
            try Certificate(
                version: .v3, serialNumber: Certificate.SerialNumber(),
                publicKey: Certificate.PublicKey(key), notValidBefore: Date.now - 3600,
                notValidAfter: Date.now + 86_400, issuer: issuer, subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
                issuerPrivateKey: Certificate.PrivateKey(signer))
        }
    }
}

/// Both settings of a mutual TLS 1.3 connection, made once as a program would.
struct SecureSettings {
    let client: NIOSSLContext
    let server: NIOSSLContext

    /// `curves`: nil for those that NIOSSL takes by itself.
    init(_ identities: Identities, curves: [NIOTLSCurve]?) throws {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateVerification = .noHostnameVerification
        settings.trustRoots = .certificates(identities.roots)
        settings.certificateChain = identities.chains[0].map { .certificate($0) }
        settings.privateKey = .privateKey(identities.keys[0])
        settings.minimumTLSVersion = .tlsv13
        if let curves { settings.curves = curves }
        client = try NIOSSLContext(configuration: settings)

        settings = TLSConfiguration.makeServerConfigurationWithMTLS(
            certificateChain: identities.chains[1].map { .certificate($0) },
            privateKey: .privateKey(identities.keys[1]),
            trustRoots: .certificates(identities.roots))
        settings.minimumTLSVersion = .tlsv13
        if let curves { settings.curves = curves }
        server = try NIOSSLContext(configuration: settings)
    }
}

/// Two ends of one TLS connection in memory: no sockets, no other thread.
final class SecurePair {
    let client: EmbeddedChannel
    let server: EmbeddedChannel
    /// What both ends put on the wire.
    private(set) var bytes = 0

    /// Shakes hands.
    init(_ settings: SecureSettings) throws {
        client = EmbeddedChannel(
            handler: try NIOSSLClientHandler(context: settings.client, serverHostname: nil))
        server = EmbeddedChannel(handler: NIOSSLServerHandler(context: settings.server))
        let place = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        server.connect(to: place, promise: nil)
        client.connect(to: place, promise: nil)
        try exchange()
        guard bytes > 1000 else { throw Failure("no handshake took place") }
    }

    func close() {
        _ = client.close()
        _ = server.close()
        client.embeddedEventLoop.run()
        server.embeddedEventLoop.run()
    }

    /// Carries what there is until both ends are quiet.
    private func exchange() throws {
        var isQuiet = false
        while !isQuiet {
            let forth = try carry(from: client, to: server)
            let back = try carry(from: server, to: client)
            isQuiet = !forth && !back
        }
    }

    private func carry(from one: EmbeddedChannel, to other: EmbeddedChannel) throws -> Bool {
        var any = false
        while let buffer = try one.readOutbound(as: ByteBuffer.self) {
            bytes += buffer.readableBytes
            try other.writeInbound(buffer)
            any = true
        }
        return any
    }

    /// Sends buffers from client to server, each by itself or all with one flush; the number of
    /// bytes that came out.
    func send(_ buffers: some Sequence<ByteBuffer>, flushingEach: Bool) throws -> Int {
        var came = 0
        for buffer in buffers {
            client.write(buffer, promise: nil)
            if flushingEach { came += try flush() }
        }
        return came + (try flush())
    }

    private func flush() throws -> Int {
        client.flush()
        _ = try carry(from: client, to: server)
        var came = 0
        while let plain = try server.readInbound(as: ByteBuffer.self) {
            came += plain.readableBytes
        }
        return came
    }
}
