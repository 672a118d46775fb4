import Foundation
import Model
import Transport

/// Who this node is: its key, its certificate and whom it trusts, kept under `identity/`.
///
/// The key is made here and never leaves. `enrolment.json` is written last, so an identity is
/// either whole or absent.
struct NodeIdentity: Sendable {
    let enrolment: Enrolment
    let key: String

    var tls: TLSIdentity {
        TLSIdentity(certificateChain: enrolment.certificateChain, privateKey: key)
    }

    static func load(from state: String) throws(HostError) -> NodeIdentity? {
        let directory = state + "/identity"
        guard let text = try PrivateFile.read(directory + "/enrolment.json"),
            let key = try PrivateFile.read(directory + "/node.key")
        else { return nil }
        do {
            let enrolment = try JSONDecoder().decode(Enrolment.self, from: Data(text.utf8))
            return NodeIdentity(enrolment: enrolment, key: key)
        } catch {
            throw .identity(
                "the identity in \(directory) is damaged; remove that directory "
                    + "and enrol the node again with a new token")
        }
    }

    /// Makes a key, or takes the one that an interrupted enrolment left, and asks the hub.
    static func enrol(with settings: AgentSettings) async throws(HostError) -> NodeIdentity {
        guard let token = settings.token, let node = settings.node else {
            throw .enrolment(
                "this node is not enrolled: start it once with --token and --node; "
                    + "a token comes from: skerry token create --site SITE")
        }
        let directory = settings.state + "/identity"
        try PrivateFile.makeDirectory(directory)
        let key = try key(in: directory)
        do {
            let enrolment = try await ControlClient.enrol(
                token: token, node: node, key: key, now: { SystemClock.now().wall })
            Failpoint.reach("agent.enrol.answered")
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            let text = String(decoding: try encoder.encode(enrolment), as: UTF8.self)
            try PrivateFile.write(text, to: directory + "/enrolment.json")
            return NodeIdentity(enrolment: enrolment, key: key.pem)
        } catch let error as HostError {
            throw error
        } catch {
            throw .enrolment("enrolment failed: \(error)")
        }
    }

    private static func key(in directory: String) throws(HostError) -> NodeKey {
        do {
            if let pem = try PrivateFile.read(directory + "/node.key") {
                return try NodeKey(pem: pem)
            }
            let key = NodeKey()
            try PrivateFile.write(key.pem, to: directory + "/node.key")
            return key
        } catch let error as HostError {
            throw error
        } catch {
            throw .identity("the key in \(directory)/node.key cannot be read: \(error)")
        }
    }
}
