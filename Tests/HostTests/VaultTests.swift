import Foundation
import Glibc
import Host
import Model
import Testing
import Trust

@Suite struct VaultTests {
    private let scratch: Scratch
    private var state: String { scratch.path + "/state" }
    private var keyFile: String { state + "/identity/node.key" }

    init() throws {
        scratch = try Scratch()
        try PrivateFile.makeDirectory(scratch.path + "/state/identity")
    }

    private func passphrase(_ text: String, _ name: String = "passphrase") throws -> SealingChoice {
        let path = scratch.path + "/" + name
        try PrivateFile.write(text, to: path)
        return .passphrase(file: path)
    }

    private func open(
        _ choice: SealingChoice, before: SealingChoice? = nil
    ) throws -> (vault: Vault, lines: [String]) {
        var lines: [String] = []
        let vault = try Vault(state, choice, before) { lines.append($0) }
        return (vault, lines)
    }

    private func everything() throws -> [(name: String, text: String)] {
        try FileManager.default.subpathsOfDirectory(atPath: state).sorted().compactMap {
            let path = state + "/" + $0
            guard let data = FileManager.default.contents(atPath: path) else { return nil }
            return ($0, String(decoding: data, as: UTF8.self))
        }
    }

    @Test func `what is sealed is read back, and its file tells nothing`() throws {
        let choice = try passphrase("six random words are good\n")
        try open(choice).vault.write("the private key", to: keyFile)

        #expect(try open(choice).vault.read(keyFile) == "the private key")
        for (name, text) in try everything() {
            #expect(!text.contains("private key"), "\(name)")
            #expect(!text.contains(hexadecimal(Array("private key".utf8))), "\(name)")
            let mode = try FileManager.default.attributesOfItem(atPath: state + "/" + name)
            guard mode[.type] as? FileAttributeType == .typeRegular else { continue }
            #expect(mode[.posixPermissions] as? Int == 0o600, "\(name)")
        }
    }

    @Test func `plain files are taken over at the first start, and drafts of them are removed`()
        throws
    {
        try PrivateFile.write("the device key", to: keyFile)
        try PrivateFile.write("half of the dev", to: state + "/identity/authority.json.new")
        try PrivateFile.write("the dev", to: state + "/identity/root.pem.\(UUID().uuidString)")
        let (vault, lines) = try open(try passphrase("six random words are good"))

        #expect(try vault.read(keyFile) == "the device key")
        #expect(lines.count == 1 && lines[0].contains("identity/node.key"))
        #expect(try everything().map(\.name) == ["identity/node.key", "identity/sealing"])
        #expect(try everything().allSatisfy { !$0.text.contains("device") })
        #expect(try open(try passphrase("six random words are good")).lines.isEmpty)
    }

    @Test func `another passphrase, or none, opens nothing and changes nothing`() throws {
        try open(try passphrase("six random words are good")).vault
            .write("the private key", to: keyFile)
        let before = try everything().map(\.text)
        #expect(throws: HostError.self) {
            try open(try passphrase("six other words are bad", "other"))
        }
        #expect(throws: HostError.self) { try open(.auto) }
        #expect(throws: HostError.self) { try open(.nothing) }
        #expect(try everything().map(\.text) == before)
    }

    @Test func `one sealed file cannot stand in the place of another`() throws {
        let vault = try open(try passphrase("six random words are good")).vault
        try vault.write("the private key", to: keyFile)
        let other = state + "/identity/authority.json"
        try PrivateFile.write(try #require(try PrivateFile.read(keyFile)), to: other)
        #expect(throws: HostError.self) { try vault.read(other) }
        let text = try #require(try PrivateFile.read(keyFile))
        let last = text.dropLast(2)
        for digit in ["0", "1"] where !text.hasSuffix(digit + "\n") {
            try PrivateFile.write(last + digit + "\n", to: keyFile)
            #expect(throws: HostError.self) { try vault.read(keyFile) }
        }
    }

    @Test func `the source changes over once both are named, and the files stay as they are`()
        throws
    {
        let old = try passphrase("six random words are good", "old")
        let new = try passphrase("and these are six others", "new")
        try open(old).vault.write("the private key", to: keyFile)
        let sealed = try PrivateFile.read(keyFile)
        #expect(throws: HostError.self) { try open(new) }

        #expect(try open(new, before: old).lines.count == 1)
        #expect(try open(new).vault.read(keyFile) == "the private key")
        #expect(try PrivateFile.read(keyFile) == sealed)
        #expect(throws: HostError.self) { try open(old) }
    }

    @Test func `a passphrase is refused that is short, readable by others or beside what it seals`()
        throws
    {
        #expect(throws: HostError.self) { try open(try passphrase("short")) }
        _ = try passphrase("six random words are good")
        #expect(chmod(scratch.path + "/passphrase", 0o640) == 0)
        #expect(throws: HostError.self) {
            try open(.passphrase(file: scratch.path + "/passphrase"))
        }
        try PrivateFile.write("six random words are good", to: state + "/passphrase")
        #expect(throws: HostError.self) { try open(.passphrase(file: state + "/passphrase")) }
        #expect(throws: HostError.self) {
            try open(.passphrase(file: scratch.path + "/state/../state/passphrase"))
        }
    }

    @Test func `a systemd credential seals, and auto takes the one of the usual name`() throws {
        let directory = scratch.path + "/credentials"
        try PrivateFile.makeDirectory(directory)
        #expect(try SealingChoice.auto.source(keeping: state, credentials: directory) == nil)
        try PrivateFile.write(
            String(repeating: "e", count: 32), to: directory + "/skerry-sealing")
        let source = try #require(
            try SealingChoice.auto.source(keeping: state, credentials: directory))
        #expect(source.name == "systemd")
        try Vault(state, source: source) { _ in }.write("the private key", to: keyFile)
        let named = try SealingChoice.credential("skerry-sealing")
            .source(keeping: state, credentials: directory)
        #expect(try Vault(state, source: named) { _ in }.read(keyFile) == "the private key")
        #expect(throws: HostError.self) {
            try SealingChoice.credential("x").source(keeping: state, credentials: nil)
        }
    }

    @Test func `a chip holds the key as well, and another machine's chip opens nothing`() throws {
        let chip = SoftwareChip()
        try Vault(state, source: chip) { _ in }.write("the private key", to: keyFile)
        #expect(try Vault(state, source: chip) { _ in }.read(keyFile) == "the private key")
        #expect(throws: HostError.self) { try Vault(state, source: SoftwareChip()) { _ in } }
    }

    @Test func `a daemon leaves no core`() {
        CoreDumps.turnOff { Issue.record("\($0)") }
        #expect(CoreDumps.areOff)
    }

    @Test func `a workload's certificate is renewed at two thirds, give or take a tenth of that`() {
        let begin = WallTime(milliseconds: 1_760_000_000_000)
        for (draw, due) in [(0.0, 540), (0.5, 600), (1.0, 660)] as [(Double, Int)] {
            let date = RenewalDate(issuedAt: begin, end: begin + .seconds(900), draw: draw)
            #expect(!date.isDue(at: begin))
            #expect(!date.isDue(at: begin + .seconds(due - 1)))
            #expect(date.isDue(at: begin + .seconds(due + 1)))
            // The clock was ahead when it was issued.
            #expect(date.isDue(at: begin + .seconds(-3600)))
        }
    }

    @Test func `words that name no source are refused`() {
        for text in ["", "tpm", "systemd:", "systemd:a/b", "passphrase", "passphrase:", "none:x"] {
            #expect(SealingChoice(text) == nil, "\(text)")
        }
        #expect(SealingChoice("systemd") == .credential("skerry-sealing"))
    }
}

/// Stands for a TPM: what it wraps comes out of the very same one alone, and the disk has a handle.
private struct SoftwareChip: SealingSource {
    private let inside: SealingKey
    var name: String { "tpm" }

    init() {
        // 32 bytes are a key.
        inside = SealingKey((0..<32).map { _ in UInt8.random(in: .min ... .max) })!
    }

    func wrap(_ key: SealingKey) throws(HostError) -> [String] {
        do {
            let nonce = (0..<12).map { _ in UInt8.random(in: .min ... .max) }
            return ["blob " + hexadecimal(try inside.seal(key.bytes, as: "blob", nonce: nonce))]
        } catch {
            throw .identity("\(error)")
        }
    }

    func unwrap(_ lines: [String]) throws(HostError) -> SealingKey {
        do {
            let box = bytes(hexadecimal: lines[0].dropFirst("blob ".count)) ?? []
            guard let key = SealingKey(try inside.open(box, as: "blob")) else {
                throw SealingFault.notSealedHere
            }
            return key
        } catch {
            throw .identity("the chip refuses: \(error)")
        }
    }
}
