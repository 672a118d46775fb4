import Foundation
import Membership
import Model
import Transport
import Trust

/// Throws at every reader of what comes from outside true examples that were changed in drawn ways. None may
/// crash, and nothing signed or sealed may be taken that is not what was signed or sealed.
package struct DecoderFuzzer {
    /// How many were read, of how many.
    package private(set) var tallies: [DecoderCorpus.Reader: (runs: Int, read: Int)] = [:]

    private let corpus: DecoderCorpus
    private let trusted: TrustedKey
    private let secrets: SecretsKey
    private var random: Random
    private let lots: [DecoderCorpus.Reader]

    package init(_ corpus: DecoderCorpus, seed: UInt64) throws {
        self.corpus = corpus
        trusted = try TrustedKey(text: corpus.keys.policyKey)
        secrets = try SecretsKey(bytes: corpus.keys.secretsKey)
        random = Random(seed: seed)
        lots = DecoderCorpus.Reader.allCases.flatMap { reader in
            [DecoderCorpus.Reader](repeating: reader, count: reader.weight)
        }
    }

    /// Nil, or what was taken and should not have been.
    package mutating func run(_ count: Int) async throws -> String? {
        for _ in 0..<count {
            let reader = lots[Int.random(in: 0..<lots.count, using: &random)]
            let examples = corpus.examples[reader] ?? []
            guard !examples.isEmpty else { return "there is no example of \(reader)" }
            let example = examples[Int.random(in: 0..<examples.count, using: &random)]
            let bytes = changed(example, others: examples)
            var tally = tallies[reader] ?? (0, 0)
            tally.runs += 1
            let taken = try await read(bytes, with: reader, from: example)
            if taken != .refused { tally.read += 1 }
            tallies[reader] = tally
            if taken == .wrongly {
                return "\(reader): \(hexadecimal(bytes))"
            }
        }
        return nil
    }

    /// Which examples are not taken even as they are; a run with those would say nothing.
    package func refusedExamples() async throws -> [String] {
        var refused: [String] = []
        for (reader, examples) in corpus.examples {
            for (index, example) in examples.enumerated()
            where try await read(example, with: reader, from: example) != .rightly {
                refused.append("\(reader)/\(index)")
            }
        }
        return refused.sorted()
    }

    private enum Outcome { case refused, rightly, wrongly }

    private func read(
        _ bytes: [UInt8], with reader: DecoderCorpus.Reader, from example: [UInt8]
    ) async throws -> Outcome {
        switch reader {
        case .nodeMessage: try reread(NodeMessage.self, bytes)
        case .hubMessage: try reread(HubMessage.self, bytes)
        case .bundle: bundle(bytes, example)
        case .revocations: try await revocations(bytes, example)
        case .roster: try roster(bytes, example)
        case .secret: secret(bytes, example)
        case .joinToken: joinToken(bytes, example)
        case .nameQuery: NameQuery(bytes) == nil ? .refused : .rightly
        case .bulk: bulk(bytes)
        }
    }

    /// What is read means the same when it is written and read again.
    private func reread<Message: Codable & Equatable>(
        _ type: Message.Type, _ bytes: [UInt8]
    ) throws -> Outcome {
        let message: Message
        do { message = try JSONDecoder().decode(type, from: Data(bytes)) } catch { return .refused }
        let again = try JSONDecoder().decode(type, from: JSONEncoder().encode(message))
        return again == message ? .rightly : .wrongly
    }

    private func bundle(_ bytes: [UInt8], _ example: [UInt8]) -> Outcome {
        guard let bundle = PolicyBundle(bytes: bytes) else { return .refused }
        do {
            _ = try bundle.admitted(
                to: .reader, trusting: [trusted], holding: { _ in nil }, at: corpus.keys.time)
        } catch {
            return .refused
        }
        return bytes == example ? .rightly : .wrongly
    }

    private func revocations(_ bytes: [UInt8], _ example: [UInt8]) async throws -> Outcome {
        let list: RevocationList
        do { list = try JSONDecoder().decode(RevocationList.self, from: Data(bytes)) } catch {
            return .refused
        }
        let objection = await list.objection(
            trusting: corpus.keys.roots, at: corpus.keys.time)
        guard objection == nil else { return .refused }
        let signed = try JSONDecoder().decode(RevocationList.self, from: Data(example))
        // White space in PEM is nobody's; all else is signed.
        var (left, right) = (list, signed)
        left.certificateChain = ""
        right.certificateChain = ""
        return left == right ? .rightly : .wrongly
    }

    private func roster(_ bytes: [UInt8], _ example: [UInt8]) throws -> Outcome {
        let roster: Roster
        do {
            roster = try JSONDecoder().decode(SignedRoster.self, from: Data(bytes))
                .opened(trusting: corpus.keys.roots)
        } catch {
            return .refused
        }
        let signed = try JSONDecoder().decode(SignedRoster.self, from: Data(example))
        return Roster(lines: signed.lines) == roster ? .rightly : .wrongly
    }

    private func secret(_ bytes: [UInt8], _ example: [UInt8]) -> Outcome {
        do { _ = try secrets.open(bytes, as: corpus.keys.secretName) } catch { return .refused }
        return bytes == example ? .rightly : .wrongly
    }

    private func joinToken(_ bytes: [UInt8], _ example: [UInt8]) -> Outcome {
        let text = String(decoding: bytes, as: UTF8.self)
        do {
            let token = try JoinTokenText(text: text)
            let first = try JoinTokenText(text: String(decoding: example, as: UTF8.self))
            return token == first ? .rightly : .wrongly
        } catch {
            return .refused
        }
    }

    private func bulk(_ bytes: [UInt8]) -> Outcome {
        do throws(FrameError) {
            var receiver = try BulkReceiver(bytes)
            try receiver.receive(bytes)
            return .rightly
        } catch {
            return .refused
        }
    }

    // MARK: - Changes

    private mutating func changed(_ example: [UInt8], others: [[UInt8]]) -> [UInt8] {
        var bytes = example
        for _ in 0..<Int.random(in: 1...4, using: &random) { change(&bytes, others) }
        return bytes
    }

    private mutating func change(_ bytes: inout [UInt8], _ others: [[UInt8]]) {
        guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &random)) }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 1...16, using: &random))
        switch Int.random(in: 0..<8, using: &random) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 4: bytes.removeSubrange(place...)
        case 5: bytes.replaceSubrange(place..<end, with: word())
        case 6: bytes.insert(contentsOf: word(), at: place)
        default:
            let other = others[Int.random(in: 0..<others.count, using: &random)]
            bytes.replaceSubrange(place..., with: other.suffix(max(0, other.count - place)))
        }
    }

    /// What readers trip over.
    private mutating func word() -> [UInt8] {
        let words = [
            "0", "-1", "9223372036854775808", "1e400", "null", "{}", "[]", "\"\"", "\u{0}",
            "\\ud800", "\n", "{\"a\":", "true", "-----BEGIN CERTIFICATE-----", "=", ".",
        ]
        return Array(words[Int.random(in: 0..<words.count, using: &random)].utf8)
    }
}
