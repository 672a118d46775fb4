import RouteOptimizing
import Testing

@Suite struct RequestTests {
    @Test func `a full request is read as written`() throws {
        let request = try read(
            """
            {"depart":"07:30","speed":50,"stops":[{"lat":1,"lon":2.5},
             {"id":"b","lat":-1e1,"lon":0,"window":{"from":"08:00","to":"24:00"},"service":5}]}
            """)
        #expect(
            request
                == RouteRequest(
                    stops: [
                        .init(label: .number(0), latitude: 1, longitude: 2.5),
                        .init(
                            label: .string("b"), latitude: -10, longitude: 0,
                            window: .init(from: 480, to: 1440), service: 5),
                    ], depart: 450, speed: 50))
    }

    @Test func `every mistake is reported at once`() {
        let mistakes = mistakes(
            """
            {"depart":"8","speed":0,"wheels":4,"stops":[{"id":"a","lat":91,"lon":"x"},
             {"id":"a","lat":1,"lon":1,"window":{"from":"10:00","to":"09:00"},"service":-1}, 7]}
            """)
        for place in [
            "depart:", "speed:", "'wheels'", "stops[0].lat:", "stops[0].lon:", "stops[1].id:",
            "stops[1].window:", "stops[1].service:", "stops[2]:",
        ] {
            #expect(mistakes.contains { $0.contains(place) }, "\(place)")
        }
        #expect(mistakes.count == 9)
    }

    @Test func `a flood of mistakes is cut off and counted`() {
        let stops = [String](repeating: "{}", count: 1000).joined(separator: ",")
        let mistakes = mistakes("{\"stops\":[\(stops)]}")
        #expect(mistakes.count == RouteMistakes.listMax)
        #expect(mistakes.last == "and 1901 more mistakes")
    }

    @Test(arguments: [
        "", "{", "[", "nul", "{\"stops\":[{\"lat\":NaN,\"lon\":1}]}", "{\"a\":1}x", "{\"a\" 1}",
        "{\"a\":1,}", "[1,]", "01", "1.", "1e", "1e999", "-", "\"\\x\"", "\"\\ud800\"", "\"\n\"",
        "{\"a\":1,\"a\":2}", "\"abc", String(repeating: "[", count: 100_000), "\u{FEFF}{}",
    ])
    func `text that is not JSON is refused with its place`(text: String) {
        #expect(mistakes(text).first?.hasPrefix("the body is not JSON: line ") == true)
    }

    @Test(arguments: [[0x22, 0xFF, 0x22], [0x22, 0xC0, 0x80, 0x22], [0xFF], [0]] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        #expect(throws: JSONError.self) { try JSON(parsing: bytes) }
    }

    @Test(arguments: [
        "{}", "[]", "null", "{\"stops\":[]}", "{\"stops\":null}", "{\"stops\":[{\"lat\":1}]}",
        "{\"stops\":[{\"lat\":1,\"lon\":1,\"service\":1e308}]}",
        "{\"stops\":[{\"lat\":1,\"lon\":1,\"id\":\"\"}]}",
        "{\"stops\":[{\"lat\":1,\"lon\":1,\"window\":{\"from\":\"24:01\",\"to\":\"24:01\"}}]}",
        "{\"stops\":[" + [String](repeating: "0", count: 1001).joined(separator: ",") + "]}",
    ])
    func `a request with too little, too much or nonsense is refused`(text: String) {
        #expect(!mistakes(text).isEmpty)
    }

    @Test func `a value survives being written and read`() throws {
        let value = JSON.object([
            .init("text", .string("a\"\\\n\u{1}é🚚")), .init("list", .array([.null, .bool(true)])),
            .init("numbers", .array([.number(-0.125), .number(1e6), .number(3)])),
        ])
        #expect(try JSON(parsing: Array(value.text.utf8)) == value)
    }

    @Test func `escapes become the characters they stand for`() throws {
        let value = try JSON(parsing: Array(#""\u00e9\ud83d\ude9a\/\t""#.utf8))
        #expect(value == .string("é🚚/\t"))
    }

    @Test func `random damage to a request never crashes the reader`() throws {
        let whole = Array(
            #"{"stops":[{"id":"é\n","lat":1.5e1,"lon":-2,"window":{"from":"08:00","to":"10:00"}}]}"#
                .utf8)
        var reads = 0
        for place in whole.indices {
            for byte in [0, 0x22, 0x2C, 0x5B, 0x5C, 0x65, 0x7B, 0xC3, 0xFF] as [UInt8] {
                var damaged = whole
                damaged[place] = byte
                do {
                    _ = Tour(solving: try RouteRequest(parsing: damaged), effort: 100)
                    reads += 1
                } catch {
                    #expect(!error.texts.isEmpty)
                }
            }
        }
        #expect(reads < whole.count * 9)
    }

    private func read(_ text: String) throws -> RouteRequest {
        try RouteRequest(parsing: Array(text.utf8))
    }

    private func mistakes(_ text: String) -> [String] {
        do throws(RouteMistakes) {
            _ = try RouteRequest(parsing: Array(text.utf8))
            return []
        } catch {
            return error.texts
        }
    }
}
