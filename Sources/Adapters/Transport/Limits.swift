/// Every bound of the control link.
package struct Limits: Hashable, Sendable {
    /// Of one record, with its header, in bytes. Both sides refuse a larger one.
    package var messageBytes: Int
    /// What waits for one slow node before its session is closed. Closing loses nothing: the next
    /// session starts from what the node has.
    package var outboxMessages: Int
    package var outboxBytes: Int
    /// Exec and log streams open at the same time in one session.
    package var streamsPerSession: Int
    /// Frames of one stream that wait for a slow reader before its writer has to wait.
    package var streamFrames: Int
    package var connectTimeout: Duration
    package var handshakeTimeout: Duration
    /// How long the hub waits for the node to answer a request for a stream.
    package var streamOpenTimeout: Duration
    /// Silence on the link before a side asks whether the other is there, and how long it waits.
    /// The sum is how long a link that was cut without a word looks alive.
    package var keepaliveEvery: Duration
    package var keepaliveTimeout: Duration
    /// Connections at the same time, also those still in their handshake.
    package var controlConnections: Int
    package var enrolmentConnections: Int
    /// Of an enrolment request. Anyone may send one, so it is small.
    package var enrolmentBytes: Int
    /// The longest an enrolment connection may live.
    package var enrolmentAge: Duration

    /// How long a link may be silent before it counts as cut.
    var silence: Duration { keepaliveEvery + keepaliveTimeout }

    /// What a record's JSON may have, after room for its header.
    var payloadBytes: Int { messageBytes - 1024 }

    package static let production = Limits(
        messageBytes: 4 << 20, outboxMessages: 1024, outboxBytes: 8 << 20, streamsPerSession: 16,
        streamFrames: 4, connectTimeout: .seconds(5), handshakeTimeout: .seconds(5),
        streamOpenTimeout: .seconds(10), keepaliveEvery: .seconds(5), keepaliveTimeout: .seconds(5),
        controlConnections: 16_384, enrolmentConnections: 256, enrolmentBytes: 64 << 10,
        enrolmentAge: .seconds(30))

    package static let tight = Limits(
        messageBytes: 64 << 10, outboxMessages: 8, outboxBytes: 128 << 10, streamsPerSession: 2,
        streamFrames: 1, connectTimeout: .seconds(5), handshakeTimeout: .seconds(5),
        streamOpenTimeout: .seconds(5), keepaliveEvery: .seconds(2), keepaliveTimeout: .seconds(4),
        controlConnections: 64, enrolmentConnections: 4, enrolmentBytes: 16 << 10,
        enrolmentAge: .seconds(5))
}
