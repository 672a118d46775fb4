import Machines
import Model
import Testing

/// Secrets go to the nodes that run something with them, and to no other.
@Suite struct SecretTests {
    private func values(_ digest: String, keys: [String] = ["password"]) -> SealedValues {
        SealedValues(digest: digest, keys: keys, box: "00" + digest)
    }

    private func secret(_ digest: String) -> Object {
        .secret(Secret(metadata: Metadata(name: "database"), sealed: values(digest)))
    }

    private func shop(on node: String = "n1", key: String = "password") throws -> Workload {
        let reference = try #require(SecretReference("database/" + key))
        return Workload(
            metadata: Metadata(name: "shop"),
            spec: WorkloadSpec(
                replicas: .perNode, selector: ["node": node],
                containers: [
                    ContainerSpec(name: "main", command: ["run"], secretEnv: ["PW": reference])
                ]))
    }

    /// What the last input made the hub send of Secrets on this session: digest and reader.
    private func sent(_ bench: HubBench, on session: UInt64 = 1) -> [String] {
        bench.sent(on: SessionID(rawValue: session)).flatMap { message -> [String] in
            guard case .documents(let documents, _) = message else { return [] }
            return documents.compactMap { document in
                switch document.content {
                case .secret(let values): "\(values.digest) for \(values.reader ?? "nobody")"
                case .deleted where document.key == .secret("database"): "gone"
                default: nil
                }
            }
        }
    }

    /// Up to which revision the first session was just told.
    private func through(_ bench: HubBench) -> UInt64 {
        bench.sent(on: SessionID(rawValue: 1)).compactMap { message in
            if case .documents(_, let through) = message { through } else { nil }
        }.last ?? 0
    }

    private func hub() -> HubBench {
        var bench = HubBench()
        bench.enrol("n1")
        bench.enrol("n2")
        bench.greet(1, node: "n1", secretsKey: "aa")
        bench.greet(2, node: "n2", secretsKey: "bb")
        return bench
    }

    @Test func `a Secret is sent to the node whose workload names it, for its key`() throws {
        var bench = hub()
        bench.ask(.apply([secret("1")], dryRun: false))
        #expect(sent(bench).isEmpty)
        bench.ask(.apply([.workload(try shop())], dryRun: false))
        #expect(sent(bench, on: 1) == ["1 for aa"])
        #expect(sent(bench, on: 2).isEmpty)
        bench.ask(.apply([secret("2")], dryRun: false))
        #expect(sent(bench, on: 1) == ["2 for aa"])
        bench.ask(.apply([secret("2")], dryRun: false))
        #expect(sent(bench, on: 1).isEmpty)
        bench.ask(.delete(.workload, name: "shop"))
        #expect(sent(bench, on: 1) == ["gone"])
    }

    @Test func `a Secret that is deleted is taken from the nodes, and people hear of its users`()
        throws
    {
        var bench = hub()
        bench.ask(.apply([secret("1"), .workload(try shop())], dryRun: false))
        bench.ask(.delete(.secret, name: "database"))
        #expect(sent(bench, on: 1) == ["gone"])
        #expect(bench.hub.eventLog.contains { $0.reason == "SecretInUse" })
        #expect(bench.stored.contains(.removeSecret("database")))
    }

    @Test func `a node with a new key is sent everything anew, and one without a key nothing`()
        throws
    {
        var bench = hub()
        bench.ask(.apply([secret("1"), .workload(try shop())], dryRun: false))
        let applied = through(bench)
        bench.greet(3, node: "n1", applied: applied, secretsKey: "aa")
        #expect(sent(bench, on: 3).isEmpty)
        bench.greet(4, node: "n1", applied: applied, secretsKey: "cc")
        #expect(sent(bench, on: 4) == ["1 for cc"])

        var old = HubBench()
        old.enrol("n1")
        old.greet(1, node: "n1")
        old.ask(.apply([secret("1"), .workload(try shop())], dryRun: false))
        #expect(sent(old).isEmpty)
        old.greet(2, node: "n1", applied: through(old), secretsKey: "dd")
        #expect(sent(old, on: 2) == ["1 for dd"])
    }

    @Test func `a workload that names what is not there is refused, and so is a plain value`()
        throws
    {
        var bench = hub()
        let names = [try shop(), try shop(key: "pasword")]
        for (workload, objects) in [
            (names[0], []), (names[1], [secret("1")]),
        ] as [(Workload, [Object])] {
            guard
                case .refused(let refusal)? = bench.ask(
                    .apply(objects + [.workload(workload)], dryRun: false))
            else {
                Issue.record("it was taken")
                continue
            }
            #expect(refusal.mistakes.count == 1)
        }
        let plain = Secret(metadata: Metadata(name: "p"), data: ["password": "aHVudGVyMg=="])
        guard case .refused? = bench.ask(.apply([.secret(plain)], dryRun: false)) else {
            Issue.record("a value that is not sealed was taken")
            return
        }
    }

    @Test func `nobody is shown a value, and no event or decision holds a box`() throws {
        var bench = hub()
        bench.ask(.apply([secret("1"), .workload(try shop())], dryRun: false))
        let shown = bench.hub.objects(.secret, at: bench.now.wall)
        guard case .secret(let secret)? = shown.first else {
            Issue.record("it is not listed")
            return
        }
        #expect(secret.sealed == nil && secret.data.isEmpty)
        #expect(secret.status?.keys == ["password"])
    }

    // MARK: - On the node

    private func agent(_ contents: [Document.Content]) -> AgentBench {
        var bench = AgentBench()
        bench.list()
        bench.join(contents)
        return bench
    }

    private func web(key: String = "password") throws -> Document.Content {
        let reference = try #require(SecretReference("database/" + key))
        var workload = MachinesTests.web()
        workload.spec.containers[0].secretEnv = ["PW": reference]
        return assigned(workload)
    }

    @Test func `a workload is started with its Secret, sealed, and waits where it is missing`()
        throws
    {
        var bench = agent([try web()])
        #expect(bench.starts.isEmpty)
        #expect(bench.status?.reason == "SecretMissing")
        bench.deliver([.secret(values("1"))], from: 2)
        #expect(bench.starts.map(\.secrets) == [["database": values("1")]])
        #expect(bench.starts.allSatisfy { $0.env["PW"] == nil })
    }

    @Test func `a new value restarts what uses it, the same value or a deletion does not`() throws {
        var bench = agent([.secret(values("1")), try web()])
        bench.started(webMain)
        var again = values("1")
        again.box = "another seal"
        bench.deliver([.secret(again)], from: 3)
        #expect(bench.stops.isEmpty)
        bench.deliver([.secret(values("2"))], from: 4)
        #expect(bench.stops == [webMain])
        bench.tell(.engine(.stopped(webMain)))
        #expect(bench.starts.map { $0.secrets["database"]?.digest } == ["2"])
        bench.started(webMain, generation: 2)
        bench.tell(
            .received(
                .documents(
                    [Document(key: .secret("database"), revision: 5, content: .deleted)],
                    through: 5)))
        #expect(bench.stops.isEmpty)
        #expect(bench.status?.ready == true)
    }

    @Test func `after a restart what runs with the newest value is left alone`() throws {
        let content = try web()
        guard case .assignment(let assignment) = content else { return }
        var snapshot = snapshot(of: assignment.workload)
        snapshot.documents.append(
            Document(key: .secret("database"), revision: 2, content: .secret(values("1"))))
        snapshot.appliedRevision = 2
        let record = { (digest: String) in
            InstanceRecord(
                id: webMain.instance, generation: assignment.workload.metadata.generation,
                containers: assignment.workload.spec.containers, ports: [:],
                secrets: ["database": digest])
        }
        snapshot.instances = [record("1")]
        var bench = AgentBench(snapshot: snapshot)
        bench.list([observed(webMain)])
        #expect(bench.stops.isEmpty && bench.starts.isEmpty)
        snapshot.instances = [record("0")]
        bench = AgentBench(snapshot: snapshot)
        bench.list([observed(webMain)])
        #expect(bench.stops == [webMain])
    }
}
