import DecoderFuzz
import Foundation

// Throws changed examples at every reader of what comes from outside: bin/fuzz-decoders.

let usage = """
    usage: fuzz-decoders COUNT [--seed NUMBER] [--corpus DIRECTORY]
           fuzz-decoders --write-corpus DIRECTORY

    """

var arguments = Array(CommandLine.arguments.dropFirst())

/// The word behind a flag, which is taken out of the arguments.
@MainActor func word(after flag: String) -> String? {
    guard let place = arguments.firstIndex(of: flag), place + 1 < arguments.count else {
        return nil
    }
    let word = arguments[place + 1]
    arguments.removeSubrange(place...(place + 1))
    return word
}

let target = word(after: "--write-corpus")
let seed = word(after: "--seed").flatMap { UInt64($0) } ?? 1
let directory = word(after: "--corpus") ?? "Tests/DecoderFuzz/Corpus"
let runs = arguments.first.flatMap { Int($0) } ?? 0
guard target != nil ? arguments.isEmpty : arguments.count == 1 && runs > 0 else {
    FileHandle.standardError.write(Data(usage.utf8))
    exit(2)
}
do {
    if let target {
        try DecoderCorpus.write(to: target)
        exit(0)
    }
    let corpus = try DecoderCorpus(in: directory)
    let part = 250_000
    var done = 0
    var totals: [DecoderCorpus.Reader: (runs: Int, read: Int)] = [:]
    var next = seed
    while done < runs {
        if done % 1_000_000 == 0 { print("fuzz: \(done) done, seed \(next)") }
        var fuzzer = try DecoderFuzzer(corpus, seed: next)
        let count = min(part, runs - done)
        if let wrong = try await fuzzer.run(count) {
            print("fuzz: seed \(next) was taken and should not have been: \(wrong)")
            exit(1)
        }
        totals.merge(fuzzer.tallies) { ($0.runs + $1.runs, $0.read + $1.read) }
        done += count
        next += 1
    }
    print("fuzz: \(done) changed examples, none taken wrongly, no crash")
    for (reader, tally) in totals.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        print("  \(reader): \(tally.runs), of which \(tally.read) could still be read")
    }
} catch {
    FileHandle.standardError.write(Data("fuzz-decoders: \(error)\n".utf8))
    exit(1)
}
