import GRPCCore
package import Model
import SwiftASN1
import X509

extension ControlClient {
    /// Trades a join token for an authority of the node. The hub is trusted by the root in the token
    /// and by nothing else, and what it sends back is accepted only if that root stands above it and
    /// it is for this node and this key.
    ///
    /// - Parameters:
    ///   - site: nil takes the token's.
    ///   - key: with which the node will sign.
    ///   - device: by which it can come back when all else has expired.
    package static func enrol(
        token text: String, node: NodeID, site: SiteID? = nil, key: NodeKey,
        device: (any DeviceKey)? = nil, limits: Limits = .production, clock: FleetClock
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
            verifier = try PeerVerifier(.hub(name: endpoint.host), trustRoots: roots, clock: clock)
        } catch {
            throw .identity(error)
        }
        let dialer = Dialer(
            endpoint: endpoint, serverName: endpoint.host, identity: nil, verifier: verifier,
            limits: limits, now: clock.now)
        let request = EnrolmentRequest(
            tokenID: token.id, tokenSecret: token.secret, node: node, site: site,
            publicKey: key.publicKey, deviceKey: device?.publicKey)
        let enrolment = try await dialer.withConnection { client in
            try await exchange(request, for: Enrolment.self, client, limits)
        }
        try await check(
            enrolment, node: node, site: site, key: key, trustRoots: roots, clock: clock)
        return enrolment
    }

    /// Asks for a new authority by the device key, on a link that proves the hub only. The answer is
    /// checked where it is put to use.
    ///
    /// - Parameters:
    ///   - hub: `host:port` where nodes enrol.
    ///   - key: with which the node will sign.
    package static func comeBack(
        to hub: String, trustRoots: String, node: NodeID, key: NodeKey, device: any DeviceKey,
        limits: Limits = .production, clock: FleetClock
    ) async throws(TransportError) -> Certification {
        let endpoint = try Endpoint(hub)
        let verifier: PeerVerifier
        do {
            verifier = try PeerVerifier(
                .hub(name: endpoint.host), trustRoots: trustRoots, clock: clock)
        } catch {
            throw .identity(error)
        }
        let dialer = Dialer(
            endpoint: endpoint, serverName: endpoint.host, identity: nil, verifier: verifier,
            limits: limits, now: clock.now)
        return try await dialer.withConnection { client in
            let challenge = try await exchange(
                ReturnRequest.begin(node), for: ReturnChallenge.self, client, limits)
            let proof = try ReturnProof(
                node: node, nonce: challenge.nonce, key: key, device: device)
            return try await exchange(
                ReturnRequest.prove(proof), for: Certification.self, client, limits)
        }
    }

    /// By what a machine knows the hub that it asks to let it join.
    package enum HubTrust: Sendable {
        /// PEM of the root.
        case roots(String)
        /// The SHA-256 of the root, in hexadecimal.
        case digest(String)
    }

    /// Asks once to become a node, without a token. What comes with a yes is checked as after `enrol`.
    package static func join(
        _ hub: String, trusting trust: HubTrust, node: NodeID, site: SiteID, key: NodeKey,
        device: NodeKey, limits: Limits = .production, clock: FleetClock
    ) async throws(TransportError) -> JoinAnswer {
        let endpoint = try Endpoint(hub)
        let verifier: PeerVerifier
        do {
            switch trust {
            case .roots(let roots):
                verifier = try PeerVerifier(
                    .hub(name: endpoint.host), trustRoots: roots, clock: clock)
            case .digest(let digest):
                verifier = PeerVerifier(.hub(name: endpoint.host), pinning: digest, clock: clock)
            }
        } catch {
            throw .identity(error)
        }
        let dialer = Dialer(
            endpoint: endpoint, serverName: endpoint.host, identity: nil, verifier: verifier,
            limits: limits, now: clock.now)
        let answer = try await dialer.withConnection { client in
            let challenge = try await exchange(
                ReturnRequest.begin(node), for: ReturnChallenge.self, client, limits)
            let proof = try ReturnProof(
                node: node, nonce: challenge.nonce, key: key, device: device)
            return try await exchange(
                JoinRequest(site: site, proof: proof), for: JoinAnswer.self, client, limits)
        }
        guard case .enrolled(var enrolment) = answer else { return answer }
        do {
            switch trust {
            case .roots(let roots): enrolment.trustRoots = roots
            case .digest(let digest):
                enrolment.trustRoots = try TrustRoots.pinned(digest, among: enrolment.trustRoots)
            }
        } catch {
            throw .identity(error)
        }
        try await check(
            enrolment, node: node, site: nil, key: key, trustRoots: enrolment.trustRoots,
            clock: clock)
        return .enrolled(enrolment)
    }

    private static func exchange<Answer: Recordable>(
        _ request: some Recordable, for answer: Answer.Type,
        _ client: GRPCClient<Dialer.Transport>, _ limits: Limits
    ) async throws -> Answer {
        var message = Skerry_Control_V1_EnrolRequest()
        message.request = try RecordCodec.record(request)
        let reply = try await Skerry_Control_V1_Enrolment.Client(wrapping: client).enrol(
            message, options: CallOptions(limits))
        switch reply.result {
        case .enrolment(let record):
            guard case .value(let answer) = RecordCodec.read(Answer.self, from: record) else {
                throw TransportError.garbled(reason: "the hub's answer cannot be read")
            }
            return answer
        case .refusal(let record):
            guard case .value(let refusal) = RecordCodec.read(Refusal.self, from: record) else {
                throw TransportError.garbled(reason: "the refusal cannot be read")
            }
            throw TransportError.enrolment(refusal)
        case nil: throw TransportError.garbled(reason: "the answer is empty")
        }
    }

    /// What was issued is good if a hub would let in what this node signs with it.
    private static func check(
        _ enrolment: Enrolment, node: NodeID, site: SiteID?, key: NodeKey, trustRoots: String,
        clock: FleetClock
    ) async throws(TransportError) {
        guard enrolment.node == node, site == nil || site == enrolment.site else {
            throw .garbled(reason: "the authority it issued is for another node")
        }
        do {
            let own = try NodeAuthority(
                certificateChain: enrolment.certificateChain, key: key, node: enrolment.node,
                site: enrolment.site)
            if let objection = try await own.objection(trusting: trustRoots, at: clock) {
                throw TransportError.garbled(
                    reason: "the authority it issued is bad: \(objection)")
            }
        } catch let error as TransportError {
            throw error
        } catch {
            throw .garbled(reason: "the authority it issued cannot be used: \(error)")
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
