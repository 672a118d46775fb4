/// The bounds of the HTTP interface.
package struct Limits: Sendable {
    package var bodyBytesMax: Int
    /// Of all header fields together. A stream request carries its command in one.
    package var headerBytesMax: Int
    /// Beyond it, connections wait in the kernel's queue until another one closes.
    package var connectionsMax: Int
    /// How long a connection may move nothing, except while it carries a stream.
    package var idle: Duration
    /// How often a watcher hears something when nothing changes. Shorter than `idle`.
    package var heartbeat: Duration
    /// The least time between two looks for what changed.
    package var watchPause: Duration
    /// The most events in one answer, and the window in which a watcher's new events are found.
    package var eventsMax: Int
    /// The most items in one page of a list.
    package var pageMax: Int
    /// Requests of one identity in a second, over time and at once after a calm.
    package var requestsPerSecond: Int
    package var requestsBurst: Int
    /// Tokens that are not good, from one address in a minute.
    package var guessesPerMinute: Int
    /// Identities and addresses that are counted apart.
    package var callersMax: Int
    /// How long a request may take to arrive.
    package var arrival: Duration

    package static let production = Limits(
        bodyBytesMax: 10 * 1024 * 1024, headerBytesMax: 64 * 1024, connectionsMax: 512,
        idle: .seconds(60), heartbeat: .seconds(15), watchPause: .milliseconds(500),
        eventsMax: 1000, pageMax: 1000, requestsPerSecond: 100, requestsBurst: 400,
        guessesPerMinute: 30,
        callersMax: 4096, arrival: .seconds(30))

    /// For the questions of services: small, and many of them from all together.
    package static let services: Limits = {
        var limits = Limits.production
        limits.bodyBytesMax = 64 * 1024
        limits.requestsPerSecond = 10_000
        limits.requestsBurst = 20_000
        limits.arrival = .seconds(5)
        return limits
    }()

    /// For one workload that asks who it is: a connection now and then, and small questions.
    package static let workload: Limits = {
        var limits = Limits.services
        limits.bodyBytesMax = 1024
        limits.headerBytesMax = 8 * 1024
        limits.connectionsMax = 16
        limits.requestsPerSecond = 20
        limits.requestsBurst = 100
        return limits
    }()

    package static let tight = Limits(
        bodyBytesMax: 64 * 1024, headerBytesMax: 4 * 1024, connectionsMax: 8,
        idle: .milliseconds(500), heartbeat: .milliseconds(20), watchPause: .milliseconds(5),
        eventsMax: 8, pageMax: 4, requestsPerSecond: 1000, requestsBurst: 1000, guessesPerMinute: 3,
        callersMax: 4, arrival: .milliseconds(300))
}
