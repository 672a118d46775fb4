import Cedar

/// How long decisions take, one after the other on one thread.
struct Speed {
    let entities: Int
    let median: Double
    let percentile99: Double
    let perSecond: Double
    let answers: [Bool]

    /// Microseconds. The rate is measured without a look at the clock between the decisions.
    init(_ workload: Workload, rounds: Int) throws {
        let authoriser = try Authoriser(
            PolicyText(workload.policies).statements, entities: workload.entities)
        let requests = workload.requests
        var answers: [Bool] = []
        for request in requests { answers.append(authoriser.decide(request).isAllowed) }
        let clock = ContinuousClock()
        var times: [Double] = []
        times.reserveCapacity(requests.count * rounds)
        for _ in 0..<rounds {
            for request in requests {
                let took = clock.measure { _ = authoriser.decide(request) }
                times.append(took / .microseconds(1))
            }
        }
        times.sort()
        var allowed = 0
        let total = clock.measure {
            for _ in 0..<rounds {
                for request in requests where authoriser.decide(request).isAllowed { allowed += 1 }
            }
        }
        precondition(allowed == rounds * answers.count { $0 }, "an answer changed")
        entities = workload.entities.count
        median = times[times.count / 2]
        percentile99 = times[times.count * 99 / 100]
        perSecond = Double(requests.count * rounds) / (total / .seconds(1))
        self.answers = answers
    }

    var line: String {
        "\(entities) entities: median \(places(median)) us, p99 \(places(percentile99)) us, "
            + "\(Int(perSecond)) a second and thread, \(answers.count { $0 }) of \(answers.count) allowed"
    }

    private func places(_ figure: Double) -> String {
        let tenths = Int((figure * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }
}
