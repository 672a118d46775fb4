import Model
import Testing

@Suite struct RecentTests {
    @Test(arguments: 1...7) func `as many as there is room for are kept, oldest first`(limit: Int) {
        var recent = Recent<Int>(limit: limit)
        var all: [Int] = []
        for number in 0..<20 {
            recent.append(number)
            all.append(number)
            #expect(Array(recent) == Array(all.suffix(limit)))
            #expect(recent.last == number)
            #expect(recent == Recent(all, limit: limit))
        }
    }
}
