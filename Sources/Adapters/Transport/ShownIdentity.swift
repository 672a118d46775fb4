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
    private struct State {
        var identity: TLSIdentity
        var renewAt: WallTime
        /// As the handshake takes it: read once and not in each, which takes a fifth of a millisecond.
        var sources: (chain: [NIOSSLCertificateSource], key: NIOSSLPrivateKeySource)?

        init(_ made: (identity: TLSIdentity, renewAt: WallTime)) {
            (identity, renewAt) = made
        }
    }

    private let state: Mutex<State>

    package init(now: @escaping @Sendable () -> WallTime, source: @escaping Source) throws {
        self.source = source
        self.now = now
        state = Mutex(State(try source()))
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
            refresh(&state)
            return state.identity
        }
    }

    private func refresh(_ state: inout State) {
        guard now() >= state.renewAt else { return }
        do {
            state = State(try source())
        } catch {
            return
        }
    }

    /// Shows something new from the next handshake on, whatever the time is. Throws, and goes on showing
    /// what it did, where that cannot be made.
    package func renew() throws {
        let next = State(try source())
        state.withLock { $0 = next }
    }

    /// For one handshake.
    func serve(_ promise: EventLoopPromise<NIOSSLContextConfigurationOverride>) {
        promise.completeWith(
            Result {
                try state.withLock { state in
                    refresh(&state)
                    let sources = try state.sources ?? state.identity.read()
                    state.sources = sources
                    var override = NIOSSLContextConfigurationOverride()
                    (override.certificateChain, override.privateKey) = sources
                    return override
                }
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
