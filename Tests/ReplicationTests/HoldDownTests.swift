import Model
import Replication
import Testing

@Suite struct HoldDownTests {
    private let limits = HoldDown.Limits(
        turns: 3, window: .seconds(300), first: .seconds(300), cap: .seconds(900))

    private func at(_ seconds: Int64) -> Instant { Instant(nanoseconds: seconds * 1_000_000_000) }

    /// What each silence is answered with, where sessions begin and end at these seconds.
    private func answers(_ sessions: [(up: Int64, silent: Int64)]) -> [Duration?] {
        var hold = HoldDown(limits: limits)
        return sessions.map { session in
            hold.noteUp(at: at(session.up))
            return hold.noteSilence(at: at(session.silent))
        }
    }

    @Test func `a link that falls silent now and then is taken up each time`() {
        #expect(answers([(0, 10), (200, 250), (400, 500), (900, 901)]) == [nil, nil, nil, nil])
    }

    @Test func `a link that falls silent three times in five minutes is held down, then longer`() {
        let found = answers([(0, 20), (40, 60), (80, 100), (400, 420), (1100, 1110), (2100, 2110)])
        #expect(
            found == [
                nil, nil, .seconds(300), .seconds(600), .seconds(900), .seconds(900),
            ])
    }

    @Test func `a session of three times the hold counts anew`() {
        let calm = answers([(0, 20), (40, 60), (80, 100), (400, 1300), (1310, 1320), (1330, 1340)])
        #expect(calm == [nil, nil, .seconds(300), nil, nil, .seconds(300)])
        let short = answers([(0, 20), (40, 60), (80, 100), (400, 1299)])
        #expect(short.last == .seconds(600))
    }
}
