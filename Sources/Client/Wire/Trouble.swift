import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Transport

/// The other side closed the connection in the middle of an exchange.
struct ClosedEarly: Error {}

/// Turns what went wrong on a connection into what a person can do about it.
struct Trouble {
    let endpoint: Endpoint

    private var isHub: Bool {
        if case .hub = endpoint { return true }
        return false
    }
    private var who: String { isHub ? "hub" : "node" }

    func failure(for error: any Error) async -> Failure {
        switch error {
        case let failure as Failure: failure
        case is CancellationError: Failure(.failed, "")
        case let error as NIOConnectionError: unreachable(connecting(error))
        case let error as IOError: inputOutput(error)
        case is Silence: unreachable("it said nothing for too long")
        case is ClosedEarly: unreachable("it closed the connection before it had answered")
        case let error as ChannelError: unreachable(channel(error))
        // A server that stops in the middle of an answer does not end it as HTTP wants.
        case HTTPParserError.invalidEOFState: unreachable("the connection was cut")
        case is HTTPParserError:
            Failure(
                .failed,
                "\(endpoint.text) does not speak HTTP; check that the context names the port of a \(who)"
            )
        case let doubt as HubDoubt: await doubted(doubt.reason)
        case is NIOSSLExtraError, is NIOSSLError, is BoringSSLError: await tls(error)
        default: unreachable("\(error)")
        }
    }

    private func unreachable(_ why: String) -> Failure {
        Failure(.unreachable, "\(who) not reachable (\(why) at \(endpoint.text))")
    }

    private func connecting(_ error: NIOConnectionError) -> String {
        if let first = error.connectionErrors.first?.error {
            if let error = first as? IOError { return reason(error.errnoCode) }
            if case .connectTimeout = first as? ChannelError { return "no answer" }
            return "\(first)"
        }
        return "its name is not known: \(error.host)"
    }

    private func inputOutput(_ error: IOError) -> Failure {
        if !isHub, error.errnoCode == EACCES || error.errnoCode == EPERM {
            return Failure(
                .denied,
                "\(endpoint.text) may not be opened by this user; ask for membership of the "
                    + "group that owns it, or use sudo")
        }
        return unreachable(reason(error.errnoCode))
    }

    private func reason(_ code: CInt) -> String {
        switch code {
        case ECONNREFUSED: "connection refused"
        case ENOENT: "no node runs here: no socket"
        case ECONNRESET, EPIPE: "the connection was cut"
        case ETIMEDOUT: "no answer"
        case EHOSTUNREACH, ENETUNREACH: "no route"
        default: String(cString: strerror(code)).lowercased()
        }
    }

    private func channel(_ error: ChannelError) -> String {
        switch error {
        case .connectTimeout: "no answer"
        case .ioOnClosedChannel, .alreadyClosed, .eof, .inputClosed, .outputClosed:
            "the connection was cut"
        default: "\(error)"
        }
    }

    private func tls(_ error: any Error) async -> Failure {
        guard case .hub(let address) = endpoint else { return unreachable("\(error)") }
        if case .uncleanShutdown = error as? NIOSSLError {
            return unreachable("the connection was cut")
        }
        let text = "\(error)"
        if text.contains("ALERT") || text.contains("CERTIFICATE_REQUIRED") {
            return refusedByHub(text, address)
        }
        if text.contains("WRONG_VERSION") || text.contains("UNSUPPORTED_PROTOCOL")
            || text.contains("HTTP_REQUEST")
        {
            return Failure(
                .failed,
                "\(endpoint.text) does not speak TLS 1.3; check the port of the context")
        }
        if text.contains("EOF during handshake") {
            return unreachable("it closed the connection during the handshake")
        }
        return Failure(
            .failed, "the TLS handshake with the hub at \(endpoint.text) failed: \(text)")
    }

    private func refusedByHub(_ text: String, _ address: HubAddress) -> Failure {
        let advice = "get a new one, for example with 'skerry hub init' on the hub"
        do {
            if let end = try Credentials(address).clientNotAfter, end < Date() {
                return Failure(
                    .denied,
                    "your certificate \(address.proof.file) expired at "
                        + "\(Trouble.text(end)); \(advice)")
            }
        } catch {
            return error
        }
        if text.contains("EXPIRED") {
            return Failure(
                .denied,
                "the hub holds your certificate \(address.proof.file) for expired, "
                    + "and this machine does not: compare the two clocks")
        }
        return Failure(
            .denied,
            "the hub at \(endpoint.text) does not accept your certificate "
                + "\(address.proof.file); \(advice)")
    }

    private func doubted(_ reason: String) async -> Failure {
        guard case .hub(let address) = endpoint else { return unreachable(reason) }
        if reason == PeerVerifier.unknownAuthority { return await distrusted(address) }
        if reason.hasPrefix("it expired") || reason.hasPrefix("it is valid from") {
            return await distrusted(address)
        }
        return Failure(
            .failed,
            "the certificate of the hub at \(endpoint.text) is not good: \(reason). Connect by one of "
                + "the names that the hub was set up with, or take its context again if it was set up "
                + "anew")
    }

    private func distrusted(_ address: HubAddress) async -> Failure {
        let start = "the certificate of the hub at \(endpoint.text) "
        do {
            if let validity = try await Credentials.validity(of: address) {
                if validity.upperBound < Date() {
                    return Failure(
                        .failed,
                        start + "expired at \(Trouble.text(validity.upperBound)): restart "
                            + "the hub so that it renews it, or set the clock of this machine right"
                    )
                }
                if validity.lowerBound > Date() {
                    return Failure(
                        .failed,
                        start + "is valid from \(Trouble.text(validity.lowerBound)), which "
                            + "is ahead of this machine: set its clock right")
                }
            }
        } catch {
            // The second look only sharpens the message; without it the plain one stands.
            return notIssued(start, address)
        }
        return notIssued(start, address)
    }

    private func notIssued(_ start: String, _ address: HubAddress) -> Failure {
        Failure(
            .failed,
            start + "was not issued by \(address.certificateAuthority): this is another "
                + "hub, or it was set up anew; take its context again before you trust it")
    }

    private static func text(_ date: Date) -> String {
        date.formatted(.iso8601)
    }
}
