import Glibc
import Model
import Simulation

// Lives through fleets on virtual time, and says what it saw. See --help.

var options = Options()
if let mistake = options.read(CommandLine.arguments.dropFirst()) {
    report("sim: \(mistake)\n\n\(Options.help)", isError: true)
    exit(2)
}
if options.wantsHelp {
    report(Options.help)
    exit(0)
}
if let path = options.scriptPath {
    do {
        options.script = try Script(try textOfFile(path))
        options.seeds = 1
    } catch {
        report("sim: \(path): \(error)\n", isError: true)
        exit(2)
    }
}
speakOnTrap()
if !options.cases.isEmpty {
    exit(CaseCommand(options: options).run() ? 0 : 1)
}
if let nodes = options.storm {
    exit(FleetCommand(options: options).storm(nodes) ? 0 : 1)
}
if let sites = options.sites {
    exit(FleetCommand(options: options).live(sites) ? 0 : 1)
}
exit(Command(options: options).run() ? 0 : 1)
