import Cedar
import CedarFuzz
import Glibc

// Judges cases of Cedar's corpus, measures decisions, and throws broken texts at the readers.
// Run by bin/bench-cedar.

let words = Array(CommandLine.arguments.dropFirst())

/// What stands after a word of the command line.
@MainActor func number(after word: String, else standard: Int) -> Int {
    guard let index = words.firstIndex(of: word), index + 1 < words.count else { return standard }
    guard let number = Int(words[index + 1]), number >= 0 else {
        print("\(word) takes a number")
        exit(2)
    }
    return number
}

@MainActor func judgeCases() {
    var cases = Cases()
    while let line = readLine() { cases.judge(line: line) }
    for difference in cases.differences { print("differs: \(difference)") }
    print("all:  \(cases.all.line) as Cedar")
    print("hard: \(cases.hard.line) as Cedar")
    print("allowed where Cedar denies: \(cases.wronglyAllowed)")
    if cases.all.cases == 0 || cases.all.equalCases < cases.all.cases { exit(1) }
}

/// Writes what the other engines measure into a directory, and this engine's figures beside it.
@MainActor func measure(into directory: String?) throws {
    let small = Workload(count: 100, requests: 2000)
    let speed = try Speed(small, rounds: 25)
    print("28 policies, \(speed.line)")
    let large = try Speed(Workload(count: 100_000, requests: 2000), rounds: 25)
    print("28 policies, \(large.line)")
    let ratio = (large.median / speed.median * 100).rounded() / 100
    print("the larger takes \(ratio) times as long in the median (goal 2)")
    guard let directory else { return }
    write(small.policies, to: "\(directory)/policies.cedar")
    write(small.entitiesJSON, to: "\(directory)/entities.json")
    write(small.requestsJSON(speed.answers), to: "\(directory)/requests.jsonl")
    write("\(speed.perSecond)\n", to: "\(directory)/rate")
}

func write(_ text: String, to path: String) {
    guard let file = fopen(path, "w") else {
        print("cannot write \(path): \(String(cString: strerror(errno)))")
        exit(1)
    }
    fputs(text, file)
    fclose(file)
}

@MainActor func fuzz() {
    let runs = number(after: "--fuzz", else: 100_000)
    let seed = number(after: "--seed", else: 1)
    onSmallStack {
        var fuzz = Fuzz(seed: UInt64(seed))
        fuzz.run(runs)
        print(
            "\(runs) runs from seed \(seed): no crash; \(fuzz.readable) could be read, "
                + "\(fuzz.decided) decisions")
    }
}

switch words.first {
case "cases": judgeCases()
case "speed": try measure(into: words.dropFirst().first)
case "--fuzz": fuzz()
default:
    print("usage: cedar-bench cases | speed [DIRECTORY] | --fuzz RUNS [--seed SEED]")
    exit(2)
}
