import Model
import Simulation

/// What the command line asks for.
struct Options {
    var seeds = 1
    var first: UInt64 = 1
    var hasSeed = false
    var hours = 2.0
    var hasHours = false
    var nodes = 8
    var workloads = 7
    var intensity: Double?
    var isTwice = false
    var isTraced = false
    var wallJumps = true
    var restoresHub = false
    var shrinks = true
    var scriptPath: String?
    var script: Script?
    /// Nodes of a storm, and sites of a large fleet.
    var storm: Int?
    var sites: Int?
    var nodesPerSite = 1
    /// Cases of the article, and where their assumptions are.
    var cases: [CaseStudy] = []
    var casesPath = "Fixtures/cases"
    var wantsHelp = false

    static let help = """
        usage: bin/sim [--seeds N] [--first SEED] [--seed S] [--hours H] [--nodes N]
                       [--workloads N]
                       [--intensity F] [--no-wall-jumps] [--restores] [--twice] [--trace]
                       [--no-shrink]
               bin/sim --script FILE [--twice] [--trace]
               bin/sim --storm N [--seed S]
               bin/sim --case NAME [--sites N] [--hours H] [--seed S]
               bin/sim --sites N [--nodes-per-site M] [--hours H] [--seed S]

        Lives through a hub and its nodes on virtual time, with everything that goes wrong drawn
        from a seed, and checks the invariants at every step.

          --seeds N       so many seeds in a row (1)
          --first SEED    beginning with this one (1)
          --seed S        this seed alone
          --hours H       virtual hours with faults; the healed phase comes on top (2)
          --nodes N       nodes in the fleet, 1 to 20000 (8)
          --workloads N   workloads that people apply, 3 to 100; three are on every node (7)
          --intensity F   scales the number of faults (chosen by the seed: 1, 2 or 6)
          --twice         runs each seed twice again, without restarts of agents and the second time
                          without jumps of wall clocks: the hashes of these must be equal
          --no-wall-jumps leaves wall clocks alone
          --restores      the hub's store is lost now and then and put back from an older copy; people
                          choose where a node then holds more than the hub
          --trace         prints everything that happens
          --script FILE   lives through what the file says instead of what a seed draws
          --no-shrink     does not look for a shorter script with the same end

          --storm N       N nodes lose their hub for 30 minutes and find it again: how long until all
                          are back, and how evenly
          --sites N       N sites of one node each, or of --nodes-per-site, with the faults of a
                          small fleet for each: how long it takes and how much memory

          --case NAME     a case of the article: retail, automotive, mining, telecom or all; with
                          fewer or more sites, or another seed, than its file says

        A seed that fails prints what broke, the command that replays it, the shortest script found
        that breaks the same invariant, and the last 30 events of that. Such scripts are kept in
        Fixtures/scenarios; each is a test.

        """

    /// Answers what is wrong with `arguments`, or nil.
    mutating func read(_ arguments: ArraySlice<String>) -> String? {
        var rest = arguments
        while let argument = rest.popFirst() {
            switch argument {
            case "--twice": isTwice = true
            case "--trace": isTraced = true
            case "--no-shrink": shrinks = false
            case "--no-wall-jumps": wallJumps = false
            case "--restores": restoresHub = true
            case "--help", "-h": wantsHelp = true
            case "--seeds", "--first", "--seed", "--hours", "--nodes", "--workloads",
                "--intensity", "--script", "--storm", "--sites", "--nodes-per-site", "--case",
                "--cases":
                guard let value = rest.popFirst() else { return "\(argument) needs a value" }
                guard take(value, for: argument) else {
                    return "'\(value)' is no value for \(argument)"
                }
            default: return "there is no option '\(argument)'"
            }
        }
        return nil
    }

    private mutating func take(_ text: String, for option: String) -> Bool {
        switch option {
        case "--script": scriptPath = text
        case "--cases": casesPath = text
        case "--case" where text == "all": cases = CaseStudy.allCases
        case "--case":
            guard let study = CaseStudy(rawValue: text) else { return false }
            cases.append(study)
        case "--storm", "--sites", "--nodes-per-site":
            guard let value = Int(text), Scenario.nodeCounts.contains(value) else { return false }
            switch option {
            case "--storm": storm = value
            case "--sites": sites = value
            default: nodesPerSite = value
            }
        case "--seeds":
            guard let value = Int(text), value > 0 else { return false }
            seeds = value
        case "--first", "--seed":
            guard let value = UInt64(text) else { return false }
            first = value
            hasSeed = true
            if option == "--seed" { seeds = 1 }
        case "--nodes":
            guard let value = Int(text), Scenario.nodeCounts.contains(value) else { return false }
            nodes = value
        case "--workloads":
            guard let value = Int(text), Scenario.workloadCounts.contains(value) else {
                return false
            }
            workloads = value
        case "--hours":
            guard let value = Double(text), value > 0, value <= 10_000 else { return false }
            hours = value
            hasHours = true
        default:
            guard let value = Double(text), value > 0, value <= 1_000 else { return false }
            intensity = value
        }
        return true
    }

    var scenario: Scenario {
        var scenario = Scenario(
            nodes: nodes, workloads: workloads, horizon: .milliseconds(Int64(hours * 3_600_000)),
            intensity: intensity,
            wallJumps: wallJumps)
        scenario.restoresHub = restoresHub
        return scenario
    }

    /// The one command that lives through `seed` again.
    func replay(_ seed: UInt64) -> String {
        if let scriptPath { return "bin/sim --script \(scriptPath) --trace" }
        var command = "bin/sim --seed \(seed) --trace"
        if restoresHub { command += " --restores" }
        if hours != 2 { command += " --hours \(hours)" }
        if nodes != 8 { command += " --nodes \(nodes)" }
        if workloads != 7 { command += " --workloads \(workloads)" }
        if let intensity { command += " --intensity \(intensity)" }
        return command
    }
}
