/// A phrase that one file may use, with the reason. Shorter is better.
struct Allowance: Sendable {
    let path: String
    /// The words of the phrase in `Rules.phrases`, joined.
    let phrase: String
    let reason: String

    init(_ path: String, _ phrase: String, _ reason: String) {
        self.path = path
        self.phrase = phrase
        self.reason = reason
    }
}

extension Allowance {
    /// Files longer than the limit, with the reason.
    static let long: [String: String] = [:]

    static let all: [Allowance] = timers + waits + unchecked + optional

    /// The rim has to turn real time into inputs somewhere: a period, a deadline that races with
    /// what it limits, or a look at something that sends no event.
    private static let timers = [
        ("Benchmarks/audit/Requests.swift", "the pace that one identity may ask at"),
        ("Sources/Adapters/Containers/Process/ProcessEngine.swift", "the period of rotation"),
        ("Sources/Adapters/Containers/Prober.swift", "the deadline of a probe"),
        ("Sources/Adapters/Containers/Socket/Conversation.swift", "the engine sends no event"),
        ("Sources/Adapters/Containers/Socket/SocketEngine+Watch.swift", "the pause after a loss"),
        ("Sources/Adapters/Management/Watch.swift", "the heartbeat and the pace of a watch"),
        ("Sources/Adapters/Transport/ControlCalls.swift", "the deadline of a handshake"),
        ("Sources/Adapters/Transport/Sessions.swift", "the deadline of a stream"),
        ("Sources/Adapters/Transport/FrontPort.swift", "the pace of judging a caller again"),
        ("Sources/Host/NodeIdentity+Join.swift", "the period of asking a person"),
        ("Sources/Client/Up/Children.swift", "the patience with a process that does not end"),
        ("Sources/Client/Up/LocalFleet+Nodes.swift", "the period of what the nodes say"),
        ("Sources/Client/Up/LocalFleet.swift", "the period of the live table"),
        ("Sources/Client/Verbs/Await.swift", "the deadline of wait"),
        ("Sources/Client/Verbs/Resumption.swift", "the wait before a watch tries again"),
        ("Sources/Host/AgentHost.swift", "the period of systemd's watchdog"),
        ("Sources/Host/HubHost.swift", "the period in which long-lived certificates are renewed"),
        ("Sources/Host/SnapshotKeeper.swift", "the period of copies"),
        ("Sources/Host/Secrets/WorkloadIdentities.swift", "the pace of renewals"),
        ("Tests/ContainersTests/Bench.swift", "an engine's own state sends no event"),
        ("Tests/EndToEndTests/Program.swift", "other processes send no event"),
        ("Tests/HostTests/DataPlaneTests.swift", "a datagram that is refused sends no event"),
        ("Tests/HostTests/NodeMeshTests.swift", "a datagram that is dropped sends no event"),
        ("Tests/HostTests/StreamPlaneTests.swift", "a message that is refused sends no event"),
        ("Tests/TransportTests/PeerPortTests.swift", "a message that is refused sends no event"),
        ("Tests/ManagementTests/Fleet.swift", "a log that is followed for ever"),
        ("Tests/ManagementTests/TLSTests.swift", "a server that runs until it is cancelled"),
    ].map { Allowance($0.0, "Task.sleep", $0.1) }

    /// What the kernel tells nobody when it is over.
    private static let waits = [
        // flock(2) waits for ever or not at all.
        Allowance("Sources/Adapters/Storage/StateDirectory.swift", "usleep(", "a wait with an end"),
        Allowance(
            "Tests/EndToEndTests/Stage.swift", "usleep(",
            "nothing tells when a process has become another program"),
        // Between two programs a process shows no variables.
        Allowance(
            "Sources/Adapters/Containers/Process/ProcessTable.swift", "usleep(",
            "a wait of 50 ms at most"),
    ]

    private static let unchecked = [
        ("Sources/Adapters/Management/Conversation.swift", "one stream with one reader owns it"),
        ("Sources/Adapters/Management/Outlet.swift", "NIO's writer orders the writes itself"),
    ].map { Allowance($0.0, "@uncheckedSendable", $0.1) }

    /// Where the failure itself is the answer.
    private static let optional = [
        ("Sources/Core/Model/Workload.swift", "a field that is a number or else a word")
    ].map { Allowance($0.0, "try?", $0.1) }
}
