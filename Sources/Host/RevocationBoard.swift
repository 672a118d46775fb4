import Model
import Synchronization

/// What is revoked, for whoever checks a certificate or a request.
final class RevocationBoard: Sendable {
    private let list = Mutex<RevocationList?>(nil)

    func show(_ list: RevocationList) { self.list.withLock { $0 = list } }

    func covers(_ bearer: Bearer) -> Bool { list.withLock { $0?.covers(bearer) ?? false } }
}
