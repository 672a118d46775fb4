import Transport

/// A node makes itself a certificate: key, signature, PEM.
struct Issuing {
    let fleet: FleetKeys
    let times: Int

    func run() throws -> Bool {
        for _ in 0..<20 { _ = try fleet.leaf() }
        var sample = Sample()
        for _ in 0..<times {
            let begin = elapsedTime()
            _ = try fleet.leaf()
            sample.add(elapsedTime() - begin)
        }
        print("A leaf from the node's own authority, \(times) times")
        _ = tell("median", "\(text(sample.median, 0)) us")
        let worst = sample.quantile(0.99)
        return tell("99th percentile", "\(text(worst, 0)) us", "1000 us", isReached: worst <= 1000)
    }
}
