import Model
import Testing

@Suite struct TimeTests {
    @Test func `a wall time is written and read in UTC with milliseconds`() {
        let time = WallTime(milliseconds: 1_795_383_759_120)
        #expect(time.description == "2026-11-22T21:42:39.120Z")
        #expect(WallTime("2026-11-22T21:42:39.120Z") == time)
        #expect(WallTime("2026-11-22T22:42:39.12+01:00") == time)
        #expect(WallTime(milliseconds: 0).description == "1970-01-01T00:00:00.000Z")
        #expect(WallTime(milliseconds: -1).description == "1969-12-31T23:59:59.999Z")
    }

    @Test func `every day of four hundred years is read as it is written`() {
        for day in stride(from: Int64(-100_000), to: 50_000, by: 7) {
            let time = WallTime(milliseconds: day * 86_400_000 + 1)
            #expect(WallTime(time.description) == time)
        }
    }

    @Test(arguments: [
        "", "2026", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-32T00:00:00Z",
        "2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00Zx", "20x6-01-01T00:00:00Z",
    ])
    func `what is no time is not read as one`(_ text: String) {
        #expect(WallTime(text) == nil)
    }
}

@Suite struct QuantityTests {
    @Test(arguments: [
        ("72h", 259_200_000), ("1h30m", 5_400_000), ("250ms", 250), ("0s", 0), ("1d", 86_400_000),
    ])
    func `an interval is read and written exactly`(_ text: String, _ milliseconds: Int64) throws {
        let interval = try #require(Interval(text))
        #expect(interval.duration == .milliseconds(milliseconds))
        #expect(Interval(interval.description) == interval)
    }

    @Test(arguments: ["", "5", "h", "-1s", "1h 30m", "99999999999999999999s", "4000d", "1y", "١s"])
    func `what is no interval is not read as one`(_ text: String) {
        #expect(Interval(text) == nil)
    }

    @Test func `processor shares are read in cores and thousandths`() {
        #expect(CPUShare("250m")?.millicores == 250)
        #expect(CPUShare("1.5")?.millicores == 1_500)
        #expect(CPUShare("2")?.description == "2")
        for text in ["", "m", "-1", "nan", "inf", "1e9", "x", "-5m"] {
            #expect(CPUShare(text) == nil)
        }
    }

    @Test func `sizes are read in powers of 1024 and of 1000`() {
        #expect(ByteCount("64Mi")?.bytes == 64 << 20)
        #expect(ByteCount("500M")?.bytes == 500_000_000)
        #expect(ByteCount(64 << 20).description == "64Mi")
        #expect(ByteCount("1000")?.description == "1000")
        for text in ["", "Mi", "-1", "1Xi", "99999999Ti", "1.5Gi"] {
            #expect(ByteCount(text) == nil)
        }
    }
}

@Suite struct TableTests {
    @Test func `a table agrees with a dictionary and walks in key order`() {
        var random = Random(seed: 3)
        var table: Table<Int, Int> = Table()
        var plain: [Int: Int] = [:]
        for _ in 0..<5_000 {
            let key = Int(random.next() % 50)
            switch random.next() % 4 {
            case 0:
                #expect(table.remove(key) == plain.removeValue(forKey: key))
            case 1:
                let isKnown = table.update(key) { $0 += 1 } != nil
                #expect(isKnown == (plain[key] != nil))
                if let row = plain[key] { plain[key] = row + 1 }
            default:
                let row = Int(random.next() % 1_000)
                table.insert(row, for: key)
                plain[key] = row
            }
            #expect(table[key] == plain[key])
        }
        #expect(table.keys == plain.keys.sorted())
        #expect(table.rows == plain.sorted { $0.key < $1.key }.map(\.value))
    }
}

@Suite struct NameTests {
    @Test(arguments: ["a", "route-optimizer", "n1", String(repeating: "x", count: 63)])
    func `a DNS label is a name`(_ text: String) {
        #expect(isDNSLabel(text))
    }

    @Test(arguments: ["", "-a", "a-", "A", "a_b", "a.b", "ä", String(repeating: "x", count: 64)])
    func `anything else is not`(_ text: String) {
        #expect(!isDNSLabel(text))
    }

    @Test func `an instance id is read from its text and from nothing else`() {
        let id = InstanceID(workload: "route-optimizer", ordinal: 12)
        #expect(InstanceID(id.description) == id)
        for text in ["web", "web-", "web-x", "-1", "web-+1", "web-01", "web--1"] {
            #expect(InstanceID(text) == nil)
        }
    }
}

@Suite struct RandomTests {
    @Test func `equal seeds draw equal numbers`() {
        var left = Random(seed: 9)
        var right = Random(seed: 9)
        for _ in 0..<100 { #expect(left.next() == right.next()) }
        // The first number of SplitMix64 for seed 0, as its authors publish it.
        var zero = Random(seed: 0)
        #expect(zero.next() == 0xE220_A839_7B1D_CDAF)
    }

    @Test func `a duration is drawn up to its limit, both ends included`() {
        var random = Random(seed: 2)
        let draws = (0..<2_000).map { _ in random.duration(upTo: .milliseconds(3)) }
        #expect(Set(draws) == Set((0...3).map { .milliseconds($0) }))
    }
}
