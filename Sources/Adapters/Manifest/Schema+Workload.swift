import Model

extension Schema {
    static let workload = object(
        .workload, "Something that runs: containers or processes, and where and how many.",
        spec: workloadSpec, status: workloadStatus, rule: .workload)

    static let workloadSpec = Record(
        name: "workload spec", about: "What runs, how many of it and on which nodes.",
        fields: [
            Field(
                "tier", .whole(1...3), .standard("2"),
                "How much it matters. 1 starts first, stops last and never stops for a stale policy."
            ),
            Field(
                "replicas", .replicas(Limits.replicas), .standard("1"),
                "How many instances in the fleet, or perNode for one on each matching node.",
                example: "perNode"),
            Field(
                "selector", labels, .standard("{}"),
                "Labels that a node must carry. Every node carries 'site' and 'node'.",
                example: "{site: rural}"),
            Field(
                "containers", .list(.record(container), limit: Limits.containers), .required,
                "What each instance is made of. All of them share the node's network."),
            Field(
                "restartPolicy", .choice(RestartPolicy.allCases.map(\.rawValue)),
                .standard("Always"), "When a container that ended is started again."),
            Field(
                "dependsOn", .list(.text(.name), limit: Limits.dependencies), .standard("[]"),
                "Workloads that must be ready on the same node before this one starts.",
                example: "[database]"),
            Field(
                "stopGrace", .duration(Interval.seconds(0)...Interval.hours(1)), .standard("10s"),
                "How long a container may take to stop before it is killed."),
            Field(
                "disconnect", .record(disconnect), .optional,
                "What silence may do to it. Left out, nothing stops or moves because of it."),
        ],
        habits: [
            "template": "write 'containers' directly in spec",
            "nodeSelector": "write 'selector'",
            "terminationGracePeriodSeconds": "write 'stopGrace: 30s'",
            "restart": "write 'restartPolicy'",
            "image": "write it in an entry of 'containers'",
            "command": "write it in an entry of 'containers'",
            "env": "write it in an entry of 'containers'",
            "ports": "write them in an entry of 'containers'",
            "services": "write each service as a Workload of its own",
        ])

    static let disconnect = Record(
        name: "disconnect", about: "What becomes of the copies on a node that is cut off.",
        fields: [
            Field(
                "lostAfter", .duration(Interval.seconds(10)...Limits.disconnection),
                .standard("5m"),
                "How long a node is out of contact before the hub counts it as lost."),
            Field(
                "stopAfter", .duration(Interval.seconds(10)...Limits.disconnection), .optional,
                "How long after its last contact a node stops its copies itself. Left out: never.",
                example: "2m"),
            Field(
                "replace", .flag, .standard("false"),
                "Whether a copy on a lost node is started on another one as well."),
            Field(
                "reconcile", .choice(Reconcile.allCases.map(\.rawValue)),
                .standard(Reconcile.keepOriginal.rawValue),
                "Which copy goes on when the lost node is back. One that is not ready never wins."),
        ],
        habits: [
            "lost_after": "write 'lostAfter'", "stop_on_client_after": "write 'stopAfter'",
            "max_client_disconnect": "write 'lostAfter'",
            "keep_original": "write 'reconcile: keep-original'",
        ])

    static let container = Record(
        name: "container", about: "One container, or one process, of an instance.",
        fields: [
            Field("name", .text(.name), .required, "Unique in the workload.", example: "web"),
            Field(
                "image", .text(.image), .optional,
                "The image to run. The engine that runs containers needs it.",
                example: "localhost/route-optimizer:1"),
            Field(
                "signatures", .list(.text(.imageSignature), limit: 8), .standard("[]"),
                "Whose word there is for the image, which is then named by its digest: KEY:SIGNATURE,"
                    + " as 'skerry image sign' shows it."),
            Field(
                "command", .list(.text(.command), limit: Limits.arguments), .standard("[]"),
                "The program and its arguments. The engine that runs processes needs it.",
                example: "[/usr/bin/route-optimizer, --port, \"8080\"]"),
            Field(
                "env", .map(keys: .envName, values: .argument, limit: Limits.variables),
                .standard("{}"), "Environment variables. Numbers are passed as written.",
                example: "{LOG_LEVEL: info}"),
            Field(
                "ports", .list(.record(port), limit: Limits.ports), .standard("[]"),
                "The ports it listens on. It finds them in PORT and PORT_<NAME>."),
            Field("probes", .record(probes), .standard("{}"), "How the node tells how it is."),
            Field("resources", .record(resources), .standard("{}"), "Upper limits."),
            Field(
                "mounts", .list(.record(mount), limit: Limits.mounts), .standard("[]"),
                "Directories and files of the node that it sees."),
            Field(
                "secretEnv",
                .map(keys: .envName, values: .secretReference, limit: Limits.variables),
                .standard("{}"), "Variables whose values are in Secrets: NAME/KEY.",
                example: "{DB_PASSWORD: database/password}"),
            Field(
                "secretFiles", .list(.record(secretMount), limit: Limits.mounts), .standard("[]"),
                "Secrets whose values it finds as files, in memory and below $SKERRY_SECRETS."),
            Field(
                "workingDirectory", .text(.path), .optional, "Where the program starts.",
                example: "/var/lib/app"),
        ],
        rule: .container,
        habits: [
            "args": "append the arguments to 'command'",
            "livenessProbe": "write 'liveness' below 'probes'",
            "readinessProbe": "write 'readiness' below 'probes'",
            "startupProbe": "write 'startup' below 'probes'",
            "healthcheck": "write 'liveness' below 'probes'",
            "volumeMounts": "write 'mounts' with 'source' and 'target'",
            "volumes": "write 'mounts' with 'source' and 'target'",
            "workingDir": "write 'workingDirectory'",
            "environment": "write 'env'",
            "envFrom": "write 'secretEnv', a variable for each key",
            "secrets": "write 'secretFiles', or 'secretEnv'",
            "restart": "write 'restartPolicy' in spec",
            "entrypoint": "write 'command'",
        ])

    static let port = Record(
        name: "port", about: "A port that a container listens on, on the network of its node.",
        fields: [
            Field(
                "name", .text(.name), .required, "Unique in the workload; probes use it.",
                example: "http"),
            Field(
                "port", .whole(1...65535), .optional,
                "The number. Without it the node picks one and keeps it.", example: "8080"),
            Field(
                "front", .whole(1...65535), .optional,
                "A port at which the node takes TLS for it: callers show a certificate of the fleet,"
                    + " and rules about 'call' say who may. Let the container itself listen on"
                    + " loopback.", example: "8443"),
        ],
        habits: [
            "containerPort": "write 'port'", "hostPort": "write 'port'",
            "targetPort": "write 'port'",
            "protocol": "leave it out: a port is for TCP and UDP alike",
        ])

    static let resources = Record(
        name: "resources", about: "Upper limits. What is left out is not limited.",
        fields: [
            Field("cpu", .cpu, .optional, "Processor time.", example: "250m"),
            Field(
                "memory", .bytes(Limits.memory, .impossibleResources), .optional, "Memory.",
                example: "64Mi"),
        ],
        habits: [
            "limits": "write 'cpu' and 'memory' directly in resources",
            "requests": "write 'cpu' and 'memory' directly in resources; they are limits",
        ])

    static let mount = Record(
        name: "mount", about: "A directory or file of the node shown inside a container.",
        fields: [
            Field("source", .text(.path), .required, "The path on the node.", example: "/srv/maps"),
            Field("target", .text(.path), .required, "The path inside.", example: "/maps"),
            Field("readOnly", .flag, .standard("false"), "Whether writing is refused."),
        ],
        habits: [
            "mountPath": "write 'target'", "hostPath": "write 'source'", "path": "write 'target'",
            "name": "write 'source' with the path on the node",
        ])

    static let secretMount = Record(
        name: "secret files", about: "All values of a Secret as files, one for each key.",
        fields: [
            Field("secret", .text(.name), .required, "The Secret's name.", example: "database"),
            Field(
                "target", .text(.path), .optional,
                "The directory inside. Left out: $SKERRY_SECRETS/NAME. Processes that are no "
                    + "containers see the files there alone.", example: "/etc/database"),
        ],
        habits: [
            "secretName": "write 'secret'", "name": "write 'secret'",
            "mountPath": "write 'target'", "path": "write 'target'",
        ])

    static let workloadStatus = Record(
        name: "workload status", about: "What the hub knows of a workload.",
        fields: [
            .reported("desired", count, "Instances that should run."),
            .reported("ready", count, "Instances that serve, as nodes last said."),
            .reported("observedAt", .time, "The oldest report that 'ready' rests on."),
            .reported("conditions", conditions, "Facts about the workload, each with its age."),
        ])

    // MARK: - Probes

    static let probes = Record(
        name: "probes", about: "Checks that the node makes of a running container.",
        fields: [
            Field(
                "startup", .record(probe), .optional,
                "Until it passes, the other two do not run."),
            Field(
                "readiness", .record(probe), .optional,
                "Failing it takes the instance out of service; nothing is restarted."),
            Field(
                "liveness", .record(probe), .optional, "Failing it restarts the container."),
        ])

    static let probe = Record(
        name: "probe", about: "One check: exactly one of http, tcp and exec.",
        fields: [
            Field(
                "http", .record(httpProbe), .optional,
                "A GET request that passes on a status from 200 to 399."),
            Field("tcp", .record(tcpProbe), .optional, "Passes when the port takes a connection."),
            Field("exec", .record(execProbe), .optional, "Passes when the command ends with 0."),
            Field(
                "period", .duration(millisecond(100)...Interval.hours(24)), .standard("10s"),
                "The time between checks."),
            Field(
                "timeout", .duration(millisecond(10)...Interval.hours(1)), .standard("2s"),
                "How long one check may take before it counts as failed."),
            Field(
                "failureThreshold", .whole(1...1000), .standard("3"),
                "Failures in a row before the probe counts as failed."),
        ],
        rule: .probe,
        habits: [
            "httpGet": "write 'http'", "tcpSocket": "write 'tcp'",
            "periodSeconds": "write 'period: 10s'", "timeoutSeconds": "write 'timeout: 2s'",
            "interval": "write 'period'", "retries": "write 'failureThreshold'",
            "test": "write 'exec' with 'command'",
            "initialDelaySeconds": "write a 'startup' probe",
            "successThreshold": "leave it out: one success is enough",
        ])

    static let httpProbe = Record(
        name: "http probe", about: "A GET request that passes on a status from 200 to 399.",
        fields: [
            Field(
                "port", .text(.portName), .required, "The name of one of the container's ports.",
                example: "http"),
            Field(
                "path", .text(.requestPath), .standard("/"), "The path to ask for.",
                example: "/healthz"),
        ])

    static let tcpProbe = Record(
        name: "tcp probe", about: "Passes when the port takes a connection.",
        fields: [
            Field(
                "port", .text(.portName), .required, "The name of one of the container's ports.",
                example: "http")
        ])

    static let execProbe = Record(
        name: "exec probe", about: "Passes when the command ends with 0.",
        fields: [
            Field(
                "command", .list(.text(.command), limit: Limits.arguments), .required,
                "The program and its arguments, run inside the container.",
                example: "[/bin/check, --quick]")
        ],
        rule: .execProbe)

    private static func millisecond(_ count: Int) -> Interval { Interval(.milliseconds(count)) }
}
