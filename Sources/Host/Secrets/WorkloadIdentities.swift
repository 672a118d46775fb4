import Containers
import Foundation
import Management
package import Model
import Synchronization
import Transport

/// Certificates for what runs on this node: files in memory, replaced when two thirds of their life are
/// over, and a socket beside them that tells the same.
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
    private let known: Mutex<[ContainerID: Held]> = Mutex([:])
    private let doors: WorkloadDoors
    private struct Held {
        var renewal: RenewalDate
        var credential: WorkloadCredential
    }

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
        doors = WorkloadDoors(isShared: sharesFiles, log: log)
    }

    /// Tells containers who they are, until the task is cancelled.
    func answer(backend: any ManagementBackend) async {
        await doors.answer(backend: backend) { [self] id throws(Refusal) in
            try credential(of: id)
        }
    }

    /// The request with a place for the identity of its workload, where there can be one.
    func prepared(_ request: StartRequest) async -> StartRequest {
        guard issue(for: request.id) else { return request }
        await doors.open(request.id, at: socket(of: request.id))
        var request = request
        let directory = rooms.path("identity", of: request.id)
        if !sharesFiles {
            request.spec.mounts.append(
                Mount(source: directory, target: WorkloadIdentities.inside, readOnly: true))
        }
        let place = sharesFiles ? directory : WorkloadIdentities.inside
        request.env["SKERRY_IDENTITY"] = place
        request.env["SKERRY_IDENTITY_SOCKET"] = place + "/" + WorkloadIdentities.socketName
        return request
    }

    /// Containers that run already, perhaps from before this agent: those that were given a place go on
    /// having something good in it.
    func adopt(_ containers: [ObservedContainer]) async {
        for container in containers where container.state == .running {
            let isKnown = known.withLock { $0[container.id] != nil }
            let directory = rooms.path("identity", of: container.id)
            guard !isKnown, FileManager.default.fileExists(atPath: directory) else { continue }
            _ = issue(for: container.id)
            await doors.open(container.id, at: socket(of: container.id))
        }
    }

    func forget(_ id: ContainerID) {
        known.withLock { _ = $0.removeValue(forKey: id) }
        doors.close(id)
    }

    /// Renews what is due, until the task is cancelled.
    func run() async {
        while !Task.isCancelled {
            do { try await Task.sleep(for: WorkloadIdentities.pace) } catch { return }
            let now = credentials.time.now
            let due = known.withLock { known in
                known.filter { $0.value.renewal.isDue(at: now) }.map(\.key).sorted()
            }
            for id in due { _ = issue(for: id) }
        }
    }

    /// Whether the container has a good identity in its place now.
    private func issue(for id: ContainerID) -> Bool {
        do {
            let (name, identity, end, roots) = try credentials.issue(for: id.instance.workload)
            try rooms.write(
                [
                    // Whole in one file: a reader never meets a key and the certificate of another.
                    "identity.pem": Data(
                        (identity.privateKey + "\n" + identity.certificateChain).utf8),
                    "key.pem": Data(identity.privateKey.utf8),
                    "cert.pem": Data(identity.certificateChain.utf8),
                    "bundle.pem": Data(roots.utf8),
                ], to: rooms.path("identity", of: id), isShared: sharesFiles)
            let renewal = RenewalDate(
                issuedAt: credentials.time.now, end: end, draw: .random(in: 0..<1))
            let credential = WorkloadCredential(
                id: name, certificate: identity.certificateChain, privateKey: identity.privateKey,
                trustBundle: roots, expiresAt: end, renewedAt: renewal.renewAt)
            known.withLock { $0[id] = Held(renewal: renewal, credential: credential) }
            trouble.withLock { $0 = nil }
            return true
        } catch {
            tell("\(error)")
            return false
        }
    }

    /// What is good now: one that came to its end without another in sight is none.
    private func credential(of id: ContainerID) throws(Refusal) -> WorkloadCredential {
        let held = known.withLock { $0[id]?.credential }
        if let held, held.expiresAt > credentials.time.now { return held }
        guard issue(for: id), let fresh = known.withLock({ $0[id]?.credential }) else {
            throw Refusal(
                .unavailable,
                "no certificate can be made for '\(id)' now: "
                    + (trouble.withLock { $0 } ?? "it does not run") + "; ask again in a while")
        }
        return fresh
    }

    /// Of a name short enough, since a socket's path has at most 99 bytes.
    private static let socketName = "sock"

    private func socket(of id: ContainerID) -> String {
        rooms.path("identity", of: id) + "/" + WorkloadIdentities.socketName
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
    /// When it is due.
    let renewAt: WallTime

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
