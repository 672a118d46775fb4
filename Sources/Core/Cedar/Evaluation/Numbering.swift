/// Gives numbers to names, from zero upwards.
struct Numbering<Name: Hashable & Sendable>: Sendable {
    private(set) var names: [Name] = []
    private var numbers: [Name: Int32] = [:]

    subscript(_ name: Name) -> Int32? { numbers[name] }

    mutating func number(_ name: Name) -> Int32 {
        if let known = numbers[name] { return known }
        let number = Int32(names.count)
        names.append(name)
        numbers[name] = number
        return number
    }
}

/// The numbers of entities, types and attributes.
struct Symbols: Sendable {
    private(set) var uids = Numbering<EntityUID>()
    private(set) var types = Numbering<Text>()
    private(set) var keys = Numbering<Text>()
    /// The type of each entity that has a number.
    private(set) var typeOf: [Int32] = []

    mutating func uid(_ uid: EntityUID) -> Int32 {
        if let known = uids[uid] { return known }
        typeOf.append(types.number(uid.type))
        return uids.number(uid)
    }

    mutating func type(_ name: Text) -> Int32 { types.number(name) }

    mutating func key(_ name: Text) -> Int32 { keys.number(name) }
}

/// Numbers what a value names, while it is turned into a datum.
protocol Naming {
    mutating func uid(_ uid: EntityUID) -> Int32
    mutating func key(_ name: Text) -> Int32
}

extension Symbols: Naming {}

/// The numbers of one request: those that are known, and above them what it alone names.
struct RequestSymbols: Naming {
    private let known: Symbols
    private var uids = Numbering<EntityUID>()
    private var keys = Numbering<Text>()

    init(_ known: Symbols) { self.known = known }

    mutating func uid(_ uid: EntityUID) -> Int32 {
        known.uids[uid] ?? Int32(known.typeOf.count) + uids.number(uid)
    }

    mutating func key(_ name: Text) -> Int32 {
        known.keys[name] ?? Int32(known.keys.names.count) + keys.number(name)
    }

    /// -1, which is no type of any policy, where the type is known to none.
    func type(of number: Int32) -> Int32 {
        let index = Int(number)
        if index < known.typeOf.count { return known.typeOf[index] }
        return known.types[uids.names[index - known.typeOf.count].type] ?? -1
    }
}

extension Value {
    func datum(_ names: inout some Naming, _ budget: inout Budget) throws(Failure) -> Datum {
        budget.spend()
        try budget.check()
        switch self {
        case .bool(let value): return .bool(value)
        case .long(let value): return .long(value)
        case .string(let value): return .string(value)
        case .entity(let uid): return .entity(names.uid(uid))
        case .set(let elements):
            var data: [Datum] = []
            data.reserveCapacity(elements.count)
            for element in elements { data.append(try element.datum(&names, &budget)) }
            return .set(of: data, &budget)
        case .record(let fields): return .record(try Value.fields(fields, &names, &budget))
        case .call(let function, let arguments):
            var data: [Datum] = []
            for argument in arguments { data.append(try argument.datum(&names, &budget)) }
            return try function(data)
        }
    }

    static func fields(
        _ record: [Text: Value], _ names: inout some Naming, _ budget: inout Budget
    ) throws(Failure) -> [Datum.Field] {
        var fields: [Datum.Field] = []
        fields.reserveCapacity(record.count)
        for (key, value) in record {
            fields.append(
                Datum.Field(key: names.key(key), value: try value.datum(&names, &budget)))
        }
        fields.sort { $0.key < $1.key }
        return fields
    }
}
