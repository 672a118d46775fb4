import Model

/// Shows the objects of one kind, and then each change as it comes.
///
/// Where the link breaks it goes on when the link is back, with what changed meanwhile.
package struct Watch: Sendable {
    private let target: Target
    private let selector: Selector
    private let format: Format
    private let headings: Bool
    private let limits: Resumption.Limits

    package init(
        _ targets: [Target], selector: Selector, format: Format, headings: Bool,
        limits: Resumption.Limits = .production
    ) throws(Failure) {
        guard targets.count == 1, let target = targets.first else {
            throw Failure(.usage, "-w follows one kind, or one object")
        }
        self.target = target
        self.selector = selector
        self.format = format
        self.headings = headings
        self.limits = limits
    }

    package func run(in session: Session) async throws {
        let (changes, feed) = AsyncThrowingStream.makeStream(of: Heard.self)
        let asksNodes = target.kind == .instance && session.vantage == .hub
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await Resumption(limits, console: session.console).keep { heard in
                    try await listen(
                        asksNodes: asksNodes, in: session, heard: heard, passing: feed)
                }
            }
            group.addTask { try await show(changes, awaitsNodes: asksNodes, in: session) }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    /// One watch from its list to its break.
    private func listen(
        asksNodes: Bool, in session: Session, heard: @escaping @Sendable () throws -> Void,
        passing feed: AsyncThrowingStream<Heard, any Error>.Continuation
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await session.connection.watch(target.kind, selector) { change -> Void? in
                    try heard()
                    feed.yield(.objects(change))
                    return nil
                }
            }
            if asksNodes {
                group.addTask {
                    try await session.connection.watch(.node) { change -> Void? in
                        feed.yield(.nodes(change))
                        return nil
                    }
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private enum Heard: Sendable {
        case objects(Connection.Change)
        case nodes(Connection.Change)
    }

    private func show(
        _ changes: AsyncThrowingStream<Heard, any Error>, awaitsNodes: Bool, in session: Session
    ) async throws {
        var picture: Picture?
        var waiting: [Connection.Change] = []
        var sheet = Sheet(kind: target.kind, format: format, headings: headings)
        for try await heard in changes {
            switch heard {
            case .nodes(.list(let list)), .nodes(.changed(let list)):
                if picture == nil {
                    picture = Picture(asOf: list.asOf, vantage: session.vantage)
                }
                picture?.asOf = list.asOf
                picture?.update(list.items)
            case .nodes(.removed): continue
            case .objects(let change): waiting.append(change)
            }
            if picture == nil, awaitsNodes { continue }
            for change in waiting {
                try sheet.show(only(change), picture: &picture, in: session)
            }
            waiting = []
        }
    }

    /// The part of a change that was asked for.
    private func only(_ change: Connection.Change) -> Connection.Change {
        guard let name = target.name else { return change }
        switch change {
        case .list(var list):
            list.items.removeAll { $0.metadata.name != name }
            return .list(list)
        case .changed(var list):
            list.items.removeAll { $0.metadata.name != name }
            return .changed(list)
        case .removed(let names): return .removed(names.filter { $0 == name })
        }
    }
}

/// What a watch has on the screen: headings once, rows below them.
private struct Sheet {
    let kind: Kind
    let format: Format
    let headings: Bool
    private var layout: TextTable.Layout?
    /// What was shown, by name.
    private var known: [String: Object] = [:]

    init(kind: Kind, format: Format, headings: Bool) {
        self.kind = kind
        self.format = format
        self.headings = headings
    }

    mutating func show(
        _ change: Connection.Change, picture: inout Picture?, in session: Session
    ) throws {
        switch change {
        case .list(let list), .changed(let list):
            if picture == nil { picture = Picture(asOf: list.asOf, vantage: session.vantage) }
            picture?.asOf = list.asOf
            let gone = change.isList ? missing(in: list) : []
            // A node that is heard from says what it uses, which is why one watches nodes; of
            // everything else only the age changes with each contact.
            let isFigure = kind == .node && !change.isList
            let items = isFigure ? list.items : list.items.filter(isNews)
            for object in items { known[object.metadata.name] = object.essence }
            if let picture, !items.isEmpty || layout == nil {
                try rows(items, picture: picture, on: session.console)
            }
            try remove(gone, on: session.console)
        case .removed(let names): try remove(names, on: session.console)
        }
    }

    private func isNews(_ object: Object) -> Bool { known[object.metadata.name] != object.essence }

    /// What was removed while the link was broken.
    private func missing(in list: ObjectList) -> [String] {
        Set(known.keys).subtracting(list.items.map(\.metadata.name)).sorted()
    }

    private mutating func remove(_ names: [String], on console: Console) throws {
        for name in names {
            known[name] = nil
            try gone(name, on: console)
        }
    }

    private mutating func rows(
        _ objects: [Object], picture: Picture, on console: Console
    ) throws {
        guard format.isTable else {
            return try data(objects, picture, on: console)
        }
        let tables = ObjectTables(picture: picture, isWide: format == .wide)
        let table = tables.table(kind, objects)
        let isFirst = layout == nil
        let layout = self.layout ?? table.layout(width: format == .wide ? nil : console.width)
        self.layout = layout
        try console.say(
            table.lines(in: layout, colours: console.colours, headings: isFirst && headings))
    }

    private func data(_ objects: [Object], _ picture: Picture, on console: Console) throws {
        for object in objects {
            if format == .json {
                try console.sayJSON(object, isPretty: false)
            } else {
                try Printer(format).show([object], isSingle: true, asOf: picture.asOf, on: console)
            }
        }
    }

    private func gone(_ name: String, on console: Console) throws {
        struct Removal: Encodable {
            var kind: Kind
            var name: String
            var removed = true
        }
        if format == .json {
            try console.sayJSON(Removal(kind: kind, name: name), isPretty: false)
        } else if format != .yaml {
            try console.say(visible("\(kind.word)/\(name) removed"))
        }
    }
}
