import Hummingbird
import Model

extension Interface {
    /// First the whole list, then what changed in it.
    func watch(
        _ kind: Kind, _ selector: LabelSelector, behind: String?, for call: Call
    ) -> Response {
        .flowing("text/event-stream", for: call.request) { _, outlet in
            // Subscribed before the first look, so that nothing falls in between.
            let signals = await backend.changes()
            let first = try await list(kind, selector, for: call)
            var known = KnownObjects(first)
            // Who has exactly this needs no list again.
            if behind == first.streamID {
                try await outlet.sendHeartbeat()
            } else {
                try await outlet.send(event: "list", id: first.streamID, first)
            }
            try await lookAgain(on: signals) {
                try await checkStanding(of: call, [])
                let list = try await list(kind, selector, for: call)
                let (changed, removed) = known.update(to: list)
                if !changed.isEmpty {
                    let changes = ObjectList(items: changed, asOf: list.asOf)
                    // Half of what changed is no place to go on from.
                    try await outlet.send(
                        event: "changed", id: removed.isEmpty ? list.streamID : nil, changes)
                }
                if !removed.isEmpty {
                    try await outlet.send(
                        event: "removed", id: list.streamID, RemovedNames(names: removed))
                }
                if changed.isEmpty, removed.isEmpty { try await outlet.sendHeartbeat() }
            }
        }
    }

    /// First the newest `limit` events, or those behind one, then each new one.
    func watchEvents(limit: Int, behind: String?, for call: Call) -> Response {
        .flowing("text/event-stream", for: call.request) { _, outlet in
            let signals = await backend.changes()
            var known = KnownEvents()
            let first = known.update(to: await backend.events(limit: limits.eventsMax))
            for event in try await rest(of: first, limit, behind, outlet, \.streamID) {
                try await outlet.send(event: "event", id: event.streamID, event)
            }
            try await lookAgain(on: signals) {
                try await checkStanding(of: call, [(.get, .fleet)])
                let new = known.update(to: await backend.events(limit: limits.eventsMax))
                for event in new {
                    try await outlet.send(event: "event", id: event.streamID, event)
                }
                if new.isEmpty { try await outlet.sendHeartbeat() }
            }
        }
    }

    /// First the newest `limit` decisions, then each new one.
    func watchDecisions(
        about filter: DecisionFilter?, limit: Int, behind: String?, for call: Call
    ) -> Response {
        .flowing("text/event-stream", for: call.request) { _, outlet in
            let signals = await backend.changes()
            let first = await backend.decisions(about: filter, limit: limits.eventsMax)
            var known = Set(first.items.map(\.id))
            for decision in try await rest(of: first.items, limit, behind, outlet, \.streamID) {
                try await outlet.send(event: "decision", id: decision.streamID, decision)
            }
            try await lookAgain(on: signals) {
                try await checkStanding(of: call, [(.get, .fleet)])
                let list = await backend.decisions(about: filter, limit: limits.eventsMax)
                let new = list.items.filter { !known.contains($0.id) }
                known = Set(list.items.map(\.id))
                for decision in new {
                    try await outlet.send(event: "decision", id: decision.streamID, decision)
                }
                if new.isEmpty { try await outlet.sendHeartbeat() }
            }
        }
    }

    /// First `limit` records from one on, or the newest, then each new one.
    func watchAudit(from index: UInt64?, limit: Int, for call: Call) -> Response {
        .flowing("text/event-stream", for: call.request) { _, outlet in
            let signals = await backend.changes()
            let first = try await backend.audit(from: index, limit: limit)
            for entry in first.items {
                try await outlet.send(event: "record", id: "\(entry.index)", entry)
            }
            var next = first.items.last.map { $0.index + 1 } ?? max(1, index ?? 1)
            try await lookAgain(on: signals) {
                try await checkStanding(of: call, [(.review, .fleet)])
                let page = try await backend.audit(from: next, limit: limits.eventsMax)
                for entry in page.items {
                    try await outlet.send(event: "record", id: "\(entry.index)", entry)
                }
                next = (page.items.last?.index).map { $0 + 1 } ?? next
                if page.items.isEmpty { try await outlet.sendHeartbeat() }
            }
        }
    }

    /// What a watcher is sent first: the newest, or what stands behind what it had last. Where that is
    /// not known any more it is told so, and gets all.
    private func rest<Item>(
        of items: [Item], _ limit: Int, _ behind: String?, _ outlet: Outlet, _ id: (Item) -> String
    ) async throws -> ArraySlice<Item> {
        guard let behind else { return items.suffix(limit) }
        if let rest = items.behind(behind, id) {
            // Who missed nothing hears at once that it is back.
            if rest.isEmpty { try await outlet.sendHeartbeat() }
            return rest
        }
        try await outlet.send(event: "gap", Gap(after: behind))
        return items[...]
    }

    /// Looks after each signal and after each heartbeat, but never more often than every
    /// `watchPause`: signals that come meanwhile are one signal. Returns when the signals end.
    func lookAgain(
        on signals: AsyncStream<Void>, _ look: () async throws -> Void
    ) async throws {
        let (ticks, tick) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let limits = limits
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                for await _ in signals {
                    tick.yield()
                    try await Task.sleep(for: limits.watchPause)
                }
                tick.finish()
            }
            group.addTask {
                while true {
                    try await Task.sleep(for: limits.heartbeat)
                    tick.yield()
                }
            }
            for await _ in ticks { try await look() }
            group.cancelAll()
        }
    }
}

struct RemovedNames: Codable {
    var names: [String]
}

/// The list as a watcher knows it.
struct KnownObjects {
    private var objects: [String: Object] = [:]

    init(_ list: ObjectList) {
        for object in list.items { objects[object.metadata.name] = object }
    }

    /// Takes over `list`; answers what is new or different, in its order, and what is gone.
    mutating func update(to list: ObjectList) -> (changed: [Object], removed: [String]) {
        var gone = objects
        var changed: [Object] = []
        for object in list.items {
            let name = object.metadata.name
            if gone.removeValue(forKey: name) != object {
                changed.append(object)
                objects[name] = object
            }
        }
        for name in gone.keys { objects[name] = nil }
        return (changed, gone.keys.sorted())
    }
}

/// The events that a watcher was sent, as far back as the window reaches.
///
/// Counted, since two equal events are two events. Nodes that come back tell of old ones, so new
/// events may stand anywhere in the list.
struct KnownEvents {
    private var counts: [Event: Int] = [:]

    mutating func update(to list: EventList) -> [Event] {
        var known = counts
        counts = [:]
        var new: [Event] = []
        for event in list.items {
            counts[event, default: 0] += 1
            if let left = known[event], left > 0 {
                known[event] = left - 1
            } else {
                new.append(event)
            }
        }
        return new
    }
}
