/// How it is kept that somebody was allowed to do something. That somebody was refused is always
/// kept, and durable before the answer.
package enum Auditing: Sendable {
    /// Plain reading.
    case unrecorded
    /// Durable before, or together with, what comes of it.
    case recorded
    /// Durable before anything comes of it.
    case atOnce
}

extension Verb {
    package func auditing(of target: AccessTarget) -> Auditing {
        switch self {
        case .status, .get, .review: .unrecorded
        case .apply, .delete: target.kind == .policy ? .atOnce : .recorded
        case .label, .cordon, .resolve: .recorded
        case .logs, .exec, .approve, .enrol, .vouch, .revoke, .breakGlass: .atOnce
        // What machines do all day; what of it is refused is kept all the same.
        case .connect, .peer, .run, .call: .unrecorded
        }
    }
}

extension Principal {
    /// As audit records name it.
    package var audited: String {
        switch self {
        case .user(let name): "user/\(name)"
        case .console: "console/local"
        case .node(let node, _): "node/\(node)"
        case .workload(let workload, _): "workload/\(workload)"
        }
    }
}

extension AccessTarget {
    /// As audit records name it.
    package var audited: String { kind == nil ? "fleet" : reference }
}

extension StreamRequest {
    /// What audit records say of it: for a command, which one.
    package var audited: String {
        switch purpose {
        case .logs: "container \(container.name)"
        case .exec(let exec): "container \(container.name): \(exec.command.joined(separator: " "))"
        }
    }
}
