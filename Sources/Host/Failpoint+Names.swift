import Model

extension NodeMessage {
    /// The last part of the failpoint before this message is sent.
    var failpoint: String {
        switch self {
        case .hello: "hello"
        case .applied: "applied"
        case .entries: "entries"
        case .heartbeat: "heartbeat"
        case .engine: "engine"
        case .holdings: "holdings"
        case .certify: "certify"
        case .audit: "audit"
        case .mesh: "mesh"
        }
    }
}

extension HubMessage {
    /// The last part of the failpoint before this message is handed on.
    var failpoint: String {
        switch self {
        case .welcome: "welcome"
        case .retry: "retry"
        case .documents: "documents"
        case .acknowledged: "acknowledged"
        case .inventory: "inventory"
        case .certified: "certified"
        case .keys: "keys"
        case .revocations: "revocations"
        case .witnessed: "witnessed"
        case .roster: "roster"
        case .plan: "plan"
        }
    }
}
