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
            spread(kept.list)
        } catch {
            log("what is revoked is not kept: \(error)")
        }
    }

    /// Lets neighbours have the list that holds here.
    func spread(_ list: RevocationList) {
        guard let seat else { return }
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = .sortedKeys
            let content = Array(try encoder.encode(list))
            seat.orders.yield(.revoked(list, coded: content))
        } catch {
            log("what is revoked is not handed to neighbours: \(error)")
        }
    }

    /// What a neighbour carried: who it was does not matter, who signed it does.
    func takeIn(_ content: [UInt8], from neighbour: NodeID) {
        do {
            let list = try JSONDecoder().decode(RevocationList.self, from: Data(content))
            mailbox.yield(.carriedRevocations(list, from: neighbour))
        } catch {
            log("what node \(neighbour) carried about revoked identities cannot be read: \(error)")
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
