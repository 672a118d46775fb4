import Foundation
import Model

/// A fleet whose hub was stopped: what its nodes say themselves.
extension LocalFleet {
    /// Shows, again and again, how the first node that answers sees the mesh, and what serves.
    func followNodes() async throws {
        try console.say("the hub is stopped; the nodes go on by themselves")
        var last = ""
        while !Task.isCancelled {
            let text = try await firstAnswer()
            if console.isTerminal { try console.say("\u{1B}[H\u{1B}[2J") }
            if console.isTerminal || text != last {
                try console.say(text)
                try sayEnds()
            }
            last = text
            try await Task.sleep(for: .seconds(1))
        }
    }

    private func firstAnswer() async throws -> String {
        for site in sites {
            let session = session(with: site)
            do {
                let report = try await session.connection.mesh(of: nil)
                let services = try await session.connection.services()
                return words(report, services)
            } catch let failure as Failure where failure.code == .unreachable {
                continue
            }
        }
        return "no node answers"
    }

    private func session(with site: LocalSite) -> Session {
        let context = Context(name: site.node, endpoint: .node(socket: socket(of: site)))
        return Session(
            console: console, context: context,
            cache: AnswerCache(
                directory: AnswerCache.directory(environment), context: context))
    }

    private func words(_ report: MeshReport, _ services: ServiceList) -> String {
        var lines: [String] = []
        for view in report.items {
            let peers = view.peers.map { "\($0.node) is \($0.liveness.rawValue)" }
            lines.append("\(view.node): " + peers.joined(separator: ", "))
        }
        for name in Set(services.items.map(\.service)).sorted() {
            let places = services.items.filter { $0.service == name }.map { endpoint in
                endpoint.node.text
                    + endpoint.ports.sorted { $0.key < $1.key }
                    .map { " \($0.key)=\(endpoint.host):\($0.value)" }.joined()
            }
            lines.append("\(name) is served by " + places.joined(separator: ", "))
        }
        return visible(lines.joined(separator: "\n"), keeping: ["\n"])
    }
}
