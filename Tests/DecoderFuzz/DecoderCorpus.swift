import Foundation
import Membership
import Model
import Transport
import Trust

/// One true example or more for each reader, and the keys by which they were made. Kept as files, so that
/// a run of today and one of next year begin with the same bytes.
package struct DecoderCorpus: Sendable {
    package enum Reader: String, CaseIterable, Sendable {
        case nodeMessage, hubMessage, bundle, revocations, roster, secret, joinToken, nameQuery
        case bulk

        /// How much of a run it gets: what checks signatures takes a hundred times as long.
        var weight: Int {
            switch self {
            case .nodeMessage, .hubMessage, .bundle: 20
            case .secret: 4
            case .revocations, .roster: 2
            case .joinToken: 10
            case .nameQuery, .bulk: 30
            }
        }
    }

    package struct Keys: Codable, Sendable {
        var roots: String
        var policyKey: String
        var secretsKey: [UInt8]
        var secretName: String
        var time: WallTime
    }

    package let keys: Keys
    package let examples: [Reader: [[UInt8]]]

    /// Reads what lies in a directory.
    package init(in directory: String) throws {
        let files = FileManager.default
        keys = try JSONDecoder().decode(
            Keys.self, from: Data(contentsOf: URL(fileURLWithPath: directory + "/keys.json")))
        var examples: [Reader: [[UInt8]]] = [:]
        for reader in Reader.allCases {
            let place = directory + "/" + reader.rawValue
            examples[reader] = try files.contentsOfDirectory(atPath: place).sorted().map {
                Array(try Data(contentsOf: URL(fileURLWithPath: place + "/" + $0)))
            }
        }
        self.examples = examples
    }

    /// Makes a corpus with new keys, which open nothing but what lies beside them.
    package static func write(to directory: String) throws {
        let time = WallTime(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        let root = try RootAuthority(name: "fuzz", validity: .seconds(864_000), now: time)
        let issuing = try root.issueIssuing(name: "fuzz", validity: .seconds(432_000), now: time)
        let signer = try SigningKey(
            role: TrustedKey.policyRole, seed: [UInt8](repeating: 7, count: 32))
        let secrets = SecretsKey()
        let name = "login 00ff"
        let keys = Keys(
            roots: try root.trustRoots, policyKey: signer.trusted.text,
            secretsKey: secrets.bytes, secretName: name, time: time)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        try encoder.encode(keys).write(to: URL(fileURLWithPath: directory + "/keys.json"))
        let messages = Messages(time: time, issuing: issuing, root: try root.trustRoots)
        let examples: [Reader: [[UInt8]]] = [
            .nodeMessage: try messages.ofNodes.map { Array(try encoder.encode($0)) },
            .hubMessage: try messages.ofHubs.map { Array(try encoder.encode($0)) },
            .bundle: [try signer.sign(messages.policy).bytes],
            .revocations: [Array(try encoder.encode(try messages.revocations()))],
            .roster: [Array(try encoder.encode(try issuing.sign(messages.roster)))],
            .secret: [
                try SecretsKey.seal(Array("a word".utf8), as: name, for: secrets.publicKey)
            ],
            .joinToken: [
                Array(JoinTokenText(hub: "127.0.0.1:8443", authority: [1, 2, 3]).text.utf8)
            ],
            .nameQuery: [
                [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 4] + Array("shop".utf8) + [5]
                    + Array("urban".utf8) + [6] + Array("skerry".utf8) + [0, 0, 1, 0, 1]
            ],
            .bulk: [DecoderCorpus.piece],
        ]
        for (reader, all) in examples {
            let place = directory + "/" + reader.rawValue
            try FileManager.default.createDirectory(
                atPath: place, withIntermediateDirectories: true)
            for (index, bytes) in all.enumerated() {
                try Data(bytes).write(to: URL(fileURLWithPath: "\(place)/\(index)"))
            }
        }
    }

    /// The first piece of some content, as its sender makes it.
    private static var piece: [UInt8] {
        var sender = BulkSender(
            id: 5, content: [UInt8](repeating: 3, count: 3_000), bytesPerSecond: 1_000_000,
            loss: 0.1, at: .seconds(0))
        guard case .send(let bytes) = sender.step(at: .seconds(0)) else { return [] }
        return bytes
    }
}
