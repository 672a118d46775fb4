import SessionNetwork
import Trust

/// As many hostile datagrams as are wanted, in runs of their own seeds.
struct Fuzzing {
    let runs: Int
    let seed: UInt64

    /// True where nothing was delivered that was not sent. A crash ends the program with the seed
    /// printed before.
    func run() -> Bool {
        let part = 100_000
        var done = 0
        var delivered = 0
        var drops: [Drop: Int] = [:]
        var next = seed
        while done < runs {
            let count = min(part, runs - done)
            if done % 1_000_000 == 0 { print("fuzz: \(done) done, seed \(next)") }
            var fuzzer = Fuzzer(seed: next)
            if let wrong = fuzzer.run(count) {
                print(
                    "fuzz: seed \(next) delivered what nobody sent, after \(fuzzer.runs): \(wrong)")
                return false
            }
            done += count
            delivered += fuzzer.delivered
            drops.merge(fuzzer.drops, uniquingKeysWith: +)
            next += 1
        }
        print(
            "fuzz: \(done) hostile datagrams, 0 delivered, 0 crashes; "
                + "\(delivered) true messages came"
        )
        let met = Drop.allCases.compactMap { drop in drops[drop].map { "\(drop) \($0)" } }
        print("fuzz: dropped: \(met.joined(separator: ", "))")
        return true
    }
}
