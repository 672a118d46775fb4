import Model
import Synchronization

/// Keeps a watch going through breaks of the link: says that it broke, tries again with back-off,
/// and says when it is back.
///
/// Only a watch that was in contact once is kept going; a server that never answered is a failure.
package struct Resumption: Sendable {
    /// Waits are drawn from nothing up to these, doubled from the first to the longest, so that many
    /// who watch one hub do not come back at one moment.
    package struct Limits: Sendable {
        package var waitFirst: Duration
        package var waitMax: Duration

        package static let production = Limits(waitFirst: .seconds(1), waitMax: .seconds(30))
        package static let tight = Limits(
            waitFirst: .milliseconds(1), waitMax: .milliseconds(4))
    }

    private let limits: Limits
    private let console: Console

    init(_ limits: Limits, console: Console) {
        self.limits = limits
        self.console = console
    }

    /// Runs `watch` again and again, until it fails for another reason than a broken link. It calls
    /// what it is given with each message that comes. `isInContact` says that the server has answered
    /// something before.
    func keep(
        isInContact: Bool = false,
        _ watch: (_ heard: @escaping @Sendable () throws -> Void) async throws -> Void
    ) async throws {
        let link = Mutex(isInContact ? Link.up : .new)
        var wait = limits.waitFirst
        while true {
            do {
                try await watch { [console] in
                    if link.withLock({ $0.hear() }) { try console.remark("in contact again") }
                }
                return
            } catch let failure as Failure where failure.code == .unreachable {
                switch link.withLock({ $0.lose() }) {
                case .new: throw failure
                case .up:
                    wait = limits.waitFirst
                    try console.remark(
                        "\(failure.message); what is shown stays as it was, trying again")
                case .broken: wait = min(wait * 2, limits.waitMax)
                }
                try await Task.sleep(for: wait * Double.random(in: 0...1))
            }
        }
    }

    private enum Link {
        case new, up, broken

        /// Answers whether this is a return.
        mutating func hear() -> Bool {
            defer { self = .up }
            return self == .broken
        }

        /// Answers what was before.
        mutating func lose() -> Link {
            defer { if self == .up { self = .broken } }
            return self
        }
    }
}
