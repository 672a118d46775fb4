package import Model
import Synchronization

/// Shows what containers wrote, and with `follows` what they write from here on.
package struct Logs: Sendable {
    /// Following more than this at once is a flood, on a screen and on a thin uplink.
    private static let followedMax = 16

    private let target: Target
    private let container: String?
    private let options: LogOptions

    /// `word` is an instance, or `workload/NAME` for all instances of it.
    package init(_ word: String, container: String?, options: LogOptions) throws(Failure) {
        let target = try Target.objects([word.contains("/") ? word : "instance/\(word)"])[0]
        guard target.kind == .instance || target.kind == .workload else {
            throw Failure(
                .usage, "only instances and workloads have logs, not \(target.kind.plural)")
        }
        self.target = Target(target.kind, target.name)
        self.container = container
        self.options = options
    }

    package func run(in session: Session) async throws {
        let places = try await places(in: session)
        let isOne = places.count == 1
        guard options.follow else {
            for place in places {
                try await show(place, prefix: isOne ? "" : "[\(place.id)] ", in: session)
            }
            return
        }
        guard places.count <= Logs.followedMax else {
            throw Failure(
                .usage,
                "\(places.count) instances are more than can be followed at once "
                    + "(\(Logs.followedMax)); name one of them")
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for place in places {
                group.addTask {
                    try await show(place, prefix: isOne ? "" : "[\(place.id)] ", in: session)
                }
            }
            try await group.waitForAll()
        }
    }

    private func places(in session: Session) async throws -> [InstanceStatus] {
        let name = target.name ?? ""
        if target.kind == .instance {
            return [try await session.instance(name).status]
        }
        let all = try await session.connection.list(
            .instance, try Selector("workload=\(name)"))
        let places = all.items.compactMap { object in
            if case .instance(let instance) = object { instance.status } else { nil }
        }.sorted { $0.id < $1.id }
        if places.isEmpty {
            _ = try await session.connection.object(.workload, name)
            throw Failure(.failed, "workload '\(name)' has no instance yet, so it wrote nothing")
        }
        return places
    }

    private func show(
        _ place: InstanceStatus, prefix: String, in session: Session
    ) async throws {
        let name = try await session.container(container, of: place)
        let page = LogPage(prefix: prefix, console: session.console)
        let request = StreamRequest(
            container: ContainerID(instance: place.id, name: name), purpose: .logs(options))
        _ = try await session.connection.stream(request, on: place.node) { sender in
            try await sender.send(.endOfInput)
            try await sender.finish()
        } receiving: { frame in
            try page.show(frame)
        }
        try page.finish()
    }
}

/// Puts the pieces of one log on the output: as they are for a program, made visible and whole
/// lines at a time for a person.
private final class LogPage: Sendable {
    private struct Pending {
        var output = StreamText()
        var errorOutput = StreamText()
        var line = ""
        var isAtLineStart = true
    }

    private let prefix: String
    private let console: Console
    private let pending = Mutex(Pending())

    init(prefix: String, console: Console) {
        self.prefix = prefix
        self.console = console
    }

    func show(_ frame: StreamFrame) throws {
        let bytes: [UInt8]? = pending.withLock { pending in
            switch frame {
            case .output(let bytes):
                text(console.isTerminal ? nil : bytes, pending.output.append(bytes), &pending)
            case .errorOutput(let bytes):
                text(console.isTerminal ? nil : bytes, pending.errorOutput.append(bytes), &pending)
            default: nil
            }
        }
        if let bytes { try console.write(bytes, to: console.output) }
    }

    func finish() throws {
        let rest = pending.withLock { pending in
            pending.line + pending.output.finish() + pending.errorOutput.finish()
        }
        if !prefix.isEmpty, !rest.isEmpty { try console.say(prefix + rest) }
    }

    /// What can be written of a piece. With a prefix only whole lines are, because lines of
    /// several instances must not run into each other.
    private func text(_ raw: [UInt8]?, _ safe: String, _ pending: inout Pending) -> [UInt8] {
        guard !prefix.isEmpty else { return raw ?? Array(safe.utf8) }
        pending.line += safe
        var lines = pending.line.split(separator: "\n", omittingEmptySubsequences: false)
        pending.line = String(lines.removeLast())
        return Array(lines.map { "\(prefix)\($0)\n" }.joined().utf8)
    }
}
