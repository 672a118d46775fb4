import Model
import Testing
import Trust

@Suite struct TrustClockTests {
    private static let day: Int64 = 86_400
    /// The time at which the node was last told the time, five hours into its first boot.
    private let told = WallTime("2026-11-22T21:42:39Z")!  // A literal that parses.
    private let first = Instant.seconds(18_000)

    private func moment(_ wall: WallTime, _ monotonic: Instant) -> Moment {
        Moment(monotonic: monotonic, wall: wall)
    }

    private func node(boot: UInt64 = 1) -> TrustClock {
        TrustClock(
            anchor: Reading(moment(told, first), boot: 1), source: .signed,
            leap: .seconds(TrustClockTests.day), boot: boot, now: moment(told, first))
    }

    @Test(arguments: [-20 * 365 * day, -3600, 0, 3600, 400 * day])
    func `within a boot a node's wall clock counts for nothing`(shift: Int64) {
        let now = moment(told + .seconds(600 + shift), first + .seconds(600))
        #expect(node().time(at: now) == told + .seconds(600))
        #expect(node().standing(at: now) == .measured)
    }

    @Test func `after a boot in 1970 it is as late as it was, and goes on`() {
        let clock = node(boot: 2)
        let now = moment(WallTime(milliseconds: 30_000), .seconds(30))
        #expect(clock.standing(at: now) == .behind)
        #expect(clock.time(at: now) == told + .milliseconds(29_970))
    }

    @Test func `after a boot the wall clock is believed for a day and no more`() {
        let clock = node(boot: 2)
        let soon = moment(told + .seconds(7_200), .seconds(10))
        #expect(clock.time(at: soon) == soon.wall)
        #expect(clock.standing(at: soon) == .estimated)
        let late = moment(told + .seconds(9 * TrustClockTests.day), .seconds(10))
        #expect(clock.standing(at: late) == .ahead)
        #expect(clock.time(at: late) == clock.earliest(at: late) + .seconds(TrustClockTests.day))
    }

    @Test func `a signed time moves it forward, and an older one not back`() {
        var clock = node(boot: 2)
        let now = moment(WallTime(milliseconds: 0), .seconds(30))
        let signed = told + .seconds(30 * TrustClockTests.day)
        let isNew1 = clock.learn(signed, at: now)
        #expect(isNew1)
        #expect(clock.time(at: now) == signed)
        #expect(clock.standing(at: now) == .measured)
        let isNew2 = clock.learn(told, at: now)
        #expect(!isNew2)
        #expect(clock.time(at: now) == signed)
    }

    @Test func `a signed time corrects an oscillator that is fast by a thousandth`() {
        var clock = node()
        let now = moment(told, first + .seconds(100_000))
        let isNew3 = clock.learn(told + .seconds(99_910), at: now)
        #expect(isNew3)
        #expect(clock.time(at: now) == told + .seconds(99_910))
        let isNew4 = clock.learn(told + .seconds(99_000), at: now)
        #expect(!isNew4)
    }

    @Test func `what was kept goes on in the next process and in the next boot`() {
        let kept = node().kept(at: moment(told, first + .seconds(3_600)))
        for (boot, monotonic) in [(UInt64(1), first + .seconds(3_601)), (2, .seconds(1))] {
            let clock = TrustClock(
                anchor: kept, source: .signed, leap: .seconds(60), boot: boot,
                now: moment(told, monotonic))
            let now = moment(WallTime(milliseconds: 0), monotonic)
            let difference = clock.time(at: now) - (told + .seconds(3_601))
            #expect(abs(difference.nanoseconds) < 4_000_000)
        }
    }

    @Test func `a hub goes by its wall clock, and not back behind what it signed`() {
        var hub = TrustClock(
            anchor: nil, source: .wall, leap: .seconds(45 * TrustClockTests.day), boot: 1,
            now: moment(told, first))
        let ahead = moment(told + .seconds(3 * TrustClockTests.day), first + .seconds(5))
        #expect(hub.time(at: ahead) == ahead.wall)
        hub.learn(hub.time(at: ahead), at: ahead)
        let back = moment(told, first + .seconds(10))
        #expect(hub.time(at: back) >= ahead.wall)
        #expect(hub.standing(at: back) == .behind)
        // A clock that is years off takes nobody along.
        let far = moment(told + .seconds(4_000 * TrustClockTests.day), first + .seconds(20))
        #expect(hub.time(at: far) < told + .seconds(50 * TrustClockTests.day))
    }

    @Test func `whatever happens, the earliest possible time never goes back`() {
        for seed in UInt64(0)..<200 {
            var random = Random(seed: seed)
            var clock = node()
            var boot: UInt64 = 1
            var monotonic = first
            var last = clock.earliest(at: moment(told, monotonic))
            for _ in 0..<40 {
                monotonic = monotonic + random.duration(upTo: .seconds(40_000))
                let shift = random.duration(upTo: .seconds(4_000_000)) - .seconds(2_000_000)
                let now = moment(told + shift, monotonic)
                if random.chance(0.5) {
                    clock.learn(told + random.duration(upTo: .seconds(2_000_000)), at: now)
                } else if random.chance(0.3) {
                    let kept = clock.kept(at: now)
                    boot += 1
                    monotonic = .seconds(1)
                    clock = TrustClock(
                        anchor: kept, source: .signed, leap: .seconds(86_400), boot: boot, now: now)
                }
                let earliest = clock.earliest(at: moment(now.wall, monotonic))
                // What a whole boot went by is rounded down to a thousandth once.
                #expect(earliest >= last + .seconds(-1))
                last = max(last, earliest)
            }
        }
    }
}

@Suite struct RenewalTests {
    @Test func `a certificate is renewed between six tenths and two thirds of its life`() {
        var random = Random(seed: 7)
        let begin = Instant.seconds(100)
        let due = (0..<1_000).map { _ in
            (Renewal.due(after: begin, life: .seconds(900), using: &random) - begin).nanoseconds
                / 1_000_000_000
        }
        #expect(due.allSatisfy { (540...600).contains($0) })
        #expect(Set(due).count > 50)
    }

    @Test func `seventy-two hours of renewals leave no gap and reach 432`() {
        var random = Random(seed: 3)
        var now = Instant.seconds(0)
        var count = 0
        while now < .seconds(72 * 3600) {
            let due = Renewal.due(after: now, life: .seconds(900), using: &random)
            #expect(due - now < .seconds(900))
            now = due
            count += 1
        }
        #expect(count >= 432)
    }
}
