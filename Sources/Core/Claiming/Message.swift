package import Model

/// What members say to each other about claims. Each speaks from its own seat: a claim is its sender's,
/// and so is a refusal, whoever it names.
package enum Message: Hashable, Sendable {
    /// I want it, or hold it.
    case claim(Tenure)
    /// As far as I am concerned it is yours.
    case acknowledge(InstanceID, epoch: UInt64, isHeld: Bool)
    /// This stands against it.
    case refuse(Tenure)

    package var instance: InstanceID {
        switch self {
        case .claim(let tenure), .refuse(let tenure): tenure.instance
        case .acknowledge(let instance, _, _): instance
        }
    }
}

/// Something to be said to one member.
package struct Post: Hashable, Sendable {
    package let member: NodeID
    package let messages: [Message]

    package init(to member: NodeID, _ messages: [Message]) {
        self.member = member
        self.messages = messages
    }
}
