import Foundation
package import Model
package import Transport

/// Answers names of services on the node: `NAME.SITE.skerry`, `_PORT._tcp.NAME.SITE.skerry`, and
/// `NODE.node.SITE.skerry` for what the second names.
package struct NameDesk: Sendable {
    /// What can be named at a moment.
    package struct Directory: Sendable {
        /// The best of each service first.
        package var endpoints: [ServiceEndpoint]
        package var hosts: [NodeID: String]

        package init(endpoints: [ServiceEndpoint], hosts: [NodeID: String]) {
            self.endpoints = endpoints
            self.hosts = hosts
        }
    }

    private let site: SiteID
    private let directory: @Sendable () async -> Directory

    package init(site: SiteID, directory: @escaping @Sendable () async -> Directory) {
        self.site = site
        self.directory = directory
    }

    /// Until the port is closed or the task is cancelled. What is no query is passed over.
    package func run(on port: DatagramPort) async {
        for await datagram in port.received {
            guard let query = NameQuery(datagram.bytes) else { continue }
            port.send(answer(query, from: await directory()), to: datagram.source)
        }
    }

    func answer(_ query: NameQuery, from directory: Directory) -> [UInt8] {
        let labels = query.labels
        guard labels.last == "skerry" else { return query.answer(.refused) }
        guard labels.count >= 3, labels[labels.count - 2] == site.text else {
            return query.answer(.noSuchName)
        }
        let name = Array(labels.dropLast(2))
        if name.count == 2, name[1] == "node" {
            guard let host = directory.hosts[NodeID(name[0])] else {
                return query.answer(.noSuchName)
            }
            return query.answer(.found, addresses([host], query.kind, name: []))
        }
        if name.count == 3, name[1] == "_tcp", name[0].hasPrefix("_") {
            return answer(query, port: String(name[0].dropFirst()), of: name[2], from: directory)
        }
        guard name.count == 1 else { return query.answer(.noSuchName) }
        let found = directory.endpoints.filter { $0.service.text == name[0] }
        guard !found.isEmpty else { return query.answer(.noSuchName) }
        return query.answer(.found, addresses(found.map(\.host), query.kind, name: []))
    }

    private func answer(
        _ query: NameQuery, port: String, of service: String, from directory: Directory
    ) -> [UInt8] {
        let found = directory.endpoints.filter {
            $0.service.text == service && $0.ports[port] != nil
        }
        guard !found.isEmpty else { return query.answer(.noSuchName) }
        guard query.kind == .service else { return query.answer(.found) }
        let records = found.compactMap { endpoint in
            endpoint.ports[port].map {
                NameQuery.Record.service(port: $0, target: name(of: endpoint.node))
            }
        }
        let places = found.flatMap { endpoint in
            addresses([endpoint.host], nil, name: name(of: endpoint.node))
        }
        return query.answer(.found, records, besides: places)
    }

    private func name(of node: NodeID) -> [String] { [node.text, "node", site.text, "skerry"] }

    /// Each once, in their order; nil for both kinds.
    private func addresses(
        _ hosts: [String], _ kind: NameQuery.Kind?, name: [String]
    ) -> [NameQuery.Record] {
        var seen: Set<String> = []
        return hosts.filter { seen.insert($0).inserted }.compactMap { host in
            guard let bytes = NameDesk.bytes(of: host) else { return nil }
            switch (kind, bytes.count) {
            case (.address?, 4), (.longAddress?, 16), (nil, _):
                return .address(name: name, bytes: bytes)
            default: return nil
            }
        }
    }

    private static func bytes(of host: String) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, host, &bytes) == 1 { return bytes }
        }
        return nil
    }
}
