import Glibc
import RouteOptimizing
import RouteServing

let usage = """
    usage: route-optimizer [serve]     answer POST /route
           route-optimizer feed        serve travel-time factors at /factors
           route-optimizer bench       measure itself: bin/bench-route
    options:
      --host ADDRESS   numeric IPv4 address to listen on (HOST; 127.0.0.1)
      --port NUMBER    port to listen on, 0 for any (PORT; 8080)
      --requests N     how many the bench sends (300)
    environment:
      TRAVEL_TIME_FEED http://ADDRESS:PORT/PATH of a feed; degraded mode without it
      SKERRY_NODE      the name in the field `node` of an answer
    """

func say(_ text: String) {
    let line = Array("route-optimizer: \(text)\n".utf8)
    // With nobody to read standard error there is nobody to tell.
    _ = write(STDERR_FILENO, line, line.count)
}

func fail(_ text: String) -> Never {
    say(text)
    exit(2)
}

func environment(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

func nodeName() -> String {
    if let name = environment("SKERRY_NODE") { return name }
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "unknown" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
}

/// What the command line and the environment ask for; the command line wins.
struct Invocation {
    enum Mode { case serve, feed, bench }

    var mode = Mode.serve
    var requests = "300"
    var host = environment("HOST") ?? "127.0.0.1"
    var port = environment("PORT") ?? "8080"

    init(_ arguments: ArraySlice<String>) {
        var rest = arguments
        while let argument = rest.popFirst() {
            switch argument {
            case "serve": mode = .serve
            case "feed": mode = .feed
            case "bench": mode = .bench
            case "--host", "--port", "--requests":
                guard let value = rest.popFirst() else { fail("\(argument) needs a value") }
                switch argument {
                case "--host": host = value
                case "--port": port = value
                default: requests = value
                }
            case "--help", "-h":
                print(usage)
                exit(0)
            default: fail("unknown argument '\(argument)'\n\(usage)")
            }
        }
    }
}

/// SIGTERM and SIGINT wait in one thread, which rings; so no code runs inside a signal.
func ringOnSignal(_ bells: [Bell]) throws {
    // Before any other thread exists: threads inherit the mask.
    var signals = stopSignals()
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    try detach {
        var signals = stopSignals()
        var signal: Int32 = 0
        sigwait(&signals, &signal)
        for bell in bells { bell.ring() }
    }
}

func stopSignals() -> sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGTERM)
    sigaddset(&signals, SIGINT)
    return signals
}

let invocation = Invocation(CommandLine.arguments.dropFirst())
guard let port = Int(invocation.port), (0...65535).contains(port) else {
    fail("'\(invocation.port)' is not a port; give a number from 0 to 65535")
}
var feed: TravelTimeFeed?
if let text = environment("TRAVEL_TIME_FEED"), !text.isEmpty, invocation.mode == .serve {
    // A wrong address degrades the answers and must not keep the service down.
    if let address = TravelTimeFeed.Address(text) {
        feed = TravelTimeFeed(address: address)
    } else {
        say("TRAVEL_TIME_FEED '\(text)' is not http://ADDRESS:PORT/PATH; degraded mode")
    }
}

do {
    if invocation.mode == .bench {
        guard let requests = Int(invocation.requests), (1...100_000).contains(requests) else {
            fail("'\(invocation.requests)' is not a number of requests from 1 to 100000")
        }
        try Bench(requests: requests).run()
        exit(0)
    }
    let (stop, stopFeed) = (try Bell(), try Bell())
    try ringOnSignal([stop, stopFeed])
    if let feed { try detach { feed.run(until: stopFeed) } }
    let routes = Routes(node: nodeName(), feed: feed)
    let mode = invocation.mode
    let server = try Server(host: invocation.host, port: port) { request in
        mode == .feed ? TravelTimeFeed.demonstration(request) : routes.answer(request)
    }
    say("listening on \(invocation.host):\(server.port)")
    try server.run(until: stop)
    say("stopped")
} catch {
    say("\(error)")
    exit(1)
}
