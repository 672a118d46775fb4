/// A value as people and files write it: of an attribute, a tag or the context.
package indirect enum Value: Hashable, Sendable {
    case bool(Bool)
    case long(Int64)
    case string(Text)
    case entity(EntityUID)
    /// Without order; what is there twice counts once.
    case set([Value])
    case record([Text: Value])
    /// A value of an extension type, by how it is made: `.call(.ip, [.string("10.0.0.0/8")])`.
    case call(Function, [Value])
}

/// A thing that policies are about.
package struct Entity: Hashable, Sendable {
    package let uid: EntityUID
    package var attributes: [Text: Value]
    package var tags: [Text: Value]
    /// The groups that it is in, which need not be among the entities themselves.
    package var parents: [EntityUID]

    package init(
        _ uid: EntityUID, attributes: [Text: Value] = [:], tags: [Text: Value] = [:],
        parents: [EntityUID] = []
    ) {
        self.uid = uid
        self.attributes = attributes
        self.tags = tags
        self.parents = parents
    }
}
