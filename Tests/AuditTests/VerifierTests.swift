import Audit
import Foundation
import Model
import Testing

@Suite struct VerifierTests {
    @Test func `a log that nobody touched has no fault`() {
        for count in [1, 15, 16, 17, 100] { #expect(Kept(count).verdict() == nil) }
    }

    @Test func `each of a hundred random edits, removals and reorderings is named`() {
        var random = Random(seed: 11)
        for round in 0..<120 {
            var kept = Kept(80)
            let position = Int.random(in: 0..<80, using: &random)
            let index = UInt64(position + 1)
            let kinds: [AuditFault.Kind]
            var first = index
            switch round % 6 {
            case 0:
                let place = Int.random(in: 0..<kept.rows[position].text.count, using: &random)
                kept.rows[position].text[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                kinds = [.edited, .removed]
            case 1:
                kept.rows[position].text = Array(
                    String(decoding: kept.rows[position].text, as: UTF8.self)
                        .replacing("user/ann", with: "user/eve").utf8)
                kinds = [.edited]
            case 2:
                kept.rows.remove(at: position)
                kinds = position == 79 ? [.truncated] : [.removed]
            case 3:
                let other = (position + 1 + Int.random(in: 0..<79, using: &random)) % 80
                (kept.rows[position].text, kept.rows[other].text) =
                    (kept.rows[other].text, kept.rows[position].text)
                first = UInt64(min(position, other) + 1)
                kinds = [.reordered]
            case 4:
                let other = (position + 1 + Int.random(in: 0..<79, using: &random)) % 80
                (kept.rows[position].index, kept.rows[other].index) =
                    (kept.rows[other].index, kept.rows[position].index)
                first = UInt64(min(position, other) + 1)
                kinds = [.reordered]
            default:
                // With the numbers of all later rows closed up behind it.
                kept.rows.remove(at: position)
                for later in position..<kept.rows.count { kept.rows[later].index -= 1 }
                kinds = position == 79 ? [.truncated] : [.removed]
            }
            let fault = kept.verdict()
            #expect(
                fault?.index == first, "round \(round) at \(index): \(String(describing: fault))")
            #expect(
                fault.map { kinds.contains($0.kind) } == true,
                "round \(round) at \(index): \(String(describing: fault))")
        }
    }

    @Test func `an edit that takes its own hash along is named all the same`() {
        for position in [0, 4, 13, 17, 60] {
            var kept = Kept(80)
            var head = position == 0 ? AuditChain.origin(of: "n1") : kept.rows[position - 1].hash
            kept.rows[position].text = Array(
                String(decoding: kept.rows[position].text, as: UTF8.self)
                    .replacing("user/ann", with: "user/eve").utf8)
            head = AuditChain.next(head, kept.rows[position].text)
            kept.rows[position].hash = head
            #expect(kept.verdict()?.kind == .edited)
            #expect(kept.verdict()?.index == UInt64(position + 1))
        }
    }

    @Test func `history made anew is caught by the first checkpoint behind it`() {
        var kept = Kept(80)
        kept.rows[20].text = kept.rows[19].text
        kept.rehash(from: 20)
        #expect(kept.verdict()?.kind == .rewritten)
        #expect(kept.verdict()?.index == 17)
    }

    @Test func `a log cut short is told by its checkpoints`() {
        var kept = Kept(80)
        kept.rows.removeLast(30)
        #expect(
            kept.verdict()
                == AuditFault(
                    .truncated, at: 51,
                    "the log ends at record 50, and a checkpoint of 1970-01-01T00:01:04.000Z covers record 64"
                ))
        kept.checkpoints.removeLast(2)
        #expect(kept.verdict()?.kind == .unsigned)
        #expect(kept.verdict()?.index == 49)
    }

    @Test func `a checkpoint of another key or another log is a forgery`() {
        var kept = Kept(20)
        kept.checkpoints[1].head = kept.checkpoints[0].head
        #expect(kept.verdict()?.kind == .forged)
        #expect(Kept(20).verdict(key: AuditVerifyingKey(bytes: [1]))?.kind == .forged)
        var other = Kept(20)
        other.checkpoints[0] = Kept.key.checkpoint(
            of: AuditChain(of: "n2"), at: WallTime(milliseconds: 0))
        #expect(other.verdict()?.kind == .forged)
    }

    @Test func `a pruned log begins at its checkpoint, and only if it says so itself`() {
        var kept = Kept(80)
        kept.append(AuditVerifier.pruning(through: 32, by: "agent/n1"))
        kept.sign()
        kept.start = kept.checkpoints[1]
        kept.checkpoints.removeFirst(2)
        kept.rows.removeFirst(32)
        #expect(kept.verdict() == nil)

        var beheaded = Kept(80)
        beheaded.start = beheaded.checkpoints[1]
        beheaded.checkpoints.removeFirst(2)
        beheaded.rows.removeFirst(32)
        #expect(beheaded.verdict()?.kind == .removed)
        #expect(beheaded.verdict()?.index == 32)
    }
}

@Suite struct CanonicalTests {
    private let records = [
        AuditRecord(
            AuditAct(
                who: "user/\u{1}ünï\"\\\n\t\u{8}\u{c}\r\u{7f}\u{2028}", action: "exec",
                target: "Instance/a-0", decision: .deny, reasons: ["a", "b/\"c"], errors: ["e"],
                policies: [PolicyReference(name: "p", version: 3)], request: "r", approval: "x",
                note: "n"), index: 12, after: "0123456789abcdef",
            at: WallTime(milliseconds: 1_795_000_000_123), staleness: .stale,
            policyAge: .hours(4), mode: .offline),
        AuditRecord(
            AuditAct(who: "", action: "", target: ""), index: 1, after: "",
            at: WallTime(milliseconds: 0)),
    ]

    @Test func `the text is what a JSON coder with sorted keys writes, and reads back`() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for record in records {
            let text = record.canonical
            #expect(text == Array(try encoder.encode(record)))
            #expect(try JSONDecoder().decode(AuditRecord.self, from: Data(text)) == record)
            #expect(claimedIndex(of: text) == record.index)
        }
    }

    @Test func `a record stays small whatever it tells of`() {
        let long = String(repeating: "ü", count: 10_000)
        let record = AuditRecord(
            AuditAct(
                who: long, action: long, target: long,
                reasons: Array(repeating: long, count: 1000),
                errors: Array(repeating: long, count: 1000), request: long, approval: long,
                note: long), index: 1, after: "", at: WallTime(milliseconds: 0))
        #expect(record.canonical.count < 24_000)
        #expect(record.reasons.last == "and 984 more")
    }
}
