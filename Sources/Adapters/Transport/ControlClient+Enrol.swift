import Crypto
import GRPCCore
package import Model
import SwiftASN1
import X509

extension ControlClient {
    /// Trades a join token for a certificate. The hub is trusted by the authority in the token and by
    /// nothing else, and what it sends back is accepted only if that authority signed it for this
    /// node and this key.
    ///
    /// - Parameter site: nil takes the token's.
    package static func enrol(
        token text: String, node: NodeID, site: SiteID? = nil, key: NodeKey,
        limits: Limits = .production, now: @escaping @Sendable () -> WallTime
    ) async throws(TransportError) -> Enrolment {
        let token: JoinTokenText
        let roots: String
        let verifier: PeerVerifier
        let endpoint: Endpoint
        do {
            token = try JoinTokenText(text: text)
        } catch {
            throw .token(error)
        }
        endpoint = try Endpoint(token.hub)
        do {
            roots = try pemOfAuthority(token.authority)
            verifier = try PeerVerifier(.hub(name: endpoint.host), trustRoots: roots, now: now)
        } catch {
            throw .identity(error)
        }
        let dialer = Dialer(
            endpoint: endpoint, serverName: endpoint.host, identity: nil, verifier: verifier,
            limits: limits, now: now)
        let request = EnrolmentRequest(
            tokenID: token.id, tokenSecret: token.secret, node: node, site: site,
            publicKey: key.publicKey)
        let enrolment = try await dialer.withConnection { client in
            try await ask(request, client, limits)
        }
        try await check(enrolment, against: request, trustRoots: roots, now: now)
        return enrolment
    }

    private static func ask(
        _ request: EnrolmentRequest, _ client: GRPCClient<Dialer.Transport>, _ limits: Limits
    ) async throws -> Enrolment {
        var message = Skerry_Control_V1_EnrolRequest()
        message.request = try RecordCodec.record(request)
        let reply = try await Skerry_Control_V1_Enrolment.Client(wrapping: client).enrol(
            message, options: CallOptions(limits))
        switch reply.result {
        case .enrolment(let record):
            guard case .value(let enrolment) = RecordCodec.read(Enrolment.self, from: record) else {
                throw TransportError.garbled(reason: "the enrolment cannot be read")
            }
            return enrolment
        case .refusal(let record):
            guard case .value(let refusal) = RecordCodec.read(Refusal.self, from: record) else {
                throw TransportError.garbled(reason: "the refusal cannot be read")
            }
            throw TransportError.enrolment(refusal)
        case nil: throw TransportError.garbled(reason: "the answer is empty")
        }
    }

    private static func check(
        _ enrolment: Enrolment, against request: EnrolmentRequest, trustRoots: String,
        now: @escaping @Sendable () -> WallTime
    ) async throws(TransportError) {
        do {
            let chain = try PEMDocument.parseMultiple(pemString: enrolment.certificateChain).map {
                try Certificate(pemDocument: $0)
            }
            let verifier = try PeerVerifier(.node, trustRoots: trustRoots, now: now)
            if let objection = await verifier.objection(to: chain) {
                throw TransportError.garbled(
                    reason: "the certificate it issued is bad: \(objection)")
            }
            let key = try P256.Signing.PublicKey(derRepresentation: request.publicKey)
            let identity = try chain.first.flatMap { try PeerIdentity(of: $0) }
            guard chain.first?.publicKey == Certificate.PublicKey(key),
                identity == .node(request.node, site: enrolment.site),
                enrolment.node == request.node,
                request.site == nil || request.site == enrolment.site
            else {
                throw TransportError.garbled(
                    reason: "the certificate it issued is for another node")
            }
        } catch let error as TransportError {
            throw error
        } catch {
            throw .garbled(reason: "the certificate it issued cannot be read (\(error))")
        }
    }
}

private func pemOfAuthority(_ der: [UInt8]) throws(CredentialError) -> String {
    do {
        return try Certificate(derEncoded: der).serializeAsPEM().pemString
    } catch {
        throw .certificate(reason: "the token's authority cannot be read (\(error))")
    }
}
