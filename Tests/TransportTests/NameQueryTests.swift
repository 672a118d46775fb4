import Model
import Testing
import Transport

@Suite struct NameQueryTests {
    /// A query as a resolver writes it.
    static func query(_ name: String, kind: UInt16 = 1, id: UInt16 = 0x1234) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(id >> 8), UInt8(id & 0xFF), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in name.split(separator: ".") {
            bytes.append(UInt8(label.utf8.count))
            bytes += label.utf8
        }
        return bytes + [0, UInt8(kind >> 8), UInt8(kind & 0xFF), 0, 1]
    }

    @Test func `a query is read in lower case, with its kind`() throws {
        let query = try #require(NameQuery(Self.query("Till.Rural.SKERRY", kind: 33)))
        #expect(query.labels == ["till", "rural", "skerry"])
        #expect(query.kind == .service)
        #expect(query.id == 0x1234)
    }

    @Test func `an answer repeats the question and is good for no time`() throws {
        let query = try #require(NameQuery(Self.query("till.rural.skerry")))
        let answer = query.answer(.found, [.address(name: [], bytes: [10, 0, 0, 7])])
        #expect(answer[0...1] == [0x12, 0x34])
        #expect(answer[2] & 0x84 == 0x84 && answer[3] == 0)
        #expect(answer[6...7] == [0, 1])
        #expect(answer.suffix(16) == [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 0, 0, 7])
    }

    @Test func `an answer never has more than 512 bytes`() throws {
        let query = try #require(NameQuery(Self.query("till.rural.skerry", kind: 33)))
        let target = (0..<6).map { _ in String(repeating: "x", count: 40) }
        let records = (0..<40).map { NameQuery.Record.service(port: $0, target: target) }
        let answer = query.answer(.found, records, besides: records)
        #expect(answer.count <= 512)
        #expect(answer[7] == 1 && answer[11] == 0)
    }

    @Test func `what is cut short, padded with lies or too long is no query`() {
        let good = Self.query("till.rural.skerry")
        for count in 0..<good.count { #expect(NameQuery(Array(good.prefix(count))) == nil) }
        var response = good
        response[2] |= 0x80
        #expect(NameQuery(response) == nil)
        var twoQuestions = good
        twoQuestions[5] = 2
        #expect(NameQuery(twoQuestions) == nil)
        var pointer = good
        pointer[12] = 0xC0
        #expect(NameQuery(pointer) == nil)
        #expect(NameQuery(good + [UInt8](repeating: 0, count: 500)) == nil)
        #expect(
            NameQuery(Self.query((0..<40).map { _ in "abcdefg" }.joined(separator: "."))) == nil)
    }

    @Test func `noise is never a crash, and an answer to what is read always fits`() {
        var random = Random(seed: 3)
        let good = Self.query("_http._tcp.till.rural.skerry", kind: 33)
        for round in 0..<20_000 {
            var bytes = good
            if round.isMultiple(of: 2) {
                bytes = (0..<Int(random.next() % 600)).map { _ in
                    UInt8(truncatingIfNeeded: random.next())
                }
            } else {
                for _ in 0..<3 {
                    bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(
                        truncatingIfNeeded: random.next())
                }
            }
            if let query = NameQuery(bytes) { #expect(query.answer(.refused).count <= 512) }
        }
    }
}
