import Dispatch
import Foundation
import Synchronization

/// The processes that `skerry up` started, and has to stop.
final class Children: Sendable {
    private let all = Mutex<[Child]>([])
    private let environment: [String: String]
    private let tether: Tether

    /// `environment` is that of the caller. Its settings for hubs and agents are not for these,
    /// which are told all that they need; nor are they what systemd watches.
    init(environment: [String: String]) throws(Failure) {
        self.environment = environment.filter { name, _ in
            !name.hasPrefix("SKERRY_") && !["NOTIFY_SOCKET", "WATCHDOG_USEC"].contains(name)
        }
        tether = try Tether()
    }

    @discardableResult
    func start(
        _ binary: String, _ arguments: [String], log: String,
        adding variables: [String: String] = [:]
    ) throws -> Child {
        guard FileManager.default.createFile(atPath: log, contents: nil),
            let output = FileHandle(forWritingAtPath: log)
        else {
            throw Failure(.failed, "\(log) cannot be written")
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: binary)
        process.arguments = arguments
        process.environment = environment.merging(variables) { _, new in new }
            .merging(["SKERRY_ENDS_WITH_INPUT": "true"]) { _, new in new }
        process.standardInput = tether.end
        process.standardOutput = output
        process.standardError = output
        do { try process.run() } catch {
            throw Failure(.failed, "\(binary) cannot be started: \(error.localizedDescription)")
        }
        let child = Child(process: process, name: arguments[0], log: log)
        all.withLock { $0.append(child) }
        return child
    }

    /// The first of them that has ended though nobody asked it to.
    func firstEnd(of child: Child?) -> Child? {
        all.withLock { all in (child.map { [$0] } ?? all).first { !$0.process.isRunning } }
    }

    /// Those of them that have ended though nobody asked them to.
    var ended: [Child] { all.withLock { all in all.filter { !$0.process.isRunning } } }

    /// Asks the nodes to stop first, so that their workloads end while everything else still
    /// stands, then the hub. A process that does not end is asked again, when a person insists or
    /// after `patience`, and killed after as long again: a frozen one must not stay behind.
    func stopAll(patience: Duration = .seconds(40)) async {
        let (hubs, nodes) = all.withLock { all in
            (all.filter { $0.name == "hub" }, all.filter { $0.name != "hub" })
        }
        for group in [nodes, hubs] { await stop(group, patience) }
    }

    private func stop(_ group: [Child], _ patience: Duration) async {
        for child in group where child.process.isRunning { child.process.terminate() }
        await withTaskGroup(of: Void.self) { tasks in
            tasks.addTask {
                for signal in [SIGTERM, SIGKILL] {
                    do { try await Task.sleep(for: patience) } catch { return }
                    Children.insist(on: group, signal)
                }
            }
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    for child in group { child.process.waitUntilExit() }
                    continuation.resume()
                }
            }
            tasks.cancelAll()
        }
    }

    /// Stops those of a name, and leaves the others.
    func end(_ name: String) async {
        await stop(all.withLock { all in all.filter { $0.name == name } }, .seconds(20))
    }

    /// Asks those that are being stopped once more; nothing before they were asked at all.
    func insist() {
        for child in all.withLock({ $0 }) where child.process.isRunning {
            kill(child.process.processIdentifier, SIGTERM)
        }
    }

    private static func insist(on group: [Child], _ signal: Int32) {
        for child in group where child.process.isRunning {
            kill(child.process.processIdentifier, signal)
        }
    }
}

/// A pipe that the children read and that only this process can write. It ends with this process,
/// also where that is killed and can ask nobody to stop, and the children end with it.
private struct Tether: Sendable {
    let end: FileHandle

    init() throws(Failure) {
        var ends: [Int32] = [-1, -1]
        // A child that held the writing end would keep itself alive.
        guard pipe(&ends) == 0, ends.allSatisfy({ fcntl($0, F_SETFD, FD_CLOEXEC) == 0 }) else {
            throw Failure(.failed, "no pipe can be made: \(String(cString: strerror(errno)))")
        }
        // The writing end stays open for the life of this process and is never written to.
        end = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
    }
}

/// One child and where it logs.
struct Child: Sendable {
    let process: Process
    let name: String
    let log: String

    /// What a person types to start it again.
    var command: String {
        ([process.executableURL?.path ?? name] + (process.arguments ?? []))
            .joined(separator: " ")
    }

    /// The last lines of the log.
    var tail: String {
        let data = FileManager.default.contents(atPath: log) ?? Data()
        return String(decoding: data, as: UTF8.self).split(separator: "\n").suffix(5)
            .joined(separator: "\n")
    }
}

/// The wish of a person to stop: SIGINT, SIGTERM and a closed terminal, as a stream.
enum Interruptions {
    /// Whoever starts it with nohup ignores the hang-up, and means it. Asked once, before this
    /// process ignores it as well.
    private static let outlivesTerminal: Bool = {
        var action = sigaction()
        sigaction(SIGHUP, nil, &action)
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
            == unsafeBitCast(SIG_IGN, to: Int.self)
    }()

    /// The first wish comes as an element, `again` is called for each further one. The sources stay
    /// for the life of the process: the second wish comes when nobody reads the stream any more.
    static func stream(again: @escaping @Sendable () -> Void) -> AsyncStream<Void> {
        let (stream, first) = AsyncStream.makeStream(of: Void.self)
        let isSecond = Mutex(false)
        let heard: @Sendable () -> Void = {
            let wasFirst = isSecond.withLock { isSecond in
                defer { isSecond = true }
                return !isSecond
            }
            if wasFirst { first.yield() } else { again() }
        }
        for number in [SIGINT, SIGTERM] + (outlivesTerminal ? [] : [SIGHUP]) {
            // The default action would end the process before the source is heard.
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { withExtendedLifetime(source) { heard() } }
            source.activate()
        }
        return stream
    }
}
