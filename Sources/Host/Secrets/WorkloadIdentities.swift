import Containers
import Foundation
package import Model
import Synchronization
import Transport

/// Certificates for what runs on this node: files in memory, replaced when two thirds of their life are
/// over.
///
/// Neither a renewal nor a failure of one touches the workload. Who has no memory to keep files in, or
/// no authority to sign with, starts without an identity.
final class WorkloadIdentities: Sendable {
    /// Where a container finds its files.
    static let inside = "/run/skerry/identity"
    /// How often to look what is due: short beside the life of a certificate.
    private static let pace = Duration.seconds(20)

    private let credentials: NodeCredentials
    private let rooms: RuntimeRooms
    private let sharesFiles: Bool
    private let log: @Sendable (String) -> Void
    private let known: Mutex<[ContainerID: RenewalDate]> = Mutex([:])
    /// Why none could be made lately; said once.
    private let trouble: Mutex<String?> = Mutex(nil)

    init(
        _ credentials: NodeCredentials, rooms: RuntimeRooms, engine: any Engine,
        log: @escaping @Sendable (String) -> Void
    ) {
        self.credentials = credentials
        self.rooms = rooms
        self.log = log
        sharesFiles = engine is ProcessEngine
    }

    /// The request with a place for the identity of its workload, where there can be one.
    func prepared(_ request: StartRequest) -> StartRequest {
        guard issue(for: request.id) else { return request }
        var request = request
        let directory = rooms.path("identity", of: request.id)
        if !sharesFiles {
            request.spec.mounts.append(
                Mount(source: directory, target: WorkloadIdentities.inside, readOnly: true))
        }
        request.env["SKERRY_IDENTITY"] = sharesFiles ? directory : WorkloadIdentities.inside
        return request
    }

    /// Containers that run already, perhaps from before this agent: those that were given a place go on
    /// having something good in it.
    func adopt(_ containers: [ObservedContainer]) {
        for container in containers where container.state == .running {
            let isKnown = known.withLock { $0[container.id] != nil }
            let directory = rooms.path("identity", of: container.id)
            guard !isKnown, FileManager.default.fileExists(atPath: directory) else { continue }
            _ = issue(for: container.id)
        }
    }

    func forget(_ id: ContainerID) {
        known.withLock { _ = $0.removeValue(forKey: id) }
    }

    /// Renews what is due, until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: WorkloadIdentities.pace) } catch { return }
            let now = credentials.time.now
            let due = known.withLock { known in
                known.filter { $0.value.isDue(at: now) }.map(\.key).sorted()
            }
            for id in due { _ = issue(for: id) }
        }
    }

    /// Whether the container has a good identity in its place now.
    private func issue(for id: ContainerID) -> Bool {
        do {
            let (identity, end, roots) = try credentials.issue(for: id.instance.workload)
            try rooms.write(
                [
                    // Whole in one file: a reader never meets a key and the certificate of another.
                    "identity.pem": Data(
                        (identity.privateKey + "\n" + identity.certificateChain).utf8),
                    "key.pem": Data(identity.privateKey.utf8),
                    "cert.pem": Data(identity.certificateChain.utf8),
                    "bundle.pem": Data(roots.utf8),
                ], to: rooms.path("identity", of: id), isShared: sharesFiles)
            known.withLock {
                $0[id] = RenewalDate(
                    issuedAt: credentials.time.now, end: end, draw: .random(in: 0..<1))
            }
            trouble.withLock { $0 = nil }
            return true
        } catch {
            tell("\(error)")
            return false
        }
    }

    private func tell(_ reason: String) {
        let isNew = trouble.withLock { trouble in
            defer { trouble = reason }
            return trouble != reason
        }
        if isNew { log("workloads get no new identity for now, and go on: \(reason)") }
    }
}

/// When a certificate is to be replaced: at two thirds of its life, a tenth of that sooner or later, so
/// that what began together does not go on together.
package struct RenewalDate: Equatable, Sendable {
    private let issuedAt: WallTime
    private let renewAt: WallTime

    /// - Parameter draw: from 0 to 1, at random.
    package init(issuedAt: WallTime, end: WallTime, draw: Double) {
        self.issuedAt = issuedAt
        let thirds = (end - issuedAt) * 2 / 3
        renewAt = issuedAt + thirds * (0.9 + 0.2 * min(max(draw, 0), 1))
    }

    /// A clock that turned out to be ahead makes what was issued one of the future, which nobody takes.
    package func isDue(at now: WallTime) -> Bool {
        now >= renewAt || now + .seconds(60) < issuedAt
    }
}
