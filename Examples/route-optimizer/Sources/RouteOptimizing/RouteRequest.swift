/// What a caller wants routed. Every value in it has been checked.
package struct RouteRequest: Equatable, Sendable {
    /// One place to visit. Times are minutes.
    package struct Stop: Equatable, Sendable {
        /// What the answer calls the stop: its id, or its index where it has none.
        package var label: JSON
        /// Degrees north, -90 to 90.
        package var latitude: Double
        /// Degrees east, -180 to 180.
        package var longitude: Double
        package var window: Window?
        package var service: Double

        package init(
            label: JSON, latitude: Double, longitude: Double, window: Window? = nil,
            service: Double = 0
        ) {
            self.label = label
            self.latitude = latitude
            self.longitude = longitude
            self.window = window
            self.service = service
        }
    }

    /// When a stop may be reached, in minutes of the day. An early vehicle waits.
    package struct Window: Equatable, Sendable {
        package var from: Double
        package var to: Double

        package init(from: Double, to: Double) {
            self.from = from
            self.to = to
        }
    }

    /// The tour begins and ends at the first stop.
    package var stops: [Stop]
    /// Minutes of the day.
    package var depart: Double
    /// Kilometres per hour, before any feed corrects it.
    package var speed: Double

    package init(stops: [Stop], depart: Double = 480, speed: Double = 40) {
        self.stops = stops
        self.depart = depart
        self.speed = speed
    }

    package static let stopsMax = 1000
}

/// Everything that is wrong with a request, in the order it was found.
package struct RouteMistakes: Error, Equatable {
    /// At most `listMax` sentences, the last of which counts the rest.
    package let texts: [String]

    package static let listMax = 100
}

extension RouteRequest {
    /// Reads the body of `POST /route`, checking all of it before it refuses.
    package init(parsing body: [UInt8]) throws(RouteMistakes) {
        let value: JSON
        do {
            value = try JSON(parsing: body)
        } catch {
            throw RouteMistakes(texts: ["the body is not JSON: \(error)"])
        }
        var reading = Reading()
        self = reading.request(value)
        guard reading.mistakes.isEmpty else { throw RouteMistakes(texts: reading.texts) }
    }
}

/// Collects mistakes while it reads. What it returns means something only if there were none.
private struct Reading {
    var mistakes: [String] = []
    private var count = 0

    var texts: [String] {
        let more = count - mistakes.count
        return more > 0 ? mistakes + ["and \(more) more mistakes"] : mistakes
    }

    private mutating func report(_ mistake: String) {
        count += 1
        if mistakes.count < RouteMistakes.listMax - 1 { mistakes.append(mistake) }
    }

    mutating func request(_ value: JSON) -> RouteRequest {
        var request = RouteRequest(stops: [])
        guard let fields = object(value, at: "the body", known: ["stops", "depart", "speed"])
        else { return request }
        if let depart = fields["depart"], let minutes = time(depart, at: "depart") {
            request.depart = minutes
        }
        if let speed = fields["speed"],
            let number = number(speed, at: "speed", in: 1...300, unit: "km/h")
        {
            request.speed = number
        }
        switch fields["stops"] {
        case .array(let values)?:
            if (1...RouteRequest.stopsMax).contains(values.count) {
                request.stops = values.indices.map { stop(values[$0], index: $0) }
                checkIDs(request.stops)
            } else {
                report(
                    "stops: \(values.count) stops; give 1 to \(RouteRequest.stopsMax) in a request")
            }
        case nil: report("stops: missing; give a list of objects with lat and lon")
        case let other?: report("stops: is \(other.kind), not a list")
        }
        return request
    }

    private mutating func stop(_ value: JSON, index: Int) -> RouteRequest.Stop {
        let place = "stops[\(index)]"
        var stop = RouteRequest.Stop(label: .number(Double(index)), latitude: 0, longitude: 0)
        let known = ["id", "lat", "lon", "window", "service"]
        guard let fields = object(value, at: place, known: known) else { return stop }
        if let id = fields["id"] { stop.label = label(id, at: "\(place).id") ?? stop.label }
        for (name, bounds, path) in [
            ("lat", -90.0...90.0, \RouteRequest.Stop.latitude),
            ("lon", -180.0...180.0, \RouteRequest.Stop.longitude),
        ] {
            guard let value = fields[name] else {
                report("\(place).\(name): missing")
                continue
            }
            if let degrees = number(value, at: "\(place).\(name)", in: bounds, unit: "degrees") {
                stop[keyPath: path] = degrees
            }
        }
        if let service = fields["service"] {
            stop.service =
                number(service, at: "\(place).service", in: 0...1440, unit: "minutes") ?? 0
        }
        if let window = fields["window"] {
            stop.window = self.window(window, at: "\(place).window")
        }
        return stop
    }

    private mutating func label(_ value: JSON, at place: String) -> JSON? {
        guard case .string(let text) = value, (1...64).contains(text.utf8.count) else {
            report("\(place): must be a text of 1 to 64 bytes")
            return nil
        }
        return value
    }

    private mutating func window(_ value: JSON, at place: String) -> RouteRequest.Window? {
        guard let fields = object(value, at: place, known: ["from", "to"]) else { return nil }
        for name in ["from", "to"] where fields[name] == nil {
            report("\(place).\(name): missing; give a time such as 08:00")
        }
        guard let from = fields["from"], let to = fields["to"] else { return nil }
        let bounds = (time(from, at: "\(place).from"), time(to, at: "\(place).to"))
        guard let from = bounds.0, let to = bounds.1 else { return nil }
        guard from <= to else {
            report("\(place): ends before it begins")
            return nil
        }
        return RouteRequest.Window(from: from, to: to)
    }

    private mutating func checkIDs(_ stops: [RouteRequest.Stop]) {
        var first: [String: Int] = [:]
        for (index, stop) in stops.enumerated() {
            guard case .string(let id) = stop.label else { continue }
            if let earlier = first[id] {
                report("stops[\(index)].id: '\(id)' is also the id of stops[\(earlier)]")
            } else {
                first[id] = index
            }
        }
    }

    private mutating func object(
        _ value: JSON, at place: String, known: [String]
    ) -> [String: JSON]? {
        guard case .object(let list) = value else {
            report("\(place): is \(value.kind), not an object")
            return nil
        }
        var fields: [String: JSON] = [:]
        for field in list {
            if known.contains(field.name) {
                fields[field.name] = field.value
            } else {
                let name = field.name.unicodeScalars.prefix(40).map(String.init).joined()
                let fields = known.joined(separator: ", ")
                report("\(place): unknown field '\(name)'; the fields are \(fields)")
            }
        }
        return fields
    }

    private mutating func number(
        _ value: JSON, at place: String, in bounds: ClosedRange<Double>, unit: String
    ) -> Double? {
        guard case .number(let number) = value else {
            report("\(place): is \(value.kind), not a number")
            return nil
        }
        guard bounds.contains(number) else {
            let range = "\(Int(bounds.lowerBound)) to \(Int(bounds.upperBound))"
            report("\(place): \(number) is not within \(range) \(unit)")
            return nil
        }
        return number
    }

    /// Reads `HH:MM`, 00:00 to 24:00, as minutes of the day.
    private mutating func time(_ value: JSON, at place: String) -> Double? {
        if case .string(let text) = value {
            let digits = text.utf8.map { Int($0) - 48 }
            if digits.count == 5, digits[2] == 10,
                [0, 1, 3, 4].allSatisfy({ (0...9).contains(digits[$0]) })
            {
                let minute = digits[3] * 10 + digits[4]
                let minutes = (digits[0] * 10 + digits[1]) * 60 + minute
                if minute < 60, minutes <= 1440 { return Double(minutes) }
            }
        }
        report("\(place): must be a time of day such as \"08:00\"")
        return nil
    }
}
