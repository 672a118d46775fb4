/// What the clock shows along a tour: travel, waiting, service, and how late each stop is reached.
struct Schedule {
    /// What a vehicle finds out at a stop. Minutes.
    struct Visit {
        var leave: Double
        var late: Double
    }

    /// A minute of lateness weighs as much as ten kilometres: windows come first, and a tour that
    /// cannot keep all of them still misses them by little.
    static let kilometresPerLateMinute = 10.0

    private let stops: [RouteRequest.Stop]
    private let depart: Double
    private let minutesPerKilometre: Double
    private let factors: TravelFactors
    let hasWindows: Bool

    init(_ request: RouteRequest, factors: TravelFactors) {
        stops = request.stops
        depart = request.depart
        minutesPerKilometre = 60 / request.speed
        hasWindows = request.stops.contains { $0.window != nil }
        self.factors = factors
    }

    /// The first stop, which the vehicle serves before it leaves.
    func start() -> Visit { serve(0, at: depart) }

    func visit(_ stop: Int, after kilometres: Float, leaving minute: Double) -> Visit {
        serve(stop, at: arrival(after: kilometres, leaving: minute))
    }

    func arrival(after kilometres: Float, leaving minute: Double) -> Double {
        minute + Double(kilometres) * minutesPerKilometre * factors.at(minute: minute)
    }

    private func serve(_ stop: Int, at minute: Double) -> Visit {
        let service = stops[stop].service
        guard let window = stops[stop].window else {
            return Visit(leave: minute + service, late: 0)
        }
        return Visit(
            leave: max(minute, window.from) + service, late: max(0, minute - window.to))
    }

    /// How well `second` follows `first` in time, in kilometres: the least waiting and the least
    /// lateness that any tour with this leg must have.
    func mismatch(from first: Int, to second: Int, kilometres: Float) -> Float {
        guard let window = stops[second].window else { return 0 }
        let travel = Double(kilometres) * minutesPerKilometre
        let earliest = max(depart, stops[first].window?.from ?? depart)
        let latest = stops[first].window?.to ?? .infinity
        let service = stops[first].service
        let wait = max(0, window.from - (latest + service + travel))
        let late = max(0, earliest + service + travel - window.to)
        return Float((0.2 * wait + late) / minutesPerKilometre)
    }

    /// When the window of `stop` closes.
    func closing(_ stop: Int) -> Double { stops[stop].window?.to ?? .infinity }
}
