import Audit
import Foundation
package import Model
import Storage

/// The audit log of a hub or node that does not run, read from a copy of its files: what was found wrong
/// must stay as it was found.
package final class StoppedAudit: Sendable {
    private let copy: String
    private let store: any AuditStore
    private let reading: AuditReading

    package init(state: String) throws {
        guard FileManager.default.fileExists(atPath: state + "/store.sqlite") else {
            throw HostError.store(
                "there is no store in \(state): give the directory that --state names for a hub or "
                    + "an agent")
        }
        guard let key = try AuditKeyFile.read(in: state) else {
            throw HostError.store(
                "\(AuditKeyFile.path(in: state)) is missing, so nothing says whose signatures are good"
            )
        }
        copy = NSTemporaryDirectory() + "/skerry-audit-\(UInt64.random(in: .min ... .max))"
        try PrivateFile.makeDirectory(copy)
        do {
            try copyStore(of: state, to: copy)
            store = try StoppedAudit.open(copy)
            let log = try store.auditAnchors().checkpoints.last?.log
            reading = AuditReading(log: log ?? "", key: key.verifier, store: store)
        } catch {
            try FileManager.default.removeItem(atPath: copy)
            throw error
        }
    }

    deinit {
        store.close()
        do {
            try FileManager.default.removeItem(atPath: copy)
        } catch {
            // It lies where the system clears away what is left behind.
            return
        }
    }

    private static func open(_ directory: String) throws(StoreError) -> any AuditStore {
        do {
            let store = try NodeStore(directory: directory, options: .tight)
            try check(store.opening, directory)
            return store
        } catch .foreign {
            let store = try HubStore(directory: directory, options: .tight)
            try check(store.opening, directory)
            return store
        }
    }

    private static func check(_ opening: Opening, _ directory: String) throws(StoreError) {
        guard opening != .clean else { return }
        throw .damaged(
            directory: directory,
            reason: "the database itself; what its log said cannot be read any more")
    }

    package func verdict() throws -> AuditVerdict { try reading.verdict() }

    package func page(from index: UInt64?, limit: Int) throws -> AuditPage {
        AuditPage(
            log: reading.log, items: try reading.page(from: index, limit: limit),
            asOf: SystemClock.now().wall)
    }
}
