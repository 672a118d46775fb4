package import Model

/// Waits until objects are as they should be: `wait --for=condition=Ready --timeout 60s`.
package struct Await: Sendable {
    package enum Aim: Hashable, Sendable {
        case ready
        case deletion
        case condition(String, isTrue: Bool)

        /// Reads `ready`, `delete`, `condition=Ready` and `condition=Ready=false`.
        package init(_ text: String) throws(Failure) {
            let parts = text.split(separator: "=", omittingEmptySubsequences: false).map(
                String.init)
            let isTrue = parts.count < 3 || parts[2].lowercased() == "true"
            let saysTruth = parts.count < 3 || ["true", "false"].contains(parts[2].lowercased())
            switch (parts[0].lowercased(), parts.count) {
            case ("ready", 1): self = .ready
            case ("delete", 1): self = .deletion
            case ("condition", 2...3) where !parts[1].isEmpty && saysTruth:
                self = .condition(parts[1], isTrue: isTrue)
            default:
                throw Failure(
                    .usage, "'\(text)' cannot be waited for; write ready, delete or condition=NAME")
            }
        }
    }

    private let objects: [(kind: Kind, name: String)]
    private let aim: Aim
    private let timeout: Interval

    package init(_ words: [String], for aim: Aim, timeout: Interval) throws(Failure) {
        objects = try Target.objects(words)
        self.aim = aim
        self.timeout = timeout
    }

    package func run(in session: Session) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            let (objects, aim, timeout) = (objects, aim, timeout)
            group.addTask {
                try await Task.sleep(for: timeout.duration)
                return false
            }
            group.addTask {
                for (kind, name) in objects {
                    try await Await.wait(for: aim, of: kind, name, in: session)
                }
                return true
            }
            defer { group.cancelAll() }
            guard try await group.next() == true else {
                throw Failure(
                    .failed,
                    "timed out after \(timeout) waiting for \(aim.words) of "
                        + objects.map { "\($0.kind.word)/\($0.name)" }.joined(separator: ", "))
            }
        }
    }

    private static func wait(
        for aim: Aim, of kind: Kind, _ name: String, in session: Session
    ) async throws {
        let done: String = try await session.connection.watch(kind) { change in
            switch change {
            case .list(let list):
                guard let object = list.items.first(where: { $0.metadata.name == name }) else {
                    if aim == .deletion { return "deleted" }
                    throw Failure(.notFound, "\(kind.word) '\(name)' not found")
                }
                return aim.isMet(by: object) ? "condition met" : nil
            case .changed(let list):
                let object = list.items.first { $0.metadata.name == name }
                return object.map(aim.isMet) == true ? "condition met" : nil
            case .removed(let names) where names.contains(name):
                if aim == .deletion { return "deleted" }
                throw Failure(.notFound, "\(kind.word) '\(name)' was deleted meanwhile")
            case .removed: return nil
            }
        }
        try session.console.say("\(kind.word)/\(name) \(done)")
    }
}

extension Await.Aim {
    var words: String {
        switch self {
        case .ready: "readiness"
        case .deletion: "deletion"
        case .condition(let type, let isTrue): isTrue ? type : "\(type)=false"
        }
    }

    func isMet(by object: Object) -> Bool {
        switch self {
        case .ready: object.isReady
        case .deletion: false
        case .condition(let type, let isTrue):
            if let condition = object.conditions.first(where: {
                $0.type.lowercased() == type.lowercased()
            }) {
                condition.isTrue == isTrue
            } else {
                // Ready needs no condition of its own: every kind says it in its status.
                type.lowercased() == "ready" && object.isReady == isTrue
            }
        }
    }
}

extension Object {
    var conditions: [Condition] {
        switch self {
        case .node(let node): node.status?.conditions ?? []
        case .workload(let workload): workload.status?.conditions ?? []
        case .policy(let policy): policy.status?.conditions ?? []
        case .site, .instance, .secret: []
        }
    }

    var isReady: Bool {
        switch self {
        case .site(let site):
            site.status.map { $0.nodes > 0 && $0.nodesInContact == $0.nodes } ?? false
        case .node(let node): node.status?.state == .ready
        case .workload(let workload):
            workload.status.map {
                $0.ready >= $0.desired
                    // Nothing to run is ready only where nothing was asked for.
                    && ($0.desired > 0 || workload.spec.replicas == .count(0))
            } ?? false
        case .instance(let instance): instance.status.ready
        // It is there, which is all that there is to it.
        case .secret: true
        case .policy(let policy):
            policy.status.map { $0.versions.allSatisfy { $0.inForce == $0.wanted } } ?? false
        }
    }
}
