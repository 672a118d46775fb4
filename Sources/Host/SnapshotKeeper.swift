import Dispatch

/// Keeps the copy of a store that a damaged one is restored from: taken every hour in which
/// something changed, and at a clean end.
enum SnapshotKeeper {
    private static let period = Duration.seconds(3600)

    /// Runs until cancelled. `take` answers whether there was anything new to copy.
    static func run(
        _ take: @escaping @Sendable () throws -> Bool, log: @Sendable (String) -> Void
    ) async {
        let queue = DispatchQueue(label: "skerry.snapshot")
        while true {
            do { try await Task.sleep(for: period) } catch { return }
            // Off the shared threads: it reads and writes the whole store.
            let trouble = await withCheckedContinuation {
                (continuation: CheckedContinuation<String?, Never>) in
                queue.async { continuation.resume(returning: failure(of: take)) }
            }
            if let trouble { log(trouble) }
        }
    }

    /// The last copy, when the process ends as it should.
    static func end(_ take: () throws -> Bool, log: (String) -> Void) {
        if let trouble = failure(of: take) { log(trouble) }
    }

    private static func failure(of take: () throws -> Bool) -> String? {
        do {
            _ = try take()
            return nil
        } catch {
            return "the store's copy for repairs could not be made: \(error)"
        }
    }
}
