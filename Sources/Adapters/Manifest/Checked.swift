import Foundation
import Model

/// A value that has passed its shape: what Model values are built from.
indirect enum Checked {
    case text(String)
    case flag(Bool)
    case whole(Int)
    case decimal(Double)
    case duration(Interval)
    case cpu(CPUShare)
    case bytes(ByteCount)
    case replicas(Replicas)
    case time(WallTime)
    case list([Checked])
    case map([String: String])
    case record([String: Checked])
}

/// Reading by field name. The schema decides which case stands behind a name, so another one is a
/// bug in this room and stops the program; a manifest cannot cause it.
extension Checked {
    /// The value of a field that has one, or nil for an optional field that was left out.
    subscript(name: String) -> Checked? {
        guard case .record(let fields) = self else { mismatch("a record") }
        return fields[name]
    }

    /// The value of a field that is required or has a default.
    func value(_ name: String) -> Checked {
        guard let value = self[name] else { mismatch("a record with '\(name)'") }
        return value
    }

    var text: String {
        guard case .text(let text) = self else { mismatch("text") }
        return text
    }
    var flag: Bool {
        guard case .flag(let flag) = self else { mismatch("a flag") }
        return flag
    }
    var whole: Int {
        guard case .whole(let number) = self else { mismatch("a whole number") }
        return number
    }
    var decimal: Double {
        guard case .decimal(let number) = self else { mismatch("a number") }
        return number
    }
    var duration: Interval {
        guard case .duration(let interval) = self else { mismatch("a duration") }
        return interval
    }
    var cpu: CPUShare {
        guard case .cpu(let share) = self else { mismatch("processor time") }
        return share
    }
    var bytes: ByteCount {
        guard case .bytes(let count) = self else { mismatch("a size") }
        return count
    }
    var replicas: Replicas {
        guard case .replicas(let replicas) = self else { mismatch("replicas") }
        return replicas
    }
    var time: WallTime {
        guard case .time(let time) = self else { mismatch("a time") }
        return time
    }
    var list: [Checked] {
        guard case .list(let items) = self else { mismatch("a list") }
        return items
    }
    var map: [String: String] {
        guard case .map(let entries) = self else { mismatch("a map") }
        return entries
    }

    private func mismatch(_ wanted: String) -> Never {
        preconditionFailure("the schema and the Model disagree: \(self) is not \(wanted)")
    }
}

extension Object {
    /// Builds the object that a checked document says.
    init(_ kind: Kind, _ document: Checked) {
        switch kind {
        case .site:
            self = .site(
                Site(
                    metadata: Metadata(document.value("metadata")),
                    spec: SiteSpec(document.value("spec"))))
        case .workload:
            self = .workload(
                Workload(
                    metadata: Metadata(document.value("metadata")),
                    spec: WorkloadSpec(document.value("spec"))))
        case .policy:
            self = .policy(
                Policy(
                    metadata: Metadata(document.value("metadata")),
                    spec: document["spec"].map(PolicySpec.init) ?? PolicySpec(),
                    signed: document["signed"].map(PolicyBundle.init)))
        case .secret:
            var values = document.value("data").map.mapValues { $0.filter { !$0.isWhitespace } }
            // As with kubectl, what is written as it is comes last.
            for (key, text) in document.value("stringData").map {
                values[key] = Data(text.utf8).base64EncodedString()
            }
            self = .secret(
                Secret(
                    metadata: Metadata(document.value("metadata")),
                    type: document.value("type").text, data: values))
        case .node, .instance:
            preconditionFailure("\(kind.rawValue) objects are refused in files")
        }
    }
}

extension Metadata {
    fileprivate init(_ fields: Checked) {
        self.init(
            name: fields.value("name").text, labels: fields.value("labels").map,
            annotations: fields.value("annotations").map,
            generation: UInt64(fields.value("generation").whole),
            createdAt: fields["createdAt"]?.time)
    }
}

extension SiteSpec {
    fileprivate init(_ fields: Checked) {
        self.init(
            location: fields["location"].map {
                Location(
                    latitude: $0.value("latitude").decimal,
                    longitude: $0.value("longitude").decimal)
            },
            autonomyWindow: fields.value("autonomyWindow").duration,
            stalenessBound: fields.value("stalenessBound").duration,
            whenDisconnected: fields.value("whenDisconnected").word(),
            pattern: fields.value("pattern").word(),
            authority: fields.value("authority").list.map { AuthorityOverride($0) },
            link: fields["link"].map {
                LinkBudget(bytesPerSecond: $0.value("bytesPerSecond").bytes)
            })
    }
}

extension AuthorityOverride {
    fileprivate init(_ row: Checked) {
        self.init(
            domain: row.value("domain").word(), staleness: row["staleness"]?.word(),
            tier: (row["tier"]?.whole).flatMap(Tier.init(rawValue:)),
            reach: row["reach"]?.word(), verdict: row.value("verdict").word(),
            by: row["by"]?.word())
    }
}

extension PolicySpec {
    fileprivate init(_ fields: Checked) {
        let scope = fields.value("scope")
        self.init(
            scope: PolicyScope(
                sites: scope.value("sites").list.map { SiteID($0.text) },
                canary: scope["canary"].map {
                    Canary(
                        nodes: $0.value("nodes").list.map { NodeID($0.text) },
                        percent: $0["percent"]?.whole)
                }),
            pattern: fields["pattern"]?.word(), stalenessBound: fields["stalenessBound"]?.duration,
            autonomyWindow: fields["autonomyWindow"]?.duration,
            authority: fields.value("authority").list.map { AuthorityOverride($0) },
            roleBindings: fields.value("roleBindings").list.map {
                RoleBinding(
                    role: $0.value("role").word(), users: $0.value("users").list.map(\.text),
                    sites: $0.value("sites").list.map { SiteID($0.text) })
            }, cedar: fields["cedar"]?.text)
    }
}

extension PolicyBundle {
    fileprivate init(_ fields: Checked) {
        self.init(
            key: fields.value("key").text, signature: fields.value("signature").text,
            payload: fields.value("payload").list.map(\.text))
    }
}

extension WorkloadSpec {
    fileprivate init(_ fields: Checked) {
        let number = fields.value("tier").whole
        guard let tier = Tier(rawValue: number) else {
            preconditionFailure("the schema let tier \(number) pass")
        }
        self.init(
            tier: tier, replicas: fields.value("replicas").replicas,
            selector: fields.value("selector").map,
            containers: fields.value("containers").list.map { ContainerSpec($0) },
            restartPolicy: fields.value("restartPolicy").word(),
            dependsOn: fields.value("dependsOn").list.map { WorkloadID($0.text) },
            stopGrace: fields.value("stopGrace").duration,
            disconnect: fields["disconnect"].map { fields in
                Disconnect(
                    lostAfter: fields.value("lostAfter").duration,
                    stopAfter: fields["stopAfter"]?.duration,
                    replace: fields.value("replace").flag,
                    reconcile: fields.value("reconcile").word())
            })
    }
}

extension Checked {
    /// One of the words of a type whose words are the field's choice.
    fileprivate func word<Word: RawRepresentable<String>>() -> Word {
        guard let word = Word(rawValue: text) else {
            preconditionFailure("the schema let the word \(text) pass for a \(Word.self)")
        }
        return word
    }
}

extension ContainerSpec {
    fileprivate init(_ fields: Checked) {
        let probes = fields.value("probes")
        let resources = fields.value("resources")
        self.init(
            name: fields.value("name").text, image: fields["image"]?.text,
            command: fields.value("command").list.map(\.text), env: fields.value("env").map,
            ports: fields.value("ports").list.map {
                PortSpec(
                    name: $0.value("name").text, port: $0["port"]?.whole,
                    front: $0["front"]?.whole)
            },
            probes: Probes(
                startup: probes["startup"].map { Probe($0) },
                readiness: probes["readiness"].map { Probe($0) },
                liveness: probes["liveness"].map { Probe($0) }),
            resources: Resources(cpu: resources["cpu"]?.cpu, memory: resources["memory"]?.bytes),
            mounts: fields.value("mounts").list.map {
                Mount(
                    source: $0.value("source").text, target: $0.value("target").text,
                    readOnly: $0.value("readOnly").flag)
            },
            workingDirectory: fields["workingDirectory"]?.text,
            // The shape let nothing else pass.
            secretEnv: fields.value("secretEnv").map.compactMapValues(SecretReference.init),
            secretFiles: fields.value("secretFiles").list.map {
                SecretMount(
                    secret: SecretID($0.value("secret").text), target: $0["target"]?.text)
            },
            signatures: fields.value("signatures").list.compactMap { ImageSignature($0.text) })
    }
}

extension Probe {
    fileprivate init(_ fields: Checked) {
        self.init(
            http: fields["http"].map {
                HTTPProbe(port: $0.value("port").text, path: $0.value("path").text)
            },
            tcp: fields["tcp"].map { TCPProbe(port: $0.value("port").text) },
            exec: fields["exec"].map {
                ExecProbe(command: $0.value("command").list.map(\.text))
            },
            period: fields.value("period").duration, timeout: fields.value("timeout").duration,
            failureThreshold: fields.value("failureThreshold").whole)
    }
}
