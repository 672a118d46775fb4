/// A closed tour over all stops of a request, and what it costs to drive.
package struct Tour: Equatable, Sendable {
    /// Indexes of the stops, each once, beginning with 0.
    package let order: [Int]
    /// Including the way back to the first stop.
    package let kilometres: Double
    /// From departure to being back, with waiting and service.
    package let minutes: Double
    /// Stops reached after their window closed, in the order of the tour.
    package let late: [Int]
    /// The sum of what the stops in `late` are late by.
    package let lateMinutes: Double

    /// Measures `order` as it stands.
    package init(
        order: [Int], for request: RouteRequest, distances: Distances,
        factors: TravelFactors = .free
    ) {
        let schedule = Schedule(request, factors: factors)
        var visit = schedule.start()
        var kilometres = 0.0
        var late = visit.late > 0 ? [0] : []
        var lateMinutes = visit.late
        for (from, to) in zip(order, order.dropFirst()) {
            let leg = distances[from, to]
            kilometres += Double(leg)
            visit = schedule.visit(to, after: leg, leaving: visit.leave)
            if visit.late > 0 { late.append(to) }
            lateMinutes += visit.late
        }
        let home = distances[order[order.count - 1], 0]
        self.order = order
        self.kilometres = kilometres + Double(home)
        self.minutes = schedule.arrival(after: home, leaving: visit.leave) - request.depart
        self.late = late
        self.lateMinutes = lateMinutes
    }

    /// Finds a short tour that keeps the windows where that is possible.
    ///
    /// The same request and factors give the same tour everywhere: the search is bounded by
    /// `effort`, a count of elementary steps, and never by a clock.
    package init(
        solving request: RouteRequest, factors: TravelFactors = .free,
        effort: Int = Tour.effortDefault
    ) {
        let distances = Distances(request.stops)
        let schedule = Schedule(request, factors: factors)
        let order =
            request.stops.count < 3
            ? Array(request.stops.indices)
            : TourSearch.solve(distances: distances, schedule: schedule, effort: effort)
        self.init(order: order, for: request, distances: distances, factors: factors)
    }

    /// Around 15 ms of one core for 200 stops; `bin/bench-route` measures it.
    package static let effortDefault = 1_000_000

    /// The tour that always drives to the nearest stop left: the baseline to beat.
    package init(nearestNeighbour request: RouteRequest) {
        let distances = Distances(request.stops)
        let order = TourSearch.greedy(count: request.stops.count) { from, to in
            Double(distances[from, to])
        }
        self.init(order: order, for: request, distances: distances)
    }
}
