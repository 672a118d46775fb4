import Machines
import Model

/// What a person asked for and what the answer will mean.
enum Demand {
    case object(String, Ledger.Face?)
    /// The same again, by somebody who did not wait for the answer.
    case again(String, Ledger.Face?, turn: Int)
    case token(Int)
    case enrolment(Int)
    case removal(Int)
    case resolution(Int)
    case readmission(Int, life: Int, attempt: Int)
    /// Nothing that anybody remembers.
    case nothing
}

/// What people were told is so: the hub must show it, whatever happens to it.
struct Ledger {
    /// What a person set about an object.
    enum Face: Equatable {
        case site(SiteSpec)
        case workload(WorkloadSpec, labels: [String: String])
        case node(labels: [String: String], cordoned: Bool)
        /// The newest version.
        case policy(PolicyReference)
    }

    private struct Entry {
        /// Nil where it was acknowledged that there is none.
        var acknowledged: Face?
        /// Asked for when the hub died: may have come true or not.
        var possible: [Face?] = []
    }

    /// Counts what was asked of each object.
    private var turns: Table<String, Int> = Table()

    private var entries: Table<String, Entry> = Table()
    private(set) var busy: Set<String> = []

    var keys: [String] { entries.keys }

    var isAnyBusy: Bool { !busy.isEmpty }
    func isBusy(_ key: String) -> Bool { busy.contains(key) }
    func face(_ key: String) -> Face? { entries[key]?.acknowledged }

    mutating func ask(_ key: String) {
        busy.insert(key)
        turns.insert(turn(key) + 1, for: key)
    }

    func turn(_ key: String) -> Int { turns[key] ?? 0 }

    mutating func settle(_ key: String, as face: Face?) {
        busy.remove(key)
        entries.insert(Entry(acknowledged: face), for: key)
    }

    mutating func refuse(_ key: String) { busy.remove(key) }

    /// The hub died with the request unanswered.
    mutating func leaveOpen(_ key: String, as face: Face?) {
        busy.remove(key)
        if entries.update(key, { $0.possible.append(face) }) == nil {
            entries.insert(Entry(acknowledged: nil, possible: [face]), for: key)
        }
    }

    /// The hub came back and shows `face`. What it shows must be what was acknowledged or what was
    /// left open; from here on it is durable, so it is what must stay.
    mutating func confirm(_ key: String, shows face: Face?) -> Bool {
        guard let entry = entries[key] else { return true }
        guard face == entry.acknowledged || entry.possible.contains(face) else { return false }
        entries.insert(Entry(acknowledged: face), for: key)
        return true
    }
}

extension HubStore {
    /// What the store holds about an object of the ledger.
    func face(_ key: String) -> Ledger.Face? {
        guard let slash = key.firstIndex(of: "/") else { return nil }
        let name = String(key[key.index(after: slash)...])
        switch key[..<slash] {
        case "Site":
            return sites[SiteID(name)].map { .site($0.spec) }
        case "Workload":
            return workloads[WorkloadID(name)].map {
                .workload($0.spec, labels: $0.metadata.labels)
            }
        case "Policy":
            return policies.keys.last { $0.name == name }.map { .policy($0) }
        default:
            return node(NodeID(name)).map {
                .node(labels: $0.node.metadata.labels, cordoned: $0.node.spec.cordoned)
            }
        }
    }
}
