import Foundation
import Glibc
import Testing

/// What a thief of a disk finds (A16).
extension EndToEndTests {
    @Test func `a sealed hub and node leave no key, token or Secret on disk or in a log`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            let token = try await stage.token()
            try await stage.startAgent("node-1", token: token)
            try await stage.ready("node/node-1")
            try await stage.openAgent("node-2")
            let pairs = stage.directory + "/node-1/identity/pair.keys"
            try await eventually("the nodes to have keys") {
                FileManager.default.fileExists(atPath: pairs)
            }
            let secrets = try keys(in: stage.directory) + [Needle("token", text: token)]
            #expect(Set(secrets.map(\.name)).count >= 9)
            // The search is able to find: plain, all but the token lie there.
            for secret in secrets where secret.name != "token" {
                #expect(try !stage.disk().filter(secret.isIn).isEmpty, "\(secret.name)")
            }

            let passphrase = stage.directory + "/passphrase"
            try Data("six random words are good".utf8).write(to: URL(fileURLWithPath: passphrase))
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: passphrase)
            stage.variables["SKERRY_SEAL"] = "passphrase:" + passphrase
            for agent in stage.agents.values { try await agent.crash() }
            try await stage.hub?.crash()
            // A person's copies, as no client reads what is sealed.
            let words = [
                "hub", "init", "--state", stage.directory + "/hub", "--management-port",
                "\(stage.ports.lowerBound)",
            ]
            #expect(try await stage.skerry(words).code == 0)
            try await stage.startHub()
            for node in ["node-1", "node-2"] { try await stage.startAgent(node) }
            for node in ["node-1", "node-2"] { try await stage.ready("node/" + node) }
            let status = try await stage.skerry("status")
            #expect(status.text.contains("sealed, by 'passphrase'"))
            #expect(
                try await stage.skerry("status", on: "node-1").text
                    .contains("sealed, by 'passphrase'"))
            for agent in stage.agents.values { try await agent.crash() }
            try await stage.hub?.crash()

            for secret in secrets {
                #expect(try stage.disk().filter(secret.isIn) == [], "\(secret.name)")
            }
        }
    }

    @Test func `a power cut while a node's keys are sealed loses none of them`() async throws {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.agents["node-1"]?.crash()
            let passphrase = stage.directory + "/passphrase"
            try Data("six random words are good".utf8).write(to: URL(fileURLWithPath: passphrase))
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o600], ofItemAtPath: passphrase)
            stage.variables["SKERRY_SEAL"] = "passphrase:" + passphrase
            // Each goes one step further than the one before.
            for failpoint in ["seal.key.after", "seal.file.before", "seal.file.after"] {
                let program = try await stage.startAgent(failpoint: failpoint)
                #expect(try await program.ended() == SIGKILL, "\(failpoint)")
            }
            try await stage.startAgent()
            try await stage.ready("node/node-1")
        }
    }

    /// Everything secret that lies under `directory` in plain, found by where it lies.
    private func keys(in directory: String) throws -> [Needle] {
        func text(_ path: String) throws -> String {
            try String(contentsOfFile: directory + "/" + path, encoding: .utf8)
        }
        var found: [Needle] = []
        for path in [
            "hub/identity/root.pem", "hub/identity/issuing.pem", "hub/operator/operator.key",
            "node-1/identity/node.key", "node-1/identity/authority.json",
        ] {
            found.append(try Needle(path, pem: try text(path)))
        }
        let lines = try [
            "hub/identity/day-masters", "hub/identity/token.key", "hub/operator/policy.key",
            "hub/audit.key", "node-1/audit.key", "node-1/identity/pair.keys",
        ].map(text).joined()
        for (index, line) in lines.split(separator: "\n").enumerated() {
            let word = line.split(separator: " ").last ?? ""
            if word.count == 64 { found.append(try Needle("line \(index)", hexadecimal: word)) }
        }
        return found
    }
}

extension Stage {
    /// What stays when everything is switched off: state directories and the logs of daemons, not what
    /// clients were told.
    func disk() throws -> [File] {
        let files = try FileManager.default.subpathsOfDirectory(atPath: directory)
        return files.filter { name in
            let isState = ["hub/", "node-1/", "node-2/"].contains { name.hasPrefix($0) }
            return isState || name.hasSuffix(".hub.err") || name.hasSuffix(".agent.err")
        }.compactMap { name in
            FileManager.default.contents(atPath: directory + "/" + name)
                .map { File(name: name, content: $0) }
        }
    }
}

struct File: Equatable, CustomStringConvertible {
    let name: String
    let content: Data
    var description: String { name }
}

/// Something secret, in the forms in which it may lie about.
struct Needle {
    let name: String
    private let forms: [Data]

    init(_ name: String, text: String) {
        self.name = name
        forms = Needle.forms(of: Data(text.utf8))
    }

    init(_ name: String, bytes: Data) {
        self.name = name
        forms = Needle.forms(of: bytes)
    }

    init(_ name: String, hexadecimal: Substring) throws {
        var bytes: [UInt8] = []
        var rest = hexadecimal
        while !rest.isEmpty {
            bytes.append(try #require(UInt8(rest.prefix(2), radix: 16)))
            rest = rest.dropFirst(2)
        }
        self.init(name, bytes: Data(bytes))
    }

    /// The scalar of the first P-256 key in PKCS #8, and the line of the PEM that holds most of it.
    init(_ name: String, pem: String) throws {
        let text = pem.replacingOccurrences(of: "\\n", with: "\n")
        let begin = try #require(text.range(of: "-----BEGIN PRIVATE KEY-----\n"))
        let lines = text[begin.upperBound...].split(separator: "\n")
        let body = lines.prefix { !$0.hasPrefix("-----") }
        let der = try #require(Data(base64Encoded: body.joined()))
        self.name = name
        forms = Needle.forms(of: der.subdata(in: 36..<68)) + [Data(body[body.startIndex + 1].utf8)]
    }

    /// As they are, in hexadecimal, and in Base64 wherever they begin in a longer text.
    private static func forms(of bytes: Data) -> [Data] {
        let hexadecimal = bytes.map { String(format: "%02x", $0) }.joined()
        let shifted = (0..<3).map { shift -> Data in
            let text = (Data(count: shift) + bytes).base64EncodedString()
            // Whole groups that hold nothing but these bytes.
            return Data(text.dropFirst(shift == 0 ? 0 : 4).prefix((bytes.count - 3) / 3 * 4).utf8)
        }
        return [bytes, Data(hexadecimal.utf8), Data(hexadecimal.uppercased().utf8)] + shifted
    }

    func isIn(_ file: File) -> Bool {
        forms.contains { file.content.range(of: $0) != nil }
    }
}
