import Foundation
import Machines
import Model
import Transport

/// Which identities are no longer good, on a node's disk.
extension AgentHost {
    /// Believed only where an authority signed it that this node trusts; on disk before it counts.
    func keep(_ kept: KeptRevocations) async {
        let credentials = identity.credentials
        let objection = await kept.list.objection(
            trusting: credentials.trustRoots, at: credentials.time.now)
        if let objection {
            _ = mailbox.yield(.revocationsRefused(reason: objection))
            return
        }
        do {
            try PrivateFile.write(json: kept, to: AgentHost.revocationFile(in: settings.state))
            revocations.show(kept.list)
            mailbox.yield(.keptRevocations(kept))
        } catch {
            log("what is revoked is not kept: \(error)")
        }
    }

    static func revocationFile(in state: String) -> String {
        state + "/identity/revocations.json"
    }

    static func readRevocations(in state: String) throws(HostError) -> KeptRevocations? {
        let file = revocationFile(in: state)
        guard let text = try PrivateFile.read(file) else { return nil }
        do {
            return try JSONDecoder().decode(KeptRevocations.self, from: Data(text.utf8))
        } catch {
            throw .identity(
                "what is revoked cannot be read from \(file) (\(error)); remove that file, and the "
                    + "hub sends it anew")
        }
    }
}
