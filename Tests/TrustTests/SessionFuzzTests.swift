import SessionNetwork
import Testing
import Trust

@Suite struct SessionFuzzTests {
    @Test(arguments: 1...4)
    func `whatever is changed, repeated or invented, only what was sent is delivered, and once`(
        seed: UInt64
    ) {
        var fuzzer = Fuzzer(seed: seed)
        #expect(fuzzer.run(2500) == nil)
        // It is worth little unless true traffic flowed and each of these was met.
        #expect(fuzzer.delivered > 100)
        for drop in [
            Drop.size, .version, .kind, .unknownKey, .forged, .replayed, .unknownSession, .epoch,
            .malformed, .day, .clock,
        ] { #expect(fuzzer.drops[drop] ?? 0 > 0, "\(drop)") }
    }
}
