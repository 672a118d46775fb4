import Foundation
import NIOPosix

// What it costs to prove who one is: issuing, handshakes, and requests over a link of 40 ms beside a
// traditional set-up, in one process and one run.

let usage = """
    usage: identity-bench [--rounds COUNT]      the tables; ends with 1 where a goal is missed

    """

var arguments = Array(CommandLine.arguments.dropFirst())
var rounds = 40
if let place = arguments.firstIndex(of: "--rounds"), place + 1 < arguments.count,
    let number = Int(arguments[place + 1])
{
    rounds = number
    arguments.removeSubrange(place...(place + 1))
}
guard arguments.isEmpty, (1...10_000).contains(rounds) else {
    FileHandle.standardError.write(Data(usage.utf8))
    exit(2)
}
do {
    let fleet = try FleetKeys()
    let loops = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let issuing = try Issuing(fleet: fleet, times: rounds * 25).run()
    let handshakes = try await Handshakes(fleet: fleet, loops: loops, times: rounds * 15).run()
    let requests = try await Requests(fleet: fleet, loops: loops, times: rounds).run()
    exit(issuing && handshakes && requests ? 0 : 1)
} catch {
    FileHandle.standardError.write(Data("identity: \(error)\n".utf8))
    exit(1)
}
