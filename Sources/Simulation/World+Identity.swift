import Machines
import Model

/// What proves who a node is, as times of the virtual clock: there are no keys here, but every
/// certificate ends, is made anew, and opens a session beside the one that ends with it.
///
/// Wall clocks play no part, so that a run without jumps stays equal to one with them: a node and its
/// hub agree here on what time it is. What wrong clocks do, the tests of absence show in real processes.
struct Papers {
    /// The node's own authority ends then, and what it issues with it.
    var authorityEnd: Int64 = .min
    /// Its newest certificate ends then.
    var certificateEnd: Int64 = .min
    /// The run of the agent that made it.
    var madeBy = -1
    /// Certificates made so far, by all runs of the agent.
    var made = 0
}

extension World {
    /// As long as `NodeCredentials` gives them.
    private static let certificateLife: Int64 = 900_000_000_000

    // MARK: - The node's certificates

    mutating func issue(at node: Int) {
        let life = places[node].life
        guard makeCertificate(at: node) else {
            return queue.add(
                .tellAgent(
                    node, life: life,
                    .issueFailed(reason: "the authority of this node has ended")), at: time)
        }
        places[node].papers.madeBy = life
        let length = Duration.nanoseconds(places[node].papers.certificateEnd - time)
        let now = places[node].clock.moment(at: time).monotonic
        queue.add(.tellAgent(node, life: life, .issued(life: length, at: now)), at: time)
    }

    /// Whether the node's authority still stands for a new one.
    private mutating func makeCertificate(at node: Int) -> Bool {
        guard time < places[node].papers.authorityEnd else { return false }
        places[node].papers.certificateEnd = min(
            time + World.certificateLife, places[node].papers.authorityEnd)
        places[node].papers.made += 1
        return true
    }

    /// An agent that runs, and has an authority, has a certificate that is valid.
    mutating func checkCertificate(at node: Int) {
        let place = places[node]
        // A process that was stopped is given a moment to take up what came due meanwhile.
        guard place.papers.madeBy == place.life, time > place.papers.certificateEnd,
            time < place.papers.authorityEnd, time > place.pausedUntil + 1_000_000_000
        else { return }
        violate(
            .credentials,
            "\(place.id) has had no valid certificate for "
                + "\((time - place.papers.certificateEnd) / 1_000_000_000) s")
    }

    // MARK: - Shown to the hub

    /// Lets the node in by what it shows. One whose authority has ended comes back by its device key.
    mutating func isKnown(_ node: Int, life: Int, attempt: Int) -> Bool {
        if time < places[node].papers.certificateEnd || makeCertificate(at: node) { return true }
        demand(
            .readmit(places[node].id, device: places[node].device),
            .readmission(node, life: life, attempt: attempt))
        return false
    }

    mutating func readmit(_ node: Int, life: Int, attempt: Int, until authorityEnd: Int64) {
        counts.readmissions += 1
        places[node].papers.authorityEnd = authorityEnd
        queue.add(.accept(node, life: life, attempt: attempt), at: time + 2 * latency())
    }

    // MARK: - A new authority

    mutating func askAuthority(for node: Int) {
        send(
            .certify(
                CertificationRequest(publicKey: [], deviceKey: places[node].deviceKey)),
            from: node)
    }

    mutating func certify(on session: Int, life: Duration) {
        send(
            .certified(
                Certification(certificateChain: "\(time + life.nanoseconds)", trustRoots: "")),
            on: session)
    }

    mutating func install(_ certification: Certification, at node: Int) {
        guard let end = Int64(certification.certificateChain) else { return }
        places[node].papers.authorityEnd = end
        queue.add(
            .tellAgent(node, life: places[node].life, .certified(isFirst: false)), at: time)
    }
}
