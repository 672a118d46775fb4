import Host
import Model
import Testing
import Transport

@Suite(.timeLimit(.minutes(1))) struct NameDeskTests {
    private let endpoints = [
        endpoint("till", 1, "rural-1", "10.0.0.1", 8001),
        endpoint("till", 2, "rural-2", "10.0.0.2", 8002),
    ]

    private static func endpoint(
        _ service: WorkloadID, _ ordinal: Int, _ node: NodeID, _ host: String, _ port: Int
    ) -> ServiceEndpoint {
        ServiceEndpoint(
            service: service, instance: InstanceID(workload: service, ordinal: ordinal),
            node: node, site: "rural", host: host, ports: ["http": port], isLocal: false, load: 0,
            age: .seconds(0))
    }

    private func query(_ name: String, kind: UInt8) -> [UInt8] {
        var bytes: [UInt8] = [0, 9, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in name.split(separator: ".") {
            bytes.append(UInt8(label.utf8.count))
            bytes += label.utf8
        }
        return bytes + [0, 0, kind, 0, 1]
    }

    /// Asks a running service over a real socket.
    private func ask(_ name: String, kind: UInt8 = 1) async throws -> [UInt8] {
        let port = try await DatagramPort.open()
        let client = try await DatagramPort.open()
        let endpoints = endpoints
        let desk = NameDesk(site: "rural") {
            NameDesk.Directory(
                endpoints: endpoints, hosts: ["rural-1": "10.0.0.1", "rural-2": "10.0.0.2"])
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await desk.run(on: port) }
            // Noise before it is passed over.
            client.send([1, 2, 3], to: port.place)
            client.send(query(name, kind: kind), to: port.place)
            var answer: [UInt8] = []
            for await datagram in client.received {
                answer = datagram.bytes
                break
            }
            await port.close()
            await client.close()
            try await group.waitForAll()
            return answer
        }
    }

    @Test func `a service has the addresses of its nodes, the best first`() async throws {
        let answer = try await ask("till.rural.skerry")
        #expect(answer[3] == 0 && answer[7] == 2)
        #expect(answer.suffix(20).prefix(4) == [10, 0, 0, 1])
        #expect(answer.suffix(4) == [10, 0, 0, 2])
    }

    @Test func `a port of a service names node and number`() async throws {
        let answer = try await ask("_http._tcp.till.rural.skerry", kind: 33)
        #expect(answer[3] == 0 && answer[7] == 2 && answer[11] == 2)
        let text = String(decoding: answer, as: UTF8.self)
        #expect(text.contains("rural-1") && text.contains("rural-2"))
        #expect(answer.suffix(4) == [10, 0, 0, 2])
        #expect(try await ask("_no._tcp.till.rural.skerry", kind: 33)[3] == 3)
    }

    @Test func `a node has its address, and a name that nothing healthy serves is none`()
        async throws
    {
        #expect(try await ask("rural-2.node.rural.skerry").suffix(4) == [10, 0, 0, 2])
        #expect(try await ask("rural-9.node.rural.skerry")[3] == 3)
        #expect(try await ask("shop.rural.skerry")[3] == 3)
        #expect(try await ask("till.urban.skerry")[3] == 3)
        #expect(try await ask("till.rural.skerry", kind: 28)[7] == 0)
    }

    @Test func `names of elsewhere are refused`() async throws {
        #expect(try await ask("example.com")[3] == 5)
        #expect(try await ask("skerry.example")[3] == 5)
    }
}
