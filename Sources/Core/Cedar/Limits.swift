/// The bounds of what may be read and worked out. No text and no entity gets past them, so that none
/// can exhaust memory, time or the stack.
package struct Limits: Hashable, Sendable {
    /// Of a policy text, in UTF-8.
    package var policyBytes: Int
    package var policies: Int
    /// How deep brackets and operators may nest, in policies and in values. At 64, reading and deciding
    /// fit into 512 KiB of stack in a release build and into 2 MiB in a debug build.
    package var depth: Int
    package var annotations: Int
    /// How many mistakes of one text are listed.
    package var mistakes: Int

    /// Of an entity file or a context, in UTF-8.
    package var entityBytes: Int
    package var entities: Int
    /// Values, of all entities together or of one context.
    package var values: Int
    /// Over all entities, counted once for each of their ancestors.
    package var ancestors: Int

    /// Steps of one decision: one for an operator, one for each element that is compared.
    package var steps: Int

    package static let production = Limits(
        policyBytes: 1 << 20, policies: 10_000, depth: 64, annotations: 256, mistakes: 100,
        entityBytes: 64 << 20, entities: 1 << 20, values: 8 << 20, ancestors: 8 << 20,
        steps: 2_000_000)

    package static let tight = Limits(
        policyBytes: 4096, policies: 16, depth: 16, annotations: 4, mistakes: 5, entityBytes: 4096,
        entities: 16, values: 256, ancestors: 64, steps: 2000)
}
