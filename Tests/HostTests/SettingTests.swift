import Foundation
import Host
import Model
import Testing

@Suite struct SettingTests {
    private let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// What `name` is where each of the sources says what it was given here.
    private func name(
        flag: String? = nil, environment: String? = nil, file: String? = nil
    ) throws -> String? {
        let path = try file.map { try scratch.file("hub.yaml", holding: "name: \($0)\n") }
        return try SettingValues(
            Setting.hub, flags: flag.map { ["name": $0] } ?? [:],
            environment: environment.map { ["SKERRY_NAME": $0] } ?? [:], file: path)["name"]
    }

    @Test func `a flag beats the environment, that beats the file, and that the default`() throws {
        #expect(try name(flag: "a", environment: "b", file: "c") == "a")
        #expect(try name(environment: "b", file: "c") == "b")
        #expect(try name(file: "c") == "c")
        #expect(try name() == "hub")
    }

    @Test func `a variable set to nothing counts as not set`() throws {
        #expect(try name(environment: "", file: "c") == "c")
    }

    @Test func `flags are read with a space and with an equals sign`() throws {
        let given = try Setting.given(
            in: ["--state", "/a", "--name=x=y", "--config=/c", "--advertise="], of: Setting.hub)
        #expect(given.flags == ["state": "/a", "name": "x=y", "advertise": ""])
        #expect(given.file == "/c")
    }

    @Test func `every wrong flag is told at once, with the one that was meant`() {
        #expect(
            throws: HostError.settings([
                "there is no option '--managment-port'; did you mean '--management-port'?",
                "there is no option 'extra'; see --help",
                "--state takes a value: --state VALUE",
            ])
        ) {
            try Setting.given(
                in: ["--managment-port", "7440", "extra", "--state", "--name", "x"],
                of: Setting.hub)
        }
    }

    @Test func `every wrong value is told at once`() {
        let error = #expect(throws: HostError.self) {
            try HubSettings(
                SettingValues(
                    Setting.hub,
                    flags: [
                        "state": "", "bind": "nowhere", "advertise": "a,,b",
                        "managementPort": "70000", "controlPort": "-1", "enrolmentPort": "7442",
                    ], environment: [:], file: nil))
        }
        guard case .settings(let lines)? = error else { return }
        #expect(lines.count == 5)
    }

    @Test(arguments: ["5", "1-2-3", "300-200", "0-10", "1-70000", "a-b", ""])
    func `what is no range of ports is refused`(_ text: String) {
        #expect(throws: HostError.self) {
            try AgentSettings(
                SettingValues(
                    Setting.agent, flags: ["ports": text], environment: [:], file: nil))
        }
    }

    @Test func `a file with mistakes names each with its line`() throws {
        let path = try scratch.file(
            "agent.yaml", holding: "state: /a\nnoed: b\nengine: [auto]\n")
        #expect(
            throws: HostError.settings([
                "\(path):2: there is no setting 'noed'; did you mean 'node'?",
                "\(path):3: 'engine' takes one value",
            ])
        ) {
            try SettingValues(Setting.agent, flags: [:], environment: [:], file: path)
        }
    }

    @Test(arguments: ["a: [\n", "- a\n", "name: a\nname: b\n", "{"])
    func `a file that is no list of settings is refused in one line`(_ text: String) throws {
        let path = try scratch.file("hub.yaml", holding: text)
        let error = #expect(throws: HostError.self) {
            try SettingValues(Setting.hub, flags: [:], environment: [:], file: path)
        }
        guard case .settings(let lines)? = error else {
            Issue.record("\(String(describing: error)) is no mistake in settings")
            return
        }
        #expect(lines.count == 1 && !lines[0].contains("\n") && lines[0].hasPrefix(path))
    }

    @Test func `a configuration that is named but missing is not passed over`() {
        #expect(throws: HostError.self) {
            try SettingValues(
                Setting.hub, flags: [:], environment: [:], file: scratch.path + "/none.yaml")
        }
    }

    @Test func `the documentation shows the tables as the program has them`() throws {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let page = try String(
            contentsOf: root.appendingPathComponent("docs/settings.md"), encoding: .utf8)
        for settings in [Setting.hub, Setting.agent] {
            let table = Setting.table(settings)
            #expect(page.contains(table), "put this into docs/settings.md:\n\(table)")
        }
    }
}
