/// The bounds of a mesh, in one place.
package struct Limits: Hashable, Sendable {
    /// The largest payload of a datagram, which is 1,200 bytes with its seal. Tunnels cut longer ones.
    package var datagramBytesMax = 1168
    /// What the link adds to each payload and the budget has to pay: Ethernet, IP, UDP and the seal.
    package var overheadBytes = 74
    /// The token bucket of a node.
    package var bytesPerSecond = 1000
    package var burstBytes = 12_000
    /// What pulses may cost without loss, and with much of it.
    package var calmBytesPerSecond = 345
    package var stormyBytesPerSecond = 830

    package var membersMax = 1024
    /// Datagrams a second of one member that are looked at, and how many may come at once.
    package var datagramsPerSecondMax = 64
    package var datagramsAtOnceMax = 512

    /// New records a second of one member whose signatures are checked, how many may come at once, and
    /// for how many a forged one counts.
    package var checksPerSecondMax = 64
    package var checksAtOnceMax = 2048
    package var checksForged = 64

    package var recordsPerOriginMax = 1024
    package var earlyRecordsMax = 64
    package var quarantineMax = 256
    package var registersMax = 65_536

    package static let production = Limits()
    /// For simulations: every bound is met soon.
    package static var tight: Limits {
        var limits = Limits()
        limits.recordsPerOriginMax = 64
        limits.earlyRecordsMax = 8
        limits.quarantineMax = 4
        limits.registersMax = 256
        return limits
    }
}
