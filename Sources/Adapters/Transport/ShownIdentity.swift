package import Model
import NIOCore
import NIOSSL
import Synchronization

/// What a listener shows of itself in each handshake. Renewed as it is asked for, so a listener
/// never shows a certificate whose end is near, and needs no restart for a new one.
package final class ShownIdentity: Sendable {
    /// Makes a certificate, and says when it should be replaced.
    package typealias Source = @Sendable () throws -> (identity: TLSIdentity, renewAt: WallTime)

    private let source: Source
    private let now: @Sendable () -> WallTime
    private let state: Mutex<(identity: TLSIdentity, renewAt: WallTime)>

    package init(now: @escaping @Sendable () -> WallTime, source: @escaping Source) throws {
        self.source = source
        self.now = now
        state = Mutex(try source())
    }

    /// One that is never renewed.
    package convenience init(_ identity: TLSIdentity) throws {
        try self.init(
            now: { WallTime(milliseconds: 0) },
            source: { (identity, WallTime(milliseconds: .max)) })
    }

    /// The certificates and the key to show at this time. Where a new one cannot be made, the one
    /// before is shown, and judged by the other side.
    package var current: TLSIdentity {
        state.withLock { state in
            guard now() >= state.renewAt else { return state.identity }
            do {
                state = try source()
            } catch {
                return state.identity
            }
            return state.identity
        }
    }

    /// For one handshake.
    func serve(_ promise: EventLoopPromise<NIOSSLContextConfigurationOverride>) {
        promise.completeWith(
            Result {
                var override = NIOSSLContextConfigurationOverride()
                (override.certificateChain, override.privateKey) = try current.read()
                return override
            })
    }
}

extension TLSIdentity {
    func read() throws -> (chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource) {
        (
            try NIOSSLCertificate.fromPEMBytes(Array(certificateChain.utf8))
                .map { .certificate($0) },
            .privateKey(try NIOSSLPrivateKey(bytes: Array(privateKey.utf8), format: .pem))
        )
    }
}
