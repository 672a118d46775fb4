import Model

/// What holds between fields. These read the text as written, so that one mistake in a container
/// does not hide that its probe names no port.
extension Checker {
    mutating func apply(_ rule: Record.Rule, to written: Written, at path: String) {
        switch rule {
        case .workload: checkWorkload(written)
        case .container: checkContainer(written, at: path)
        case .probe: checkProbe(written, at: path)
        case .execProbe: checkCommand(written, at: path)
        case .policy: checkPolicy(written)
        case .canary: checkCanary(written, at: path)
        case .fault: checkFault(written, at: path)
        case .secret: checkSecret(written)
        }
    }

    private mutating func checkWorkload(_ written: Written) {
        guard let spec = written["spec"] else { return }
        if let containers = spec["containers"], case .list(let items) = containers.content {
            if items.isEmpty {
                add(
                    .nothingToRun, containers, at: "spec.containers",
                    "a workload without containers",
                    fix: "write at least one: containers: [{name: main, image: IMAGE}]")
            }
            checkContainers(items)
        }
        checkDependencies(spec["dependsOn"]?.items ?? [])
    }

    private mutating func checkContainers(_ items: [Written]) {
        var names: [String: Place] = [:]
        var ports: [String: Place] = [:]
        var numbers: [String: Place] = [:]
        for (index, container) in items.enumerated().prefix(Limits.containers) {
            let path = "spec.containers[\(index)]"
            unique(container["name"], "container", in: &names, at: "\(path).name")
            for (index, port) in (container["ports"]?.items ?? []).enumerated()
                .prefix(Limits.ports)
            {
                let path = "\(path).ports[\(index)]"
                unique(port["name"], "port", in: &ports, at: "\(path).name")
                unique(port["port"], "port number", in: &numbers, at: "\(path).port")
                unique(port["front"], "port number", in: &numbers, at: "\(path).front")
            }
        }
    }

    private mutating func checkDependencies(_ items: [Written]) {
        var names: [String: Place] = [:]
        for (index, item) in items.enumerated().prefix(Limits.dependencies) {
            unique(item, "dependency", in: &names, at: "spec.dependsOn[\(index)]")
            guard let name = item.text, name == objectName else { continue }
            add(
                .dependencyCycle, item, at: "spec.dependsOn[\(index)]",
                "\(quoted(name)) depends on itself", fix: "delete this entry")
        }
    }

    mutating func unique(
        _ written: Written?, _ what: String, in seen: inout [String: Place], at path: String
    ) {
        guard let written, let text = written.text else { return }
        guard let first = seen[text] else {
            seen[text] = written.place
            return
        }
        add(
            .duplicateEntry, written, at: path,
            "\(what) \(quoted(text)) is given twice; first at line \(first.line)",
            fix: "give one of them another value, or delete it")
    }

    private mutating func checkContainer(_ written: Written, at path: String) {
        let commands = written["command"]?.items ?? []
        let hasImage = written["image"].map { !$0.isNull } ?? false
        if !hasImage && commands.isEmpty {
            add(
                .nothingToRun, written, at: path, "a container with neither image nor command",
                fix: "write 'image: NAME:TAG', or 'command: [/path/to/program]'")
        }
        checkCommand(written, at: path)
        var targets: [String: Place] = [:]
        for (index, mount) in (written["mounts"]?.items ?? []).enumerated().prefix(Limits.mounts) {
            unique(
                mount["target"], "mount target", in: &targets, at: "\(path).mounts[\(index)].target"
            )
        }
        checkProbePorts(written, at: path)
    }

    private mutating func checkCommand(_ written: Written, at path: String) {
        guard let command = written["command"], case .list(let items) = command.content else {
            return
        }
        if items.isEmpty, written["image"] == nil {
            add(
                .nothingToRun, command, at: "\(path).command", "an empty command",
                fix: "write the program and its arguments: [/path/to/program, --flag]")
        }
        guard let first = items.first, case .scalar("", isPlain: false) = first.content else {
            return
        }
        add(
            .nothingToRun, first, at: "\(path).command[0]", "the program to run has no name",
            fix: "write the program first: [/path/to/program, --flag]")
    }

    private mutating func checkProbePorts(_ written: Written, at path: String) {
        let ports = (written["ports"]?.items ?? []).prefix(Limits.ports)
        let names = ports.compactMap { $0["name"]?.text }
        let probes = (written["probes"]?.entries ?? []).filter { Schema.probes[$0.key] != nil }
        for probe in probes {
            for kind in ["http", "tcp"] {
                guard let port = probe.value[kind]?["port"], let name = port.text,
                    !port.isNumber, !names.contains(name)
                else { continue }
                let near = nearest(to: name, among: names) ?? (names.count == 1 ? names[0] : nil)
                let known =
                    names.isEmpty
                    ? "give the container a port: ports: [{name: http, port: 8080}]"
                    : "its ports are: \(names.joined(separator: ", "))"
                add(
                    .probePort, port, at: "\(path).probes.\(probe.key).\(kind).port",
                    "the container has no port named \(quoted(name))",
                    fix: near.map { "did you mean '\(shown($0))'?" } ?? known, replacement: near)
            }
        }
    }

    private mutating func checkProbe(_ written: Written, at path: String) {
        let actions = written.entries.filter {
            ["http", "tcp", "exec"].contains($0.key) && !$0.value.isNull
        }
        // What another orchestrator calls them is already answered with the right name.
        let isForeign = written.entries.contains { Schema.probe.habits[$0.key] != nil }
        if actions.isEmpty, !isForeign {
            add(
                .probeAction, written, at: path, "a probe that checks nothing",
                fix: "write one of http, tcp and exec: http: {port: http, path: /healthz}")
        }
        for extra in actions.dropFirst() {
            add(
                .probeAction, at: extra.place, width: source.width(of: extra), path: path,
                "a probe with both '\(actions[0].key)' and '\(extra.key)'",
                fix: "keep one of them")
        }
    }
}
