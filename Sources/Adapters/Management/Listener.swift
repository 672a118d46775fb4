import HummingbirdTLS
package import Model
import NIOCore
import NIOSSL
import Synchronization

/// Where the interface can be reached.
package enum Listener: Sendable {
    /// HTTPS for clients that show a certificate or a token.
    case tls(TLSListener)
    /// Plain HTTP on a socket file. At most 99 bytes long. `mode` says who may open it: its owner alone,
    /// unless the directory that it lies in says who can come near.
    case unixSocket(path: String, mode: UInt32 = 0o600)
}

package struct TLSListener: Sendable {
    package var host: String
    /// 0 takes any free port.
    package var port: Int
    package var identity: ServerIdentity
    /// Why the certificates that a client shows are not good, leaf first, in DER; nil where they are.
    package var verify: @Sendable (_ chain: [[UInt8]]) async -> String?
    package var identify: Identify

    /// Whom a client speaks for, by the names in its certificate: `dns:…`, `uri:…`, `email:…`, and by
    /// when it begins. Nil for who may not ask. Asked for each request, so that who is revoked is out
    /// with the next.
    ///
    /// Nodes have certificates of the same authority, and a stolen one must not manage the fleet.
    package typealias Identify =
        @Sendable (_ names: [String], _ issuedAt: WallTime) -> Principal?

    package init(
        host: String, port: Int, identity: ServerIdentity,
        verify: @escaping @Sendable (_ chain: [[UInt8]]) async -> String?,
        identify: @escaping Identify
    ) {
        self.host = host
        self.port = port
        self.identity = identity
        self.verify = verify
        self.identify = identify
    }

    func configuration() throws(ListenerError) -> TLSConfiguration {
        let (chain, key) = identity.current
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: key)
        configuration.minimumTLSVersion = .tlsv13
        // What makes one good is for `verify` to say.
        configuration.trustRoots = .certificates([])
        // Who has no certificate may have a token; one that is shown must be good. A client has no host
        // name to verify.
        configuration.certificateVerification = .optionalVerification
        configuration.applicationProtocols = ["http/1.1"]
        configuration.sslContextCallback = { [identity] _, promise in
            var override = NIOSSLContextConfigurationOverride()
            (override.certificateChain, override.privateKey) = identity.current
            promise.succeed(override)
        }
        return configuration
    }

    /// As BoringSSL asks; the other side hears an alert only.
    func check(
        _ certificates: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResult>
    ) {
        promise.completeWithTask {
            let chain = try certificates.map { try $0.toDERBytes() }
            return await verify(chain) == nil ? .certificateVerified : .failed
        }
    }
}

/// The certificate and key that a server shows. Renewed while it runs; connections that are open
/// keep what they began with.
package final class ServerIdentity: Sendable {
    typealias Pair = (chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource)

    private let pair: Mutex<Pair>

    /// Both in PEM, the chain with the leaf first.
    package init(certificateChain: String, key: String) throws(ListenerError) {
        pair = Mutex(try ServerIdentity.read(certificateChain, key))
    }

    package func renew(certificateChain: String, key: String) throws(ListenerError) {
        let renewed = try ServerIdentity.read(certificateChain, key)
        pair.withLock { $0 = renewed }
    }

    var current: Pair { pair.withLock { $0 } }

    private static func read(_ chain: String, _ key: String) throws(ListenerError) -> Pair {
        let certificates = try readCertificates(chain, of: "the server")
        do {
            let key = try NIOSSLPrivateKey(bytes: Array(key.utf8), format: .pem)
            return (certificates.map { .certificate($0) }, .privateKey(key))
        } catch {
            throw .unreadable("the key of the server")
        }
    }
}

/// Why the interface cannot be reached where it should be.
package enum ListenerError: Error, Equatable, CustomStringConvertible {
    case unreadable(String)
    case unusableIdentity(String)
    case addressTaken(String)
    case addressNotPermitted(String)
    case addressUnusable(String, reason: String)
    case socketPathTooLong(String, bytesMax: Int)
    case socketPathTaken(String)
    case socketInUse(String)
    case socketUnusable(String, reason: String)

    package var description: String {
        switch self {
        case .unreadable(let what):
            "the management listener cannot start: \(what) is not readable PEM;"
                + " replace the file, or remove it and initialise again"
        case .unusableIdentity(let reason):
            "the management listener cannot start: its certificate and key do not work together"
                + " (\(reason)); replace both"
        case .addressTaken(let address):
            "the management listener cannot use \(address): another program listens there;"
                + " stop it or choose another port"
        case .addressNotPermitted(let address):
            "the management listener may not use \(address): choose a port from 1024 on, or give"
                + " the process the right to bind low ports"
        case .addressUnusable(let address, let reason):
            "the management listener cannot use \(address): \(reason);"
                + " choose an address of this machine"
        case .socketPathTooLong(let path, let bytesMax):
            "the management socket cannot be at \(path): the path has \(path.utf8.count) bytes and"
                + " the system allows \(bytesMax); choose a shorter state directory"
        case .socketPathTaken(let path):
            "the management socket cannot be at \(path): a file that is no socket is there;"
                + " move it away or choose another path"
        case .socketInUse(let path):
            "the management socket at \(path) is in use: another agent runs with this state"
                + " directory; stop it first"
        case .socketUnusable(let path, let reason):
            "the management socket cannot be made at \(path): \(reason);"
                + " check the directory and who may write to it"
        }
    }
}

private func readCertificates(
    _ pem: String, of whom: String
) throws(ListenerError) -> [NIOSSLCertificate] {
    do {
        let certificates = try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8))
        guard !certificates.isEmpty else { throw ListenerError.unreadable("") }
        return certificates
    } catch {
        throw .unreadable("the certificate of \(whom)")
    }
}
