import Machines
import Management
import Model
import Synchronization
import Transport
import Trust

/// Who belongs, and how they prove it, seen from the hub.
extension HubBackend {
    func certificates() async throws(Refusal) -> CertificateList {
        let revocations = host.machine.withLock(\.revocationList)
        do {
            var items = try hubCertificates()
            for node in host.machine.withLock(\.nodeNames) {
                guard let shown = try host.control.shown(by: node) else { continue }
                items += CertificateReport.ofNode(node, shown.chain, seenAt: shown.at).map {
                    $0.marked(by: revocations)
                }
            }
            return CertificateList(
                items: items, asOf: host.identity.time.now,
                clock: host.identity.time.standing.rawValue)
        } catch {
            throw Refusal(.unavailable, "the certificates cannot be read: \(error)")
        }
    }

    private func hubCertificates() throws -> [CertificateReport] {
        let identity = host.identity
        var items = try CertificateReader.facts(pem: identity.trustRoots).enumerated().map {
            CertificateReport.root($1, number: $0)
        }
        let shown = try CertificateReader.facts(pem: identity.server.current.certificateChain)
        if shown.count > 1 {
            items.append(
                CertificateReport(
                    name: "issuing", role: .issuing, issuedBy: .root,
                    renewal: identity.authority.holdsRootKey ? .byHub : .byHand, facts: shown[1]))
        }
        if let leaf = shown.first {
            items.append(
                CertificateReport(
                    name: "hub", role: .leaf, issuedBy: .hub, renewal: .byHub, facts: leaf))
        }
        let file = OperatorFiles(directory: host.settings.state + "/operator").certificate
        if let text = try PrivateFile.read(file),
            let facts = try CertificateReader.facts(pem: text).first
        {
            items.append(
                CertificateReport(
                    name: "operator", role: .leaf, issuedBy: .hub, renewal: .byHub, facts: facts))
        }
        return items
    }
}

/// Who asks to belong, and who does not any more.
extension HubBackend {
    func pending() async throws(Refusal) -> PendingList {
        PendingList(
            items: host.machine.withLock(\.pendingNodes), asOf: SystemClock.now().wall)
    }

    func answer(
        _ node: NodeID, _ answer: PendingAnswer, by principal: Principal
    ) async throws(Refusal) -> PendingNode {
        let reply = try await host.carryOut(.answer(node, answer, by: "\(principal)"))
        guard case .pending(let item) = reply else {
            preconditionFailure("an answer to a machine that asks is answered with that machine")
        }
        return item
    }

    func retireRoots() async throws(Refusal) {
        try retire { try host.identity.authority.retire() }
    }

    func retire(_ roots: () throws -> Void) throws(Refusal) {
        do {
            try roots()
        } catch {
            throw Refusal(.unavailable, "the earlier roots are still there: \(error)")
        }
    }

    func revocations() async -> RevocationReport {
        host.machine.withLock { $0.revocationReport(at: SystemClock.now().wall) }
    }

    func revoke(
        _ request: RevocationRequest, by principal: Principal
    ) async throws(Refusal) -> RevocationReport {
        _ = try await host.carryOut(.revoke(request, by: "\(principal)"))
        return await revocations()
    }
}

extension CertificateReport {
    /// - Parameter number: roots of old come behind the one in use.
    static func root(_ facts: CertificateFacts, number: Int) -> CertificateReport {
        CertificateReport(
            name: number == 0 ? "root" : "root-\(number)", role: .root, issuedBy: .root,
            renewal: .byHand, facts: facts)
    }

    /// Of a chain with the leaf first, as nodes show it.
    static func ofNode(
        _ node: NodeID, _ chain: [CertificateFacts], seenAt: WallTime? = nil
    ) -> [CertificateReport] {
        let kinds: [(Role, Issuer, Renewal)] = [
            (.leaf, .node, .byNode), (.authority, .hub, .byContact),
        ]
        return zip(chain, kinds).map { facts, kind in
            var facts = facts
            // The name of an authority says the device; what it signs has it from there.
            facts.device = facts.device ?? chain.dropFirst().first?.device
            return CertificateReport(
                name: "\(node)/\(kind.0.rawValue)", role: kind.0, node: node, issuedBy: kind.1,
                renewal: kind.2, facts: facts, seenAt: seenAt)
        }.reversed()
    }

    func marked(by revocations: RevocationList?) -> CertificateReport {
        guard let node else { return self }
        var marked = self
        marked.revokedAt =
            revocations?.entries.first {
                $0.isOfNode(node) && ($0.device == nil || $0.device == facts.device)
            }?.at
        return marked
    }
}
