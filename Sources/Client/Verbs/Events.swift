import Model
import Synchronization

/// Tells what happened, oldest first, and with `follows` what happens from here on.
package struct Events: Sendable {
    private static let limitMax = 10_000

    private let limit: Int
    private let follows: Bool
    private let format: Format
    private let headings: Bool
    private let about: (kind: Kind, name: String)?
    private let limits: Resumption.Limits?

    /// `limits` are those of going on behind a broken link; nil ends there.
    package init(
        about word: String?, limit: Int, follows: Bool, format: Format, headings: Bool,
        limits: Resumption.Limits? = .production
    ) throws(Failure) {
        guard (1...Events.limitMax).contains(limit) else {
            throw Failure(.usage, "--limit is from 1 to 10000")
        }
        about = try word.map { word throws(Failure) in try Target.objects([word])[0] }
        self.limit = limit
        self.follows = follows
        self.format = format
        self.headings = headings
        self.limits = limits
    }

    package func run(in session: Session) async throws {
        // Asked for all when following, since the watch begins with all: what is known by then is
        // not said twice, and what happens in between is not missed.
        var list = try await session.connection.events(limit: follows ? Events.limitMax : limit)
        let known = Told(Counted(list.items))
        list.items = list.items.suffix(limit)
        let events = list.items.filter(isWanted).sorted { $0.at < $1.at }
        switch format {
        case .json: try session.console.sayJSON(EventList(items: events, asOf: list.asOf))
        case .yaml, .name: throw Failure(.usage, "events are shown as a table, wide or as json")
        case .table, .wide: try show(events, asOf: list.asOf, on: session.console)
        }
        guard follows else { return }
        guard let limits else { return try await follow(past: known, in: session) {} }
        try await Resumption(limits, console: session.console).keep(isInContact: true) {
            heard in
            try await follow(past: known, in: session, heard)
        }
    }

    /// One watch, from all that is kept, to its break. Ages of lines that stay on the screen would
    /// be wrong soon: from here on, times.
    private func follow(
        past known: Told, in session: Session,
        _ heard: @escaping @Sendable () throws -> Void
    ) async throws {
        // What is told again is counted down here, and counted up there for the watch after this.
        let place = known.place.withLock { $0 }
        let again = Told(place == nil ? known.events.withLock { $0 } : Counted([]))
        try await session.connection.watchEvents(behind: place) { event, place in
            if let place { known.place.withLock { $0 = place } }
            guard !again.events.withLock({ $0.take(event) }) else { return }
            known.events.withLock { $0.add(event) }
            guard isWanted(event) else { return }
            if format == .json {
                try session.console.sayJSON(event, isPretty: false)
            } else {
                try session.console.say(EventTable.line(event, colours: session.console.colours))
            }
        } opened: {
            try heard()
        } lost: {
            let all = known.events.withLock { $0 }
            again.events.withLock { $0 = all }
        }
    }

    private func show(_ events: [Event], asOf: WallTime, on console: Console) throws {
        if events.isEmpty, !follows { try console.remark("no events") }
        guard !events.isEmpty else { return }
        try console.say(EventTable.table(events, asOf: asOf), as: format, headings: headings)
    }

    private func isWanted(_ event: Event) -> Bool {
        about.map { $0.kind == event.kind && $0.name == event.name } ?? true
    }
}

/// The events that a person was told of, over all watches.
private final class Told: Sendable {
    let events: Mutex<Counted>
    /// Behind the last that came on a watch; nil before there was one.
    let place = Mutex<String?>(nil)

    init(_ events: Counted) { self.events = Mutex(events) }
}

/// Events with how often each is there: two equal ones are two.
private struct Counted {
    private var counts: [Event: Int] = [:]

    init(_ events: [Event]) {
        for event in events { add(event) }
    }

    mutating func add(_ event: Event) { counts[event, default: 0] += 1 }

    /// Takes one such event out, and says whether there was one.
    mutating func take(_ event: Event) -> Bool {
        guard let count = counts[event] else { return false }
        counts[event] = count > 1 ? count - 1 : nil
        return true
    }
}

/// Events as rows.
enum EventTable {
    static func table(_ events: [Event], asOf: WallTime) -> TextTable {
        TextTable(
            [
                .init("LAST-SEEN", rank: 2), .init("TYPE", rank: 3), .init("REASON", rank: 1),
                .init("OBJECT", rank: 0, widthMin: 12), .init("NODE", rank: 5),
                .init("MESSAGE", rank: 4, widthMin: 16),
            ],
            rows: events.map { event in
                [
                    .init(Age.text(of: event.at, asOf: asOf)),
                    .init(event.severity.rawValue, tone(event)), .init(event.reason),
                    .init("\(event.kind.word)/\(event.name)"), .init(event.node?.text ?? "(hub)"),
                    .init(event.message),
                ]
            })
    }

    static func line(_ event: Event, colours: Bool) -> String {
        let severity = event.severity.rawValue.padded(to: 8)
        return visible(event.at.description) + "  "
            + (colours ? tone(event).painted(severity) : severity)
            + visible(
                "\(event.reason)  \(event.kind.word)/\(event.name)  "
                    + "\(event.node?.text ?? "(hub)")  \(event.message)")
    }

    private static func tone(_ event: Event) -> Tone {
        event.severity == .warning ? .caution : .plain
    }
}
