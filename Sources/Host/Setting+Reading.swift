import Containers
import Foundation
import Model

extension HubSettings {
    /// Takes every setting, or throws all that is wrong with them.
    package init(_ values: SettingValues) throws(HostError) {
        var values = values
        self.init(
            state: values.text("state", as: "the path of a directory"),
            name: values.text("name", as: "a name"),
            bind: values.read("bind", as: "an IP address such as 0.0.0.0 or ::1", address) ?? "",
            advertise: values.read(
                "advertise", as: "names or addresses, separated by commas", list) ?? [],
            managementPort: values.read("managementPort", as: "a port", port) ?? 0,
            controlPort: values.read("controlPort", as: "a port", port) ?? 0,
            enrolmentPort: values.read("enrolmentPort", as: "a port", port) ?? 0,
            policyKeys: values.read("policyKeys", as: "files, separated by commas", list),
            endsWithInput: values.read("endsWithInput", as: "true or false", Bool.init) ?? false,
            seal: values.read("seal", as: SealingChoice.expectation, SealingChoice.init) ?? .auto,
            sealBefore: values.read(
                "sealBefore", as: SealingChoice.expectation, SealingChoice.init),
            auditRecords: values.read("auditRecords", as: auditRange, recordCount) ?? 0)
        brake =
            values.read(
                "revocationShare", as: "a number from 0 to 100", RevocationBrake.init(share:))
            ?? RevocationBrake()
        try values.check()
    }
}

extension AgentSettings {
    /// Takes every setting, or throws all that is wrong with them.
    package init(_ values: SettingValues) throws(HostError) {
        var values = values
        let memory = values.read("memory", as: "a size such as 1Gi", ByteCount.init)
        let cpu = values.read("cpu", as: "processor time such as 2 or 500m", CPUShare.init)
        let measured = NodeFacts.capacity()
        let mesh = values.mesh()
        let names = values.names()
        self.init(
            state: values.text("state", as: "the path of a directory"),
            node: values.read("node", as: "a name (a-z, 0-9 and hyphens, at most 63)") {
                isDNSLabel($0) ? NodeID($0) : nil
            } ?? AgentSettings.hostName,
            token: values["token"],
            engine: values.read(
                "engine", as: "auto, process or the path of a socket", EngineChoice.init) ?? .auto,
            socket: values.text("socket", as: "the path of a socket"),
            portRange: values.read("ports", as: "a range such as 20000-29999", range)
                ?? 20_000...29_999,
            searchPath: values.text("searchPath").split(separator: ":").map(String.init),
            stopsWorkloads: values.read("stopWorkloads", as: "true or false", Bool.init) ?? false,
            endsWithInput: values.read("endsWithInput", as: "true or false", Bool.init) ?? false,
            hub: values["hub"],
            policyKeys: values.read("policyKeys", as: "files, separated by commas", list),
            capacity: Capacity(cpu: cpu ?? measured.cpu, memory: memory ?? measured.memory),
            seal: values.read("seal", as: SealingChoice.expectation, SealingChoice.init) ?? .auto,
            sealBefore: values.read(
                "sealBefore", as: SealingChoice.expectation, SealingChoice.init),
            auditRecords: values.read("auditRecords", as: auditRange, recordCount) ?? 0,
            mesh: mesh, names: names)
        brake =
            values.read(
                "revocationShare", as: "a number from 0 to 100", RevocationBrake.init(share:))
            ?? RevocationBrake()
        join = JoinSettings(&values)
        frontBind = values.text("frontBind", as: "an address of this machine")
        try values.check()
    }

    /// The first label of the host's name, where it can name a node.
    private static var hostName: NodeID? {
        let name = ProcessInfo.processInfo.hostName.lowercased().split(separator: ".").first
        return name.flatMap { isDNSLabel(String($0)) ? NodeID(String($0)) : nil }
    }
}

extension RevocationBrake {
    fileprivate init?(share text: String) {
        guard let percent = Int(text), (0...100).contains(percent) else { return nil }
        self.init(percent: percent)
    }
}

extension JoinSettings {
    /// Nil where the machine is not to ask.
    fileprivate init?(_ values: inout SettingValues) {
        guard let hub = values["join"] else { return nil }
        let site = values.required("site", with: "join", as: "a name (a-z, 0-9 and hyphens)") {
            isDNSLabel($0) ? SiteID($0) : nil
        }
        let authority = values.required(
            "authority", with: "join", as: "a file, or sha256: and 64 hexadecimal digits"
        ) { $0.isEmpty ? nil : $0 }
        guard let site, let authority else { return nil }
        self.init(hub: hub, site: site, authority: authority)
    }
}

private func address(_ text: String) -> String? {
    var bytes = in6_addr()
    let isAddress = inet_pton(AF_INET, text, &bytes) == 1 || inet_pton(AF_INET6, text, &bytes) == 1
    return isAddress || text == "localhost" ? text : nil
}

private let auditRange = "a number of records from 1000 to 10000000"

private func recordCount(_ text: String) -> Int? {
    Int(text).flatMap { (1_000...10_000_000).contains($0) ? $0 : nil }
}

private func list(_ text: String) -> [String]? {
    let words = text.split(separator: ",", omittingEmptySubsequences: false)
        .map { $0.trimmingCharacters(in: .whitespaces) }
    return words.contains("") ? nil : words
}

private func port(_ text: String) -> Int? {
    Int(text).flatMap { (0...65_535).contains($0) ? $0 : nil }
}

private func range(_ text: String) -> ClosedRange<Int>? {
    let ends = text.split(separator: "-").compactMap { port(String($0)) }
    guard ends.count == 2, ends[0] > 0, ends[0] <= ends[1] else { return nil }
    return ends[0]...ends[1]
}
