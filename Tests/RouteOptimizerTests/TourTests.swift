import RouteOptimizing
import Testing

@Suite struct TourTests {
    @Test(arguments: 0..<20)
    func `eight stops are routed within one percent of the best tour`(seed: Int) {
        let request = scattered(stops: 8, seed: seed)
        let best = exhaustive(request)
        let tour = solve(request)
        #expect(tour.order.sorted() == Array(0..<8))
        #expect(tour.order.first == 0)
        #expect(tour.kilometres <= best.kilometres * 1.01)
    }

    @Test(arguments: 0..<20)
    func `windows are kept wherever some order keeps them`(seed: Int) {
        var request = scattered(stops: 8, seed: seed)
        openWindows(in: &request, seed: seed)
        let best = exhaustive(request)
        let tour = solve(request)
        #expect(tour.lateMinutes <= best.lateMinutes + 0.5)
        if best.late.isEmpty { #expect(tour.late.isEmpty) }
    }

    @Test func `two hundred stops with windows that can be kept are all reached in time`() {
        var request = scattered(stops: 200, seed: 7)
        openWindows(in: &request, seed: 7)
        #expect(solve(request).late.isEmpty)
    }

    @Test func `two hundred stops take a fifth less road than always going to the nearest`() {
        var ratio = 0.0
        for seed in 0..<5 {
            let request = scattered(stops: 200, seed: seed)
            ratio += solve(request).kilometres / Tour(nearestNeighbour: request).kilometres
        }
        // The nearest-neighbour tour is about 25 % above the optimum, so 0.8 is near the best.
        #expect(ratio / 5 < 0.84)
    }

    @Test func `the same request gives the same tour`() {
        var request = scattered(stops: 120, seed: 3)
        openWindows(in: &request, seed: 3)
        #expect(solve(request) == solve(request))
    }

    @Test(arguments: 1...4)
    func `the smallest tours are complete`(stops: Int) {
        let request = scattered(stops: stops, seed: 1)
        let tour = solve(request)
        #expect(tour.order.sorted() == Array(0..<stops))
        #expect(tour.kilometres == exhaustive(request).kilometres || stops == 4)
    }

    @Test func `a thousand stops at one place are visited without driving`() {
        let stop = RouteRequest.Stop(label: .number(0), latitude: 10, longitude: 10)
        let tour = solve(RouteRequest(stops: [RouteRequest.Stop](repeating: stop, count: 1000)))
        #expect(tour.order.sorted() == Array(0..<1000))
        #expect(tour.kilometres == 0)
    }

    @Test func `distances follow the surface of the Earth`() {
        let stops = [(0.0, 0.0), (0.0, 90.0), (0.0, 180.0), (90.0, 0.0)].map {
            RouteRequest.Stop(label: .null, latitude: $0.0, longitude: $0.1)
        }
        let distances = Distances(stops)
        let quarter = Float(10007.557)
        #expect(abs(distances[0, 1] - quarter) < 0.01)
        #expect(abs(distances[0, 2] - 2 * quarter) < 0.01)
        #expect(abs(distances[1, 3] - quarter) < 0.01)
        #expect(distances[3, 3] == 0)
    }

    @Test func `rush hour lengthens the day and not the road`() throws {
        let request = scattered(stops: 20, seed: 5)
        let hours = (0..<24).map { JSON.number($0 == 8 ? 2 : 1) }
        let rush = try #require(TravelFactors(.object([JSON.Field("factors", .array(hours))])))
        let free = solve(request)
        let slow = Tour(solving: request, factors: rush, effort: effort)
        #expect(slow.kilometres == free.kilometres)
        #expect(slow.minutes > free.minutes)
    }

    @Test(arguments: [
        "[1]", #"{"factors":[1,2]}"#, #"{"factors":"x"}"#,
        #"{"factors":[0,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}"#,
    ])
    func `factors of another shape are refused`(text: String) throws {
        #expect(TravelFactors(try JSON(parsing: Array(text.utf8))) == nil)
    }
}

/// A part of what the program spends, since tests run without optimisation.
private let effort = 150_000

private func solve(_ request: RouteRequest) -> Tour { Tour(solving: request, effort: effort) }

/// The best of all orders: least late, then shortest.
private func exhaustive(_ request: RouteRequest) -> Tour {
    let distances = Distances(request.stops)
    var best: Tour?
    permute(Array(request.stops.indices.dropFirst())) { rest in
        let tour = Tour(order: [0] + rest, for: request, distances: distances)
        if let best, (best.lateMinutes, best.kilometres) <= (tour.lateMinutes, tour.kilometres) {
            return
        }
        best = tour
    }
    return best ?? Tour(order: [0], for: request, distances: distances)
}

private func permute(_ items: [Int], visit: ([Int]) -> Void) {
    var items = items
    func place(_ index: Int) {
        guard index < items.count else { return visit(items) }
        for other in index..<items.count {
            items.swapAt(index, other)
            place(index + 1)
            items.swapAt(index, other)
        }
    }
    place(0)
}

/// Stops in a square of about 33 km.
func scattered(stops count: Int, seed: Int) -> RouteRequest {
    var chance = Chance(state: UInt64(seed) &* 7919 &+ 1)
    let stops = (0..<count).map { index in
        RouteRequest.Stop(
            label: .number(Double(index)),
            latitude: 48 + 0.3 * Double.random(in: 0..<1, using: &chance),
            longitude: 2 + 0.45 * Double.random(in: 0..<1, using: &chance),
            service: 2)
    }
    return RouteRequest(stops: stops)
}

/// Gives about half the stops a window that one order, not the shortest, keeps.
private func openWindows(in request: inout RouteRequest, seed: Int) {
    var chance = Chance(state: UInt64(seed) &+ 99)
    let distances = Distances(request.stops)
    let order = Tour(nearestNeighbour: request).order
    var clock = request.depart
    for (from, to) in zip(order, order.dropFirst()) {
        clock += Double(distances[from, to]) * 60 / request.speed + 2
        guard Bool.random(using: &chance) else { continue }
        let early = Double.random(in: 10..<60, using: &chance)
        request.stops[to].window = RouteRequest.Window(from: clock - early, to: clock + 40)
    }
}

private struct Chance: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state ^ (state >> 29)
    }
}
