import Model

/// Objects with every field of theirs set to something else than its default.
enum Samples {
    static let time = WallTime(milliseconds: 1_795_383_759_120)

    static let metadata = Metadata(
        name: "route-optimizer", labels: ["team": "logistics", "example.com/tier": "gold"],
        annotations: ["note": "Ask ops: before 9:00"], generation: 7, createdAt: time)

    static let probe = Probe(
        http: HTTPProbe(port: "http", path: "/healthz"), period: .seconds(3),
        timeout: Interval(.milliseconds(500)), failureThreshold: 5)

    static let container = ContainerSpec(
        name: "web", image: "localhost/route-optimizer:1",
        command: ["/usr/bin/route-optimizer", "--port", "8080"],
        env: ["LOG_LEVEL": "info", "RATE": "0.5", "EMPTY": ""],
        ports: [PortSpec(name: "http", port: 8080), PortSpec(name: "admin")],
        probes: Probes(
            startup: probe,
            readiness: Probe(tcp: TCPProbe(port: "admin")),
            liveness: Probe(exec: ExecProbe(command: ["/bin/check", "--quick"]))),
        resources: Resources(cpu: CPUShare(millicores: 1500), memory: ByteCount(64 << 20)),
        mounts: [Mount(source: "/srv/maps", target: "/maps", readOnly: true)],
        workingDirectory: "/var/lib/app",
        secretEnv: ["PASSWORD": SecretReference("database/password")!],
        secretFiles: [SecretMount(secret: "database", target: "/etc/database")])

    static let workload = Object.workload(
        Workload(
            metadata: metadata,
            spec: WorkloadSpec(
                tier: .critical, replicas: .count(3), selector: ["site": "rural"],
                containers: [container, ContainerSpec(name: "side", command: ["/bin/side"])],
                restartPolicy: .onFailure, dependsOn: ["database"],
                stopGrace: Interval(.seconds(90)))))

    static let site = Object.site(
        Site(
            metadata: Metadata(name: "rural"),
            spec: SiteSpec(
                location: Location(latitude: -59.3293, longitude: 18),
                autonomyWindow: .hours(96),
                link: LinkBudget(bytesPerSecond: ByteCount(125_000)))))

    static let secret = Object.secret(
        Secret(
            metadata: Metadata(name: "database"), type: "example.com/login",
            data: ["password": "aHVudGVyMg==", "user": "Ym9i"]))

    static let bare = Object.site(Site(metadata: Metadata(name: "bare"), spec: SiteSpec()))

    static let minimal = Workload(
        metadata: Metadata(name: "minimal"),
        spec: WorkloadSpec(containers: [ContainerSpec(name: "main", command: ["/bin/x"])]))
}

/// One of each kind with every field, also those of the status.
extension Samples {
    static let everything: [Object] = [
        siteWithStatus, node, workloadWithStatus, instance, secret,
    ]

    private static let condition = Condition(
        type: "Placed", isTrue: false, reason: "NoNode", message: "no node carries site=rural",
        observedAt: time)

    private static let siteWithStatus = Object.site(
        Site(
            metadata: metadata,
            spec: SiteSpec(
                location: Location(latitude: 1.5, longitude: 2),
                link: LinkBudget(bytesPerSecond: ByteCount(1))),
            status: SiteStatus(nodes: 3, nodesInContact: 2, observedAt: time)))

    private static let node = Object.node(
        Node(
            metadata: metadata, spec: NodeSpec(site: "rural", cordoned: true),
            status: NodeStatus(
                state: .autonomous, lastSeen: time, observedAt: time, agentVersion: "0.1.0",
                engine: EngineStatus(name: "process", version: "1", limitations: ["no limits"]),
                capacity: Capacity(cpu: CPUShare(millicores: 4000), memory: ByteCount(1 << 33)),
                usage: Usage(
                    cpu: CPUShare(millicores: 10), memory: ByteCount(1 << 23), observedAt: time),
                desiredRevision: 9, appliedRevision: 8, conditions: [condition])))

    private static let workloadWithStatus: Object = {
        guard case .workload(var value) = workload else { preconditionFailure("see above") }
        value.status = WorkloadStatus(
            desired: 3, ready: 2, observedAt: time, conditions: [condition])
        return .workload(value)
    }()

    private static let instance = Object.instance(
        Instance(
            InstanceStatus(
                id: InstanceID(workload: "route-optimizer", ordinal: 2), node: "n1", site: "rural",
                tier: .critical, observedGeneration: 7, phase: .crashLoopBackOff, ready: false,
                restarts: 4, startedAt: time, ports: ["http": 31000], reason: "ExitCode",
                message: "the process ended with 1", observedAt: time)))
}
