import Foundation
import Glibc
import Testing

extension EndToEndTests {
    @Test
    func `a Secret reaches its workload as variable and file, without a hub too, and lies nowhere`()
        async throws
    {
        try await Stage.with { stage in
            let passphrase = stage.directory + "/passphrase"
            try Data("six random words are good".utf8).write(to: URL(fileURLWithPath: passphrase))
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: passphrase)
            stage.variables["SKERRY_SEAL"] = "passphrase:" + passphrase
            try await stage.openHub()
            try await stage.openAgent("node-1")
            try await stage.apply(Self.secret("correct horse battery") + Self.reader)
            try await stage.ready("workload/reader")
            #expect(try stage.read() == ["correct horse battery", "correct horse battery"])
            try stage.checkIdentity()

            // Nobody is shown it, and where a Secret is named nothing else is sent.
            let shown = try await stage.skerry("get secrets -o yaml")
            #expect(shown.code == 0 && shown.text.contains("password"))
            #expect(!shown.text.contains("correct horse"))
            #expect(try await stage.skerry("get secrets", on: "node-1").text.contains("login"))

            // What runs gets a new value by a restart; what it is does not change otherwise.
            let first = try stage.workloadProcesses().map(\.id)
            try await stage.apply(Self.secret("correct horse battery") + Self.reader)
            try await stage.apply(Self.secret("another staple altogether"))
            try await eventually("the reader to have the new value") {
                try stage.read() == ["another staple altogether", "another staple altogether"]
            }
            #expect(try stage.workloadProcesses().map(\.id) != first)

            // Power off, and no hub when it is back.
            try await stage.hub?.crash()
            try await stage.agents["node-1"]?.crash()
            for process in try stage.workloadProcesses() { kill(process.id, SIGKILL) }
            try await eventually("the reader to be gone") {
                try stage.workloadProcesses().isEmpty
            }
            try await stage.startAgent("node-1")
            try await eventually("the reader to run again") {
                try stage.read() == ["another staple altogether", "another staple altogether"]
            }
            try await stage.agents["node-1"]?.crash()
            for text in ["correct horse battery", "another staple altogether"] {
                let needle = Needle("value", text: text)
                #expect(try stage.disk().filter(needle.isIn) == [])
            }

            // It is taken from the node when nobody there names it any more.
            try await stage.startHub()
            try await stage.startAgent("node-1")
            try await stage.ready("node/node-1")
            #expect(try await stage.skerry("delete workload reader").code == 0)
            try await eventually("the node to forget it") {
                try await stage.skerry("get secrets -o name", on: "node-1").text == ""
            }
            try await eventually("its files to be gone") { try stage.secretFiles().isEmpty }
        }
    }

    private static func secret(_ value: String) -> String {
        """
        apiVersion: skerry.dev/v1
        kind: Secret
        metadata: {name: login}
        stringData: {password: "\(value)"}
        ---

        """
    }

    private static let reader = """
        apiVersion: skerry.dev/v1
        kind: Workload
        metadata: {name: reader}
        spec:
          tier: 1
          replicas: perNode
          stopGrace: 1s
          containers:
            - name: main
              command: [sleep, "86399"]
              secretEnv: {PASSWORD: login/password}
              secretFiles: [{secret: login}]
        """
}

extension Stage {
    /// The value as the one process of a workload has it: its variable, and its file.
    fileprivate func read() throws -> [String] {
        let processes = try workloadProcesses()
        guard processes.count == 1 else { return [] }
        let variables = try environment(of: processes[0].id)
        guard let password = variables["PASSWORD"], let directory = variables["SKERRY_SECRETS"]
        else { return [] }
        let file = directory + "/login/password"
        return [password, try String(contentsOfFile: file, encoding: .utf8)]
    }

    /// A workload is given who it is, in memory, and nothing of it reaches a disk.
    fileprivate func checkIdentity() throws {
        let process = try #require(try workloadProcesses().first)
        let directory = try #require(try environment(of: process.id)["SKERRY_IDENTITY"])
        for name in ["cert.pem", "key.pem", "bundle.pem", "identity.pem"] {
            let text = try String(contentsOfFile: directory + "/" + name, encoding: .utf8)
            #expect(text.contains("-----BEGIN"), "\(name)")
        }
        let key = try String(contentsOfFile: directory + "/key.pem", encoding: .utf8)
        let needle = try Needle("a workload's key", pem: key)
        #expect(try disk().filter(needle.isIn) == [])
    }

    fileprivate func secretFiles() throws -> [String] {
        let processes = try workloadProcesses()
        return try processes.compactMap { try environment(of: $0.id)["SKERRY_SECRETS"] }
            .filter { FileManager.default.fileExists(atPath: $0) }
    }

    private func environment(of process: Int32) throws -> [String: String] {
        let data = FileManager.default.contents(atPath: "/proc/\(process)/environ") ?? Data()
        var variables: [String: String] = [:]
        for word in data.split(separator: 0) {
            let parts = String(decoding: word, as: UTF8.self).split(separator: "=", maxSplits: 1)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        }
        return variables
    }
}
