/// Whether the travel times follow a feed or only the static speed.
package enum RouteMode: String, Sendable, CaseIterable {
    case full
    case degraded
}

extension Tour {
    /// The body of the answer to `POST /route`.
    package func answer(
        to request: RouteRequest, mode: RouteMode, node: String, milliseconds: Double
    ) -> JSON {
        .object([
            JSON.Field("order", .array(order.map { request.stops[$0].label })),
            JSON.Field("distance_km", .number(kilometres)),
            JSON.Field("duration_min", .number(minutes)),
            JSON.Field("late", .array(late.map { request.stops[$0].label })),
            JSON.Field("mode", .string(mode.rawValue)),
            JSON.Field("node", .string(node)),
            JSON.Field("ms", .number(milliseconds)),
        ])
    }
}
