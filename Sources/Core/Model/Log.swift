/// One entry in a node's own log: appended by that node alone, numbered without reuse.
package struct LogEntry: Hashable, Codable, Sendable {
    package var sequence: UInt64
    package var at: WallTime
    package var body: Body

    package init(sequence: UInt64, at: WallTime, body: Body) {
        self.sequence = sequence
        self.at = at
        self.body = body
    }

    package enum Body: Hashable, Codable, Sendable {
        case instance(InstanceStatus)
        case instanceRemoved(InstanceID)
        case event(Event)
        case decision(Decision)
        case localChange(LocalChange)
    }
}

/// Something that happened and that a person may want to read about.
package struct Event: Hashable, Codable, Sendable {
    package enum Severity: String, Codable, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    package var at: WallTime
    /// Where it was seen; nil for the hub.
    package var node: NodeID?
    package var severity: Severity
    /// One word in CamelCase: `Started`, `LinkLost`.
    package var reason: String
    package var kind: Kind
    package var name: String
    package var message: String

    package init(
        at: WallTime, node: NodeID?, severity: Severity = .normal, reason: String, kind: Kind,
        name: String, message: String
    ) {
        self.at = at
        self.node = node
        self.severity = severity
        self.reason = reason
        self.kind = kind
        self.name = name
        self.message = message
    }
}
