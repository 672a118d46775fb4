import Machines
import Model

/// A hub that lost its place and does not know it: it greets with the epoch that it had, and then
/// says that nothing shall run.
extension World {
    /// The epoch of the true hub: somebody made it the successor of another.
    static let epoch: UInt64 = 3

    /// A node that has never heard of the true hub cannot tell them apart.
    func meetsImpostor(_ node: Int) -> Bool {
        time < places[node].impostorUntil && places[node].store.epoch >= World.epoch
    }

    mutating func hearImpostor(_ node: Int, attempt: Int, _ message: HubMessage?) {
        guard places[node].attempt == attempt, places[node].isMisled else { return }
        let life = places[node].life
        places[node].connecting = nil
        tell(node, life: life, message.map { .received($0) } ?? .linkUp)
    }

    mutating func answerAsImpostor(_ message: NodeMessage, _ node: Int) {
        guard case .hello = message else { return }
        let welcome = Welcome(
            epoch: World.epoch - 1, acknowledged: 0, heartbeatEvery: .seconds(60),
            reconnectWindow: .seconds(1))
        let lies = places[node].store.load().documents.map {
            Document(key: $0.key, revision: $0.revision + World.lie, content: .deleted)
        }
        let attempt = places[node].attempt
        let due = time + latency()
        queue.add(.impostor(node, attempt: attempt, .welcome(welcome)), at: due)
        queue.add(
            .impostor(node, attempt: attempt, .documents(lies, through: World.lie)), at: due + 1)
    }

    /// No true hub gives numbers as high.
    static let lie: UInt64 = 1_000_000
}
