import Foundation
import Model

/// What every verb works with: whom to ask, where to answer, and what was answered before.
package struct Session: Sendable {
    package let console: Console
    package let context: Context
    package let connection: Connection
    package let cache: AnswerCache

    package init(console: Console, context: Context, cache: AnswerCache) {
        self.console = console
        self.context = context
        self.cache = cache
        connection = Connection(context.endpoint)
    }

    /// Opens the context named on the command line, or the current one. Connects to nothing.
    package static func open(
        context name: String?, file path: String?, environment: [String: String]
    ) throws(Failure) -> Session {
        let file = try ContextFile.read(path ?? ContextFile.path(environment))
        let context = try file.context(named: name, environment: environment)
        return Session(
            console: .standard(environment), context: context,
            cache: AnswerCache(
                directory: AnswerCache.directory(environment), context: context))
    }

    var vantage: Picture.Vantage {
        switch context.endpoint {
        case .hub: .hub
        case .node: .node
        }
    }

    /// A list, from the server or, where it cannot be reached, from what it said last.
    struct Heard: Sendable {
        var list: ObjectList
        /// Why the server could not be asked, and when it was last.
        var silence: (failure: Failure, heardAt: WallTime)?
    }

    func hear(_ kind: Kind, _ selector: Selector) async throws -> Heard {
        let path = Connection.path(kind, selector: selector)
        do {
            let list = try await connection.list(kind, selector)
            cache.keep(Array(try JSONEncoder().encode(list)), to: path, at: Session.now())
            return Heard(list: list)
        } catch let failure as Failure where failure.code == .unreachable {
            if let (answer, heardAt) = cache.recall(path) {
                return Heard(list: try Connection.decode(answer), silence: (failure, heardAt))
            }
            let whole = Connection.path(kind, selector: Selector())
            guard let (answer, heardAt) = cache.recall(whole) else { throw failure }
            var list: ObjectList = try Connection.decode(answer)
            list.items.removeAll { !selector.matches($0.selectable) }
            return Heard(list: list, silence: (failure, heardAt))
        }
    }

    /// Says on standard error that the server was not reached, and how old the answer is.
    ///
    /// - Returns: what to end with, or nil if all of it came from the server.
    func remarkSilence(_ heard: [Heard]) throws -> Failure? {
        let silences = heard.compactMap(\.silence)
        guard let oldest = silences.min(by: { $0.heardAt < $1.heardAt }) else { return nil }
        let now = Session.now()
        // The clock of this machine is all there is to measure this one age with.
        let age =
            Age(of: oldest.heardAt, asOf: now).map { "\($0) ago" }
            ?? "at \(oldest.heardAt), which is ahead of this clock"
        try console.remark("\(oldest.failure.message); showing what it said \(age)")
        return Failure(.unreachable, "")
    }

    static func now() -> WallTime {
        WallTime(milliseconds: Int64((Date().timeIntervalSince1970 * 1000).rounded()))
    }
}
