import Glibc
import Model
import Simulation

/// Lives through cases of the article and prints their figures beside its claims.
struct CaseCommand {
    let options: Options

    /// Whether every claim holds and nothing broke.
    func run() -> Bool {
        var holds = true
        for study in options.cases {
            let path = "\(options.casesPath)/\(study.rawValue).case"
            do {
                var assumptions = try Assumptions(try textOfFile(path), names: study.names)
                if let sites = options.sites { assumptions["sites"] = Double(sites) }
                if options.hasHours { assumptions["hours"] = options.hours }
                if options.hasSeed { assumptions["seed"] = Double(options.first) }
                let begin = ContinuousClock.now
                let result = study.run(assumptions)
                print(result, assumptions, path, ContinuousClock.now - begin)
                holds = holds && result.holds
            } catch {
                report("sim: \(path): \(error)\n", isError: true)
                return false
            }
        }
        return holds
    }

    private func print(
        _ result: CaseResult, _ assumptions: Assumptions, _ path: String, _ wall: Duration
    ) {
        var text =
            "\(result.title); seed \(Int(assumptions["seed"])); \(wall.inSeconds) s for both runs\n"
        text += table(
            [["", "SKERRY", "BASELINE"]] + result.rows.map { [$0.figure, $0.ours, $0.baseline] })
        text += "  baseline: \(result.baseline)\n\n"
        text += table(
            [["CLAIM", "ARTICLE", "HERE", ""]]
                + result.claims.map {
                    [$0.text, $0.claimed, $0.found, $0.holds ? "holds" : "MISSED"]
                })
        text += "\n  It assumes (\(path)):\n"
        text += table(
            assumptions.entries.map { [$0.name, trimmed($0.value), $0.source] }, indent: "    ")
        text += "  It cannot show:\n" + result.limits.map { "    \($0)\n" }.joined()
        if let violation = result.violation {
            text += "  An invariant broke, which is a bug of Skerry: \(violation)\n"
        }
        report(text + "\n")
    }

    private func trimmed(_ value: Double) -> String {
        value == value.rounded() ? String(Int(value)) : String(value)
    }

    private func table(_ rows: [[String]], indent: String = "  ") -> String {
        let widths = (0..<(rows.map(\.count).max() ?? 0)).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            var line = indent
            for (index, cell) in row.enumerated() {
                line += cell
                guard index < row.count - 1 else { break }
                line += String(repeating: " ", count: widths[index] - cell.count + 3)
            }
            return line + "\n"
        }.joined()
    }
}
