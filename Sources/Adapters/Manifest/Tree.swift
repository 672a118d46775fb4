/// What a value looks like when coded, in the order of its fields.
indirect enum Tree: Equatable {
    case null
    case text(String)
    /// A number or boolean, as it is written.
    case literal(String)
    case list([Tree])
    case map([Pair])

    struct Pair: Equatable {
        var key: String
        var value: Tree
    }

    subscript(key: String) -> Tree? {
        guard case .map(let pairs) = self else { return nil }
        return pairs.first { $0.key == key }?.value
    }
}

extension Tree {
    /// Codes `value` as JSON coding would.
    init(coding value: any Encodable) throws {
        let encoder = TreeEncoder()
        try value.encode(to: encoder)
        self = encoder.slot.tree
    }
}

/// A place that a value is coded into. A class, since containers are handed out before they are
/// filled.
private final class Slot {
    private var value: Tree?
    private var items: [Slot] = []
    private var pairs: [(key: String, slot: Slot)] = []
    private var isList = false

    var tree: Tree {
        if let value { return value }
        if isList { return .list(items.map(\.tree)) }
        return .map(pairs.map { Tree.Pair(key: $0.key, value: $0.slot.tree) })
    }

    var count: Int { items.count }

    func set(_ tree: Tree) { value = tree }
    func becomeList() { isList = true }

    func item() -> Slot {
        let slot = Slot()
        items.append(slot)
        return slot
    }

    func field(_ key: String) -> Slot {
        if let pair = pairs.first(where: { $0.key == key }) { return pair.slot }
        let slot = Slot()
        pairs.append((key, slot))
        return slot
    }
}

private struct TreeEncoder: Encoder {
    let slot: Slot
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ slot: Slot = Slot()) { self.slot = slot }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        KeyedEncodingContainer(KeyedSlots<Key>(slot: slot))
    }
    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        slot.becomeList()
        return ListSlots(slot: slot)
    }
    func singleValueContainer() -> any SingleValueEncodingContainer { SingleSlot(slot: slot) }
}

extension Slot {
    /// Numbers and booleans code themselves through a container, so they are told apart here.
    func encode<Value: Encodable>(_ value: Value) throws {
        switch value {
        case let text as String: set(.text(text))
        case let flag as Bool: set(.literal("\(flag)"))
        case let number as Double: set(.literal(decimalText(number)))
        case let number as any BinaryInteger: set(.literal("\(number)"))
        default: try value.encode(to: TreeEncoder(self))
        }
    }
}

private struct SingleSlot: SingleValueEncodingContainer {
    let slot: Slot
    var codingPath: [any CodingKey] { [] }

    func encodeNil() { slot.set(.null) }
    func encode<Value: Encodable>(_ value: Value) throws { try slot.encode(value) }
}

private struct ListSlots: UnkeyedEncodingContainer {
    let slot: Slot
    var codingPath: [any CodingKey] { [] }
    var count: Int { slot.count }

    func encodeNil() { slot.item().set(.null) }
    func encode<Value: Encodable>(_ value: Value) throws { try slot.item().encode(value) }
    func nestedContainer<Key: CodingKey>(
        keyedBy type: Key.Type
    ) -> KeyedEncodingContainer<Key> {
        TreeEncoder(slot.item()).container(keyedBy: type)
    }
    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
        TreeEncoder(slot.item()).unkeyedContainer()
    }
    func superEncoder() -> any Encoder { TreeEncoder(slot.item()) }
}

private struct KeyedSlots<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let slot: Slot
    var codingPath: [any CodingKey] { [] }

    func encodeNil(forKey key: Key) { slot.field(key.stringValue).set(.null) }
    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try slot.field(key.stringValue).encode(value)
    }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        TreeEncoder(slot.field(key.stringValue)).container(keyedBy: type)
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        TreeEncoder(slot.field(key.stringValue)).unkeyedContainer()
    }
    func superEncoder() -> any Encoder { TreeEncoder(slot.field("super")) }
    func superEncoder(forKey key: Key) -> any Encoder {
        TreeEncoder(slot.field(key.stringValue))
    }
}
