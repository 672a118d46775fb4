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
        workingDirectory: "/var/lib/app")

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

    static let bare = Object.site(Site(metadata: Metadata(name: "bare"), spec: SiteSpec()))

    static let minimal = Workload(
        metadata: Metadata(name: "minimal"),
        spec: WorkloadSpec(containers: [ContainerSpec(name: "main", command: ["/bin/x"])]))
}
