import Model
import Transport
import Trust

/// True messages and signed things of one fleet, to be changed.
struct Messages {
    let time: WallTime
    let issuing: IssuingAuthority
    let root: String

    var policy: PolicyPayload {
        PolicyPayload(
            reference: PolicyReference(name: "freeze", version: 7), issuedAt: time,
            notAfter: time + .seconds(864_000),
            spec: PolicySpec(
                roleBindings: [RoleBinding(role: .viewer, users: ["ann"])],
                cedar: "permit(principal, action, resource);"))
    }

    var roster: Roster {
        Roster(
            site: "urban", version: RosterVersion(epoch: 1, number: 4),
            members: ["n1", "n2"].map {
                Roster.Member(
                    node: $0, key: String(repeating: "0a", count: 32), address: "127.0.0.1:9000")
            })
    }

    func revocations() throws -> RevocationList {
        try RevocationList(
            version: 3, issuedAt: time, expiresAt: time, fleet: 12,
            entries: [
                Revocation(
                    subject: SubjectName.node("n1", at: "urban"), device: "d1", at: time,
                    reason: "lost"),
                Revocation(
                    subject: SubjectName.user("ann"), device: nil, at: time, reason: "left"),
            ]
        ).signed(by: issuing, shown: "", at: time, life: .seconds(86_400))
    }

    var ofNodes: [NodeMessage] {
        get throws {
            [
                .hello(
                    Hello(
                        node: "n1", site: "urban", agentVersion: "1",
                        capacity: Capacity(
                            cpu: CPUShare(millicores: 2_000), memory: ByteCount(1 << 30)),
                        engine: nil, appliedRevision: 4, epoch: 1, logHead: 9, run: 1, boot: 2,
                        mesh: MeshContact(
                            key: String(repeating: "0a", count: 32), address: "127.0.0.1:9000"))),
                .applied(
                    revision: 7, policies: [PolicyReference(name: "freeze", version: 7)]),
                .certify(CertificationRequest(publicKey: NodeKey().publicKey)),
            ]
        }
    }

    var ofHubs: [HubMessage] {
        get throws {
            [
                .welcome(
                    Welcome(
                        epoch: 1, acknowledged: 9, heartbeatEvery: .seconds(15),
                        reconnectWindow: .seconds(1), time: time, trust: "0f")),
                .acknowledged(sequence: 7),
                .certified(Certification(certificateChain: root, trustRoots: root)),
                .revocations(try revocations()), .roster(try issuing.sign(roster)),
            ]
        }
    }
}
