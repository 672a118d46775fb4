import Foundation
import Model
import Synchronization

/// The names of all policies that a hub has ever had, beside its store: a store that was lost must not
/// look like that of a new hub, at which its first operator may do everything.
final class KnownPolicies: Sendable {
    private let path: String
    private let held: Mutex<Set<String>>

    init(_ path: String) throws(HostError) {
        self.path = path
        let text = try PrivateFile.read(path) ?? ""
        held = Mutex(Set(text.split(separator: "\n").map(String.init).filter(isDNSLabel)))
    }

    var names: [String] { held.withLock { $0.sorted() } }

    /// Durable when it returns. Names are only ever added.
    func add(_ names: some Sequence<String>) throws(HostError) {
        let all = held.withLock { held -> [String]? in
            let before = held.count
            held.formUnion(names)
            return held.count > before ? held.sorted() : nil
        }
        guard let all else { return }
        try PrivateFile.write(all.map { $0 + "\n" }.joined(), to: path)
    }
}
