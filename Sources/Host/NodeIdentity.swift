import Foundation
import Model
import Transport

/// Who this node is and where it belongs, kept under `identity/`.
///
/// `node.key` is the device key: it is made here, never leaves and never changes. `enrolment.json` is
/// written last, so an identity is either whole or absent. `authority.json` is the node's own
/// authority, replaced at each contact.
struct NodeIdentity: Sendable {
    let enrolment: Enrolment
    let credentials: NodeCredentials

    static func load(from state: String, of vault: Vault) throws(HostError) -> NodeIdentity? {
        let directory = state + "/identity"
        guard let text = try PrivateFile.read(directory + "/enrolment.json"),
            let key = try vault.read(directory + "/node.key")
        else { return nil }
        do {
            let enrolment = try JSONDecoder().decode(Enrolment.self, from: Data(text.utf8))
            return NodeIdentity(
                enrolment: enrolment,
                credentials: try NodeCredentials(
                    directory: directory, of: vault, enrolment: enrolment,
                    device: try NodeKey(pem: key)))
        } catch let error as HostError {
            throw error
        } catch {
            throw .identity(
                "the identity in \(directory) is damaged; remove that directory "
                    + "and enrol the node again with a new token")
        }
    }

    /// Makes a key, or takes the one that an interrupted enrolment left, and asks the hub.
    static func enrol(
        with settings: AgentSettings, in vault: Vault, log: @escaping @Sendable (String) -> Void
    ) async throws(HostError) -> NodeIdentity {
        guard let node = settings.node, settings.token != nil || settings.join != nil else {
            throw .enrolment(
                "this node is not enrolled: start it once with --token and --node; "
                    + "a token comes from: skerry token create --site SITE; or let it ask with "
                    + "--join, --site and --authority")
        }
        let directory = settings.state + "/identity"
        try PrivateFile.makeDirectory(directory)
        let device = try key(in: directory, of: vault)
        let time = try FleetTime(ofNode: directory)
        do {
            let (enrolment, key) = try await ask(settings, as: node, device, time, log)
            Failpoint.reach("agent.enrol.answered")
            try NodeCredentials.Kept(
                certificateChain: enrolment.certificateChain, privateKey: key.pem,
                trustRoots: enrolment.trustRoots, enrolmentAddress: enrolment.enrolmentAddress
            ).write(in: directory, of: vault)
            try time.keep()
            try PrivateFile.write(json: enrolment, to: directory + "/enrolment.json")
            return NodeIdentity(
                enrolment: enrolment,
                credentials: try NodeCredentials(
                    directory: directory, of: vault, enrolment: enrolment, device: device))
        } catch let error as HostError {
            throw error
        } catch {
            throw .enrolment("enrolment failed: \(error)")
        }
    }

    private static func ask(
        _ settings: AgentSettings, as node: NodeID, _ device: NodeKey, _ time: FleetTime,
        _ log: @escaping @Sendable (String) -> Void
    ) async throws -> (Enrolment, NodeKey) {
        if let token = settings.token {
            let key = NodeKey()
            let enrolment = try await ControlClient.enrol(
                token: token, node: node, key: key, device: device, clock: time.forHandshakes)
            return (enrolment, key)
        }
        guard let join = settings.join else {
            preconditionFailure("whether there is a token or a hub to ask was checked before")
        }
        // It may take a day: whoever supervises this process must not take it for stuck.
        ServiceNotice.send("READY=1")
        return try await NodeIdentity.join(join, as: node, device: device, time: time, log: log)
    }

    private static func key(
        in directory: String, of vault: Vault
    ) throws(HostError) -> NodeKey {
        do {
            if let pem = try vault.read(directory + "/node.key") {
                return try NodeKey(pem: pem)
            }
            let key = NodeKey()
            try vault.write(key.pem, to: directory + "/node.key")
            return key
        } catch let error as HostError {
            throw error
        } catch {
            throw .identity("the key in \(directory)/node.key cannot be read: \(error)")
        }
    }
}
