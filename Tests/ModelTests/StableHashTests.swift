import Model
import Testing

@Suite struct StableHashTests {
    /// Values of the authors' own list: sums in stores and shares of nodes rest on them.
    @Test(arguments: [
        ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c),
        ("foobar", 0x8594_4171_f739_67e8 as UInt64),
    ])
    func `it is FNV-1a`(_ text: String, _ value: UInt64) {
        var hash = StableHash()
        hash.add(text)
        #expect(hash.value == value)
        var again = StableHash()
        Array(text.utf8).withUnsafeBytes { again.add($0) }
        #expect(again == hash)
    }
}
