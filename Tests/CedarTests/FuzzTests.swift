import Cedar
import CedarFuzz
import Testing

@Suite struct FuzzTests {
    @Test func `broken policies and entities are refused or decided, and crash nothing`() {
        let fuzz = onSmallStack {
            var fuzz = Fuzz(seed: 7)
            fuzz.run(2000)
            return fuzz
        }
        // Most are refused; if none were read, nothing was tried.
        #expect(fuzz.readable > 100)
    }

    @Test(arguments: [
        ("(", "true", ")"), ("!(", "true", ")"), ("[", "1", "].contains(1)"),
        ("if true then ", "true", " else false"), ("{a: ", "true", "}.a"),
        ("-(", "1", ")"), ("true && (", "true", ")"), ("[[", "1", "]] == [1] || true"),
    ])
    func `as deep as the limit allows takes less stack than any thread has`(
        open: String, inner: String, close: String
    ) {
        let deepest = onSmallStack { () -> Int in
            for depth in 1...70 {
                let text =
                    "permit(principal, action, resource) when { "
                    + String(repeating: open, count: depth) + inner
                    + String(repeating: close, count: depth) + " };"
                do {
                    let authoriser = try Authoriser(PolicyText(text).statements)
                    _ = authoriser.decide(anything())
                } catch {
                    return depth - 1
                }
            }
            return .max
        }
        // One repetition opens up to four levels, of 64.
        #expect((15...64).contains(deepest))
    }

    @Test func `a context as deep as the limit allows takes less stack than any thread has`() {
        let ruling = onSmallStack { () -> Ruling? in
            let deep = String(repeating: "[", count: 63) + String(repeating: "]", count: 63)
            do {
                let context = try Value.readContext(json: bytes("{\"a\": \(deep), \"b\": \(deep)}"))
                let text = "permit(principal, action, resource) when { context.a == context.b };"
                return try Authoriser(PolicyText(text).statements)
                    .decide(anything(context: context))
            } catch {
                return nil
            }
        }
        #expect(ruling?.isAllowed == true)
    }
}
