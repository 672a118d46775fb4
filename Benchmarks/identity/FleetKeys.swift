import Foundation
import Model
import NIOSSL
import Transport

/// A fleet with a root, a hub, a node and a person, and what each shows in handshakes.
struct FleetKeys: Sendable {
    let roots: String
    let node: NodeAuthority
    let hub: TLSIdentity
    let person: TLSIdentity

    init() throws {
        let now = FleetKeys.now()
        let root = try RootAuthority(name: "bench", validity: .seconds(864_000), now: now)
        let issuing = try root.issueIssuing(name: "bench", validity: .seconds(432_000), now: now)
        roots = try root.trustRoots
        hub = try issuing.issueHub(names: [], validity: .seconds(86_400), now: now)
        let key = NodeKey()
        node = try NodeAuthority(
            certificateChain: issuing.issueNodeAuthority(
                "n1", site: "s1", publicKey: key.publicKey, device: "d1",
                validity: .seconds(345_600), now: now), key: key, node: "n1", site: "s1")
        let own = NodeKey()
        person = TLSIdentity(
            certificateChain: try issuing.issueOperator(
                "ann", key: own, validity: .seconds(86_400), now: now), privateKey: own.pem)
    }

    static func now() -> WallTime {
        WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }

    func leaf() throws -> TLSIdentity {
        try node.issueLeaf(note: IssuanceNote(mode: .connected, boot: 1), now: FleetKeys.now())
            .identity
    }
}

extension TLSIdentity {
    var chain: [NIOSSLCertificateSource] {
        get throws {
            try NIOSSLCertificate.fromPEMBytes(Array(certificateChain.utf8)).map {
                .certificate($0)
            }
        }
    }

    var key: NIOSSLPrivateKeySource {
        get throws {
            .privateKey(try NIOSSLPrivateKey(bytes: Array(privateKey.utf8), format: .pem))
        }
    }

    /// As a server shows it.
    func serverSettings() throws -> TLSConfiguration {
        TLSConfiguration.makeServerConfiguration(
            certificateChain: try chain, privateKey: try key)
    }

    /// As a client shows it.
    func clientSettings() throws -> TLSConfiguration {
        var settings = TLSConfiguration.makeClientConfiguration()
        settings.certificateChain = try chain
        settings.privateKey = try key
        return settings
    }
}

extension PeerVerifier {
    /// As Skerry's listeners and dialers have it.
    var check: PeerCheck { callback { _ in } }
}
