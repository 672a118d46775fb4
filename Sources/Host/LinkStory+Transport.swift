import Model
import Transport

extension LinkStory.Trouble {
    /// Nil where this side itself gave up, which is nothing to tell.
    init?(_ error: TransportError) {
        switch error {
        case .cancelled: return nil
        case .untrusted(.hub, _):
            self.init(
                .refused, topic: "untrusted hub",
                reason: "\(error); if that is another hub, check the address, or enrol this node "
                    + "there")
        case .untrusted(.node, _):
            self.init(.refused, topic: "untrusted node", reason: "\(error)")
        case .refused(_, let reason):
            self.init(.refused, topic: "refused: \(reason)", reason: "\(error)")
        case .denied(let reason):
            self.init(.refused, topic: "denied: \(reason)", reason: "\(error)")
        case .identity: self.init(.refused, topic: "identity", reason: "\(error)")
        case .garbled: self.init(.unreachable, topic: "garbled", reason: "\(error)")
        case .address: self.init(.unreachable, topic: "address", reason: "\(error)")
        default: self.init(.unreachable, topic: "unreachable", reason: "\(error)")
        }
    }
}
