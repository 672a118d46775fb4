import Foundation
import Model
import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
import Transport

/// The files of a context, loaded: whom this side trusts, and who it is.
struct Credentials {
    private let address: HubAddress
    private let context: NIOSSLContext
    private let verifier: PeerVerifier
    /// What the header says who asks, where no certificate does.
    let token: String?

    init(_ address: HubAddress) throws(Failure) {
        self.address = address
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv13
        // A hub that does not say goodbye must not keep a person waiting.
        configuration.shutdownTimeout = .milliseconds(200)
        // What makes a hub good is for the verifier to say, here as at nodes.
        configuration.trustRoots = .certificates([])
        verifier = try Credentials.verifier(of: address)
        var pair = "the files of the context do not work together"
        switch address.proof {
        case .certificate(let certificate, let key):
            configuration.certificateChain =
                try Credentials.certificates(certificate, "client-certificate")
                .map { .certificate($0) }
            configuration.privateKey = .privateKey(try Credentials.key(key))
            pair = "\(key) is not the key of \(certificate)"
            token = nil
        case .token(let file): token = try Credentials.token(file)
        }
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch {
            throw Failure(.usage, "\(pair); write the context again with 'skerry hub init'")
        }
    }

    /// Makes the TLS handler on the event loop it will live on.
    struct ClientTLS: Sendable {
        fileprivate let context: NIOSSLContext
        fileprivate let hostname: String?
        /// Nil where it does not matter who answers.
        fileprivate let verifier: PeerVerifier?

        /// - Parameter doubt: is told why the hub is not believed.
        func make(_ doubt: @escaping @Sendable (HubDoubt) -> Void) throws -> NIOSSLClientHandler {
            guard let verifier else {
                return try NIOSSLClientHandler(context: context, serverHostname: hostname)
            }
            return try NIOSSLClientHandler(
                context: context, serverHostname: hostname,
                customVerificationCallback: verifier.callback { doubt(HubDoubt(reason: $0)) })
        }
    }

    func clientHandler() -> ClientTLS {
        ClientTLS(
            context: context, hostname: Credentials.hostname(address.host), verifier: verifier)
    }

    /// The one check of who a hub is, by the wall clock: a person's machine has no other.
    private static func verifier(of address: HubAddress) throws(Failure) -> PeerVerifier {
        let (file, field) = (address.certificateAuthority, "certificate-authority")
        _ = try certificates(file, field)
        do {
            return try PeerVerifier(
                .hub(name: address.host),
                trustRoots: String(
                    decoding: try bytes(of: file, bytesMax: 1 << 20) ?? [], as: UTF8.self),
                clock: FleetClock(certain: Session.now))
        } catch let failure as Failure {
            throw failure
        } catch {
            throw notPEM(file, field)
        }
    }

    /// Addresses cannot be asked for by name; they are checked against the certificate all the same.
    private static func hostname(_ host: String) -> String? {
        var address = in6_addr()
        let isAddress =
            inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
        return isAddress ? nil : host
    }

    private static func certificates(
        _ path: String, _ field: String
    ) throws(Failure) -> [NIOSSLCertificate] {
        let pem = try bytes(of: path, bytesMax: 1 << 20) ?? []
        do {
            let certificates = try NIOSSLCertificate.fromPEMBytes(pem)
            if !certificates.isEmpty { return certificates }
        } catch {
            throw notPEM(path, field)
        }
        throw notPEM(path, field)
    }

    private static func notPEM(_ path: String, _ field: String) -> Failure {
        Failure(
            .usage,
            "\(path) holds no PEM certificate; '\(field)' of the context must name one")
    }

    private static func token(_ path: String) throws(Failure) -> String {
        let text = String(decoding: try bytes(of: path, bytesMax: 1 << 16) ?? [], as: UTF8.self)
            .trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty, text.utf8.allSatisfy({ (33...126).contains($0) }) else {
            throw Failure(
                .usage, "\(path) holds no token; log in again with: skerry login --token TOKEN")
        }
        return text
    }

    private static func key(_ path: String) throws(Failure) -> NIOSSLPrivateKey {
        let pem = try bytes(of: path, bytesMax: 1 << 20) ?? []
        do {
            return try NIOSSLPrivateKey(bytes: pem, format: .pem)
        } catch {
            throw Failure(
                .usage,
                "\(path) holds no PEM private key; 'client-key' of the context must name one")
        }
    }

    /// When the own certificate ends; nil where there is none.
    var clientNotAfter: Date? {
        get throws(Failure) {
            guard case .certificate(let file, _) = address.proof else { return nil }
            return try Credentials.certificates(file, "client-certificate").first
                .map { Date(timeIntervalSince1970: Double($0.notValidAfter)) }
        }
    }

    /// The times between which the certificate of the hub is valid, whoever issued it.
    ///
    /// Asked for after a handshake failed, to say why. Nothing is sent on this connection, so it
    /// does not matter who answers.
    static func validity(of address: HubAddress) async throws -> ClosedRange<Date>? {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        configuration.shutdownTimeout = .milliseconds(200)
        let probe = ClientTLS(
            context: try NIOSSLContext(configuration: configuration),
            hostname: hostname(address.host), verifier: nil)
        let (channel, certificate) = try await ClientBootstrap(group: Line.group)
            .connectTimeout(.seconds(3))
            .connect(host: address.host, port: address.port) { channel in
                channel.eventLoop.makeCompletedFuture {
                    let promise = channel.eventLoop.makePromise(of: NIOSSLCertificate?.self)
                    let handler = try probe.make { _ in }
                    try channel.pipeline.syncOperations.addHandler(handler)
                    try channel.pipeline.syncOperations.addHandler(
                        PeerCertificate(of: handler, promise: promise))
                    return (channel, promise.futureResult)
                }
            }
        let leaf = try await certificate.get()
        channel.close(promise: nil)
        guard let leaf, leaf.notValidBefore <= leaf.notValidAfter else { return nil }
        return Date(
            timeIntervalSince1970: Double(leaf.notValidBefore))...Date(
                timeIntervalSince1970: Double(leaf.notValidAfter))
    }
}

/// The certificate of a hub is not good.
struct HubDoubt: Error {
    /// A sentence without its beginning: "it …".
    let reason: String
}

/// Waits for the handshake and hands out the certificate of the other side.
private final class PeerCertificate: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let handler: NIOSSLClientHandler
    private let promise: EventLoopPromise<NIOSSLCertificate?>

    init(of handler: NIOSSLClientHandler, promise: EventLoopPromise<NIOSSLCertificate?>) {
        self.handler = handler
        self.promise = promise
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? TLSUserEvent, case .handshakeCompleted = event {
            promise.succeed(handler.peerCertificate)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(ChannelError.eof)
        context.fireChannelInactive()
    }
}
