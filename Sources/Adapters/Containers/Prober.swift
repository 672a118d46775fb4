import AsyncHTTPClient
package import Model
import NIOCore
import NIOHTTP1
import NIOPosix

extension Engine {
    package func probe(
        _ id: ContainerID, _ target: ProbeTarget, timeout: Duration
    ) async -> ProbeOutcome {
        switch target {
        case .http(let port, let path):
            await Prober.http(port: port, path: path, timeout: timeout)
        case .tcp(let port):
            await Prober.tcp(port: port, timeout: timeout)
        case .exec(let command):
            await Prober.exec(command, in: id, of: self, timeout: timeout)
        }
    }
}

/// Asks from outside whether a container is well. Containers share the network of their node, so
/// every port is on 127.0.0.1.
enum Prober {
    /// A connection per probe: a kept one would pass while the service accepts nobody new.
    static func http(port: Int, path: String, timeout: Duration) async -> ProbeOutcome {
        guard path.hasPrefix("/") else {
            return .failed("the path '\(path)' of the probe does not start with /")
        }
        var request = HTTPClientRequest(url: "http://127.0.0.1:\(port)\(path)")
        request.headers.add(name: "Connection", value: "close")
        request.headers.add(name: "User-Agent", value: "skerry-probe")
        do {
            let response = try await HTTP.client.execute(
                request, timeout: .nanoseconds(timeout.nanoseconds))
            let code = response.status.code
            return (200..<400).contains(code)
                ? .passed : .failed("GET \(path) on port \(port) answered \(code)")
        } catch let error as HTTPClientError
            where error == .deadlineExceeded || error == .connectTimeout
        {
            return .failed("GET \(path) on port \(port) did not answer within \(brief(timeout))")
        } catch {
            return .failed("GET \(path) on port \(port): \(words(error))")
        }
    }

    static func tcp(port: Int, timeout: Duration) async -> ProbeOutcome {
        do {
            let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
                .connectTimeout(.nanoseconds(timeout.nanoseconds))
                .connect(host: "127.0.0.1", port: port).get()
            try await channel.close()
            return .passed
        } catch {
            return .failed("port \(port) does not accept connections: \(words(error))")
        }
    }

    static func exec(
        _ command: [String], in id: ContainerID, of engine: some Engine, timeout: Duration
    ) async -> ProbeOutcome {
        await withTaskGroup(of: ProbeOutcome?.self) { group in
            group.addTask { await outcome(of: command, in: id, of: engine) }
            group.addTask {
                do { try await Task.sleep(for: timeout) } catch { return nil }
                return .failed("'\(command.joined(separator: " "))' took over \(brief(timeout))")
            }
            for await outcome in group {
                guard let outcome else { continue }
                group.cancelAll()
                return outcome
            }
            return .failed("the probe was cancelled")
        }
    }

    private static func outcome(
        of command: [String], in id: ContainerID, of engine: some Engine
    ) async -> ProbeOutcome? {
        let verdict = Verdict()
        do {
            try await engine.run(
                StreamRequest(container: id, purpose: .exec(ExecOptions(command: command))),
                input: AsyncStream { $0.finish() }
            ) { frame in await verdict.take(frame) }
        } catch {
            return .failed(error.message)
        }
        return await verdict.outcome(of: command)
    }

    /// The exit code of a probe's command and the beginning of what it printed.
    private actor Verdict {
        private static let outputMax = 300
        private var code: Int?
        private var output: [UInt8] = []

        func take(_ frame: StreamFrame) {
            switch frame {
            case .output(let bytes), .errorOutput(let bytes):
                output += bytes.prefix(Verdict.outputMax - output.count)
            case .exit(let code): self.code = code
            case .failed(let message), .missing(let message):
                output = Array(message.utf8.prefix(Verdict.outputMax))
            case .input, .endOfInput, .resize: break
            }
        }

        /// Nil where the command was cut off before it ended.
        func outcome(of command: [String]) -> ProbeOutcome? {
            guard let code else { return nil }
            guard code != 0 else { return .passed }
            let text = String(decoding: output, as: UTF8.self)
            return .failed(
                "'\(command.joined(separator: " "))' ended with \(code)"
                    + (text.isEmpty ? "" : ": \(text)"))
        }
    }
}

/// The one HTTP client of this room.
enum HTTP {
    /// Lives as long as the process, so nobody has to close it. Many streams may stay open towards
    /// one engine at once; the library's limit of 8 would make the next request wait for a log.
    static let client = HTTPClient(
        eventLoopGroupProvider: .singleton,
        configuration: {
            var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
            configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 512
            // A refused connection is an answer, and soon enough asked for again.
            configuration.connectionPool.retryConnectionEstablishment = false
            configuration.connectionPool.idleTimeout = .seconds(5)
            configuration.timeout.connect = .seconds(5)
            return configuration
        }())
}
