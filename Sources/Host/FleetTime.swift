import Foundation
import Model
import Synchronization
import Transport
import Trust

/// The time by which this machine judges certificates, kept across restarts.
final class FleetTime: Sendable {
    /// What the file holds.
    private struct Kept: Codable {
        var wall: WallTime
        var monotonic: Int64
        var boot: UInt64
    }

    /// How far beyond the earliest possible time a wall clock is believed after a reboot: for a node
    /// what its authority outlives the window by, for a hub longer than any that is switched off.
    static let leapOfNode = Duration.seconds(24 * 3600)
    static let leapOfHub = Duration.seconds(45 * 86_400)

    private let path: String
    private let clock: Mutex<TrustClock>

    convenience init(ofHub directory: String) throws(HostError) {
        try self.init(directory, source: .wall)
    }

    convenience init(ofNode directory: String) throws(HostError) {
        try self.init(directory, source: .signed)
    }

    private init(_ directory: String, source: TrustClock.Source) throws(HostError) {
        path = directory + "/clock.json"
        let now = SystemClock.now()
        do {
            let boot = try SystemClock.boot()
            let kept = try PrivateFile.read(path).map {
                try JSONDecoder().decode(Kept.self, from: Data($0.utf8))
            }
            let anchor = kept.map {
                Reading(
                    Moment(monotonic: Instant(nanoseconds: $0.monotonic), wall: $0.wall),
                    boot: $0.boot)
            }
            clock = Mutex(
                TrustClock(
                    anchor: anchor, source: source,
                    leap: source == .wall ? FleetTime.leapOfHub : FleetTime.leapOfNode, boot: boot,
                    now: now))
        } catch let error as HostError {
            throw error
        } catch {
            throw .identity(
                "the time that was kept in \(path) is damaged (\(error)); remove that file if the "
                    + "clock of this machine is right")
        }
    }

    var now: WallTime { clock.withLock { $0.time(at: SystemClock.now()) } }
    var standing: TrustClock.Standing { clock.withLock { $0.standing(at: SystemClock.now()) } }

    /// As the handshakes of a node need it.
    var forHandshakes: FleetClock {
        FleetClock(
            now: { self.now },
            earliest: { self.clock.withLock { $0.earliest(at: SystemClock.now()) } },
            learn: { self.learn($0) })
    }

    /// Takes over a signed time; answers by how much that moved the clock.
    @discardableResult
    func learn(_ signed: WallTime) -> Duration {
        clock.withLock { clock in
            let now = SystemClock.now()
            let before = clock.time(at: now)
            guard clock.learn(signed, at: now) else { return .zero }
            return clock.time(at: now) - before
        }
    }

    /// This machine signs with this time, so no time before it can come again.
    func attest() -> WallTime {
        clock.withLock { clock in
            let now = SystemClock.now()
            let time = clock.time(at: now)
            clock.learn(time, at: now)
            return time
        }
    }

    /// Writes down how late it is at least.
    func keep() throws(HostError) {
        let reading = clock.withLock { $0.kept(at: SystemClock.now()) }
        let kept = Kept(
            wall: reading.wall, monotonic: reading.monotonic.nanoseconds, boot: reading.boot)
        do {
            try PrivateFile.write(json: kept, to: path)
        } catch let error as HostError {
            throw error
        } catch {
            throw .identity("the time cannot be kept in \(path): \(error)")
        }
    }
}
