import Foundation
import SessionNetwork
import Trust

// What a session of the data plane costs beside TLS 1.3 between the same two ends, in one process
// and one run; or, with --fuzz, how it bears what strangers and bad peers send.

let usage = """
    usage: session [--rounds COUNT]      the tables; ends with 1 where a goal is missed
           session --parts               what the parts cost that they are made of
           session --fuzz COUNT [--seed NUMBER]

    """

var arguments = Array(CommandLine.arguments.dropFirst())

/// The number behind a flag, which is taken out of the arguments.
@MainActor func number(after flag: String) -> UInt64? {
    guard let place = arguments.firstIndex(of: flag), place + 1 < arguments.count,
        let number = UInt64(arguments[place + 1])
    else { return nil }
    arguments.removeSubrange(place...(place + 1))
    return number
}

let runs = number(after: "--fuzz")
let seed = number(after: "--seed") ?? 1
let rounds = number(after: "--rounds") ?? 15
let parts = arguments == ["--parts"]
guard arguments.isEmpty || parts, runs ?? 1 > 0, (1...1000).contains(rounds) else {
    FileHandle.standardError.write(Data(usage.utf8))
    exit(2)
}
do {
    if let runs {
        exit(Fuzzing(runs: Int(clamping: runs), seed: seed).run() ? 0 : 1)
    }
    if parts {
        try Primitives(rounds: Int(rounds)).run()
        exit(0)
    }
    let setUp = try await SetUp(rounds: Int(rounds)).run()
    let throughput = try Throughput(rounds: Int(rounds)).run()
    exit(setUp && throughput ? 0 : 1)
} catch {
    FileHandle.standardError.write(Data("session: \(error)\n".utf8))
    exit(1)
}
