import Model

extension Schema {
    static let node = object(
        .node, "A machine that runs workloads. Made when its agent joins with a token.",
        spec: nodeSpec, status: nodeStatus)

    static let nodeSpec = Record(
        name: "node spec", about: "What people want of a node.",
        fields: [
            Field("site", .text(.name), .required, "The site that the node's token was made for."),
            Field(
                "cordoned", .flag, .standard("false"),
                "Whether the node is given nothing new. It keeps what it runs."),
        ])

    static let nodeStatus = Record(
        name: "node status", about: "What the hub knows of a node, and since when.",
        fields: [
            .reported(
                "state", .choice(["Ready", "Autonomous", "Silent"]),
                "Ready: in contact. Autonomous: cut off, inside its autonomy window. Silent: longer."
            ),
            .reported("lastSeen", .time, "When the hub last heard from the node; absent if never."),
            .reported("observedAt", .time, "When this status was put together."),
            .reported("agentVersion", .text(.words), "The release that the agent runs."),
            .reported("engine", .record(engine), "What the node runs workloads with."),
            .reported("capacity", .record(capacity), "What the node has to give."),
            .reported("usage", .record(usage), "What the node uses."),
            .reported("desiredRevision", count, "The newest document made for the node."),
            .reported("appliedRevision", count, "The newest document the node has made durable."),
            .reported("conditions", conditions, "Facts about the node, each with its age."),
        ])

    static let engine = Record(
        name: "engine", about: "What a node runs workloads with.",
        fields: [
            .reported("name", .choice(["engine", "process"]), "A container engine, or processes."),
            .reported("version", .text(.words), "The engine's own version."),
            .reported(
                "limitations", .list(.text(.words), limit: Limits.labels),
                "What it cannot do on this node, in sentences."),
        ])

    static let capacity = Record(
        name: "capacity", about: "What a node has to give to workloads.",
        fields: [
            .reported("cpu", .cpu, "Processor time."),
            .reported("memory", .bytes(Limits.memory, .impossibleResources), "Memory."),
        ])

    static let usage = Record(
        name: "usage", about: "What is used at a moment.",
        fields: [
            .reported("cpu", .cpu, "Processor time."),
            .reported("memory", .bytes(Limits.memory, .impossibleResources), "Memory."),
            .reported("observedAt", .time, "The moment."),
        ])

    static let instance = object(
        .instance, "One copy of a workload on one node. Made by the node; read only.",
        spec: nil, status: instanceStatus)

    static let instanceStatus = Record(
        name: "instance status", about: "What a node says about an instance it runs.",
        fields: [
            .reported("id", .record(instanceID), "The workload and the number of the copy."),
            .reported("node", .text(.name), "The node that runs it."),
            .reported("site", .text(.name), "The site of that node."),
            .reported("tier", .whole(1...3), "The tier of the workload."),
            .reported(
                "observedGeneration", count,
                "The generation of the workload that runs, as the node understood it."),
            .reported(
                "phase", .choice(Phase.allCases.map(\.rawValue)), "How it is, in one word."),
            .reported("ready", .flag, "Whether it serves."),
            .reported("restarts", count, "Starts beyond the first, over the instance's life."),
            .reported("startedAt", .time, "When its containers last started."),
            .reported(
                "ports", .map(keys: .name, values: .portNumber, limit: Limits.ports),
                "The number in use on the node for each named port."),
            .reported("reason", .text(.words), "One word for the phase, for programs."),
            .reported("message", .text(.words), "A sentence for the phase, for people."),
            .reported("observedAt", .time, "When the node saw it so."),
            .reported(
                "decision", .record(decisionID),
                "The decision that started what runs; see it with: skerry why"),
        ])

    static let decisionID = Record(
        name: "decision id", about: "Names one decision.",
        fields: [
            .reported("origin", .text(.words), "The node that took it; empty for the hub."),
            .reported("number", count, "Its number there."),
        ])

    static let instanceID = Record(
        name: "instance id", about: "Which copy of which workload.",
        fields: [
            .reported("workload", .text(.name), "The workload."),
            .reported("ordinal", count, "The number of the copy across the fleet, from 0."),
        ])
}
