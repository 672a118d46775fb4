import Glibc

/// Kilometres between each pair of stops, along the surface of the Earth.
package struct Distances: Sendable {
    /// Mean radius of the Earth in kilometres (IUGG).
    private static let radius = 6371.0088

    package let count: Int
    private let kilometres: [Float]

    /// Half the chord between two points on the unit sphere is the square root of the haversine,
    /// so three multiplications replace the trigonometry of each pair.
    package init(_ stops: [RouteRequest.Stop]) {
        let points = stops.map { stop in
            let latitude = stop.latitude * .pi / 180
            let longitude = stop.longitude * .pi / 180
            return SIMD3(
                cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude))
        }
        var kilometres = [Float](repeating: 0, count: points.count * points.count)
        for row in points.indices {
            for column in 0..<row {
                let chord = points[row] - points[column]
                let half = ((chord * chord).sum() / 4).squareRoot()
                let distance = Float(2 * Distances.radius * asin(min(1, half)))
                kilometres[row * points.count + column] = distance
                kilometres[column * points.count + row] = distance
            }
        }
        self.count = points.count
        self.kilometres = kilometres
    }

    package subscript(from: Int, to: Int) -> Float { kilometres[from * count + to] }
}

/// How traffic changes the time a road takes, by the hour of the day in which it is entered:
/// 1 is the static speed, 2 takes twice as long.
package struct TravelFactors: Equatable, Sendable {
    package static let free = TravelFactors(unchecked: [Double](repeating: 1, count: 24))

    private let hours: [Double]

    private init(unchecked hours: [Double]) { self.hours = hours }

    /// Reads `{"factors":[24 numbers from 0.1 to 10]}`; nil for anything else.
    package init?(_ value: JSON) {
        guard case .object(let fields) = value,
            case .array(let values)? = fields.first(where: { $0.name == "factors" })?.value,
            values.count == 24
        else { return nil }
        var hours: [Double] = []
        for value in values {
            guard case .number(let factor) = value, (0.1...10).contains(factor) else { return nil }
            hours.append(factor)
        }
        self.init(unchecked: hours)
    }

    package func at(minute: Double) -> Double { hours[Int(minute / 60) % 24] }
}
