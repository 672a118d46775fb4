import Machines
import Model
import Testing

/// Certificates end every few minutes; neither the link nor anybody who looks at it does.
@Suite struct CredentialTests {
    private func joined() -> AgentBench {
        var bench = AgentBench()
        bench.list()
        bench.join()
        return bench
    }

    @Test func `a certificate that was issued is renewed in time`() {
        var bench = joined()
        bench.tell(.issued(life: .seconds(900), at: bench.now.monotonic))
        let due = bench.wakes(for: .renewal).map { $0 - bench.now.monotonic }
        #expect(due.count == 1 && (.seconds(540) ... .seconds(600)).contains(due[0]))
        bench.tell(.wake(.renewal))
        #expect(bench.latest.contains(.issue(.connected)))
    }

    @Test func `a node that is cut off goes on issuing, and says that it did so alone`() {
        var bench = joined()
        bench.tell(.linkDown(reason: "cut"))
        bench.tell(.wake(.renewal))
        #expect(bench.latest.contains(.issue(.local)))
        bench.tell(.issued(life: .seconds(900), at: bench.now.monotonic))
        #expect(!bench.latest.contains(.redial))
    }

    @Test func `a session with the new certificate follows the old one without a word`() {
        var bench = joined()
        let events = bench.agent.events.count
        bench.tell(.issued(life: .seconds(900), at: bench.now.monotonic))
        #expect(bench.latest.contains(.redial))
        bench.tell(.linkUp)
        #expect(bench.sent.contains { if case .hello = $0 { true } else { false } })
        #expect(bench.agent.link.isUp)
        bench.welcome()
        #expect(bench.latest.contains(.succeed))
        #expect(bench.agent.link.isUp)
        #expect(bench.agent.events.count == events)
    }

    @Test func `between greeting and welcome of a follower no entry is sent, and none is lost`() {
        var bench = joined()
        bench.tell(.issued(life: .seconds(900), at: bench.now.monotonic))
        bench.tell(.linkUp)
        bench.deliver([assigned(web())], from: 1)
        bench.started(webMain)
        // The hub has left the session before; what the follower carried now would come before it.
        #expect(bench.entries.isEmpty)
        bench.welcome()
        #expect(!bench.entries.isEmpty)

        bench.tell(.issued(life: .seconds(900), at: bench.now.monotonic))
        bench.tell(.linkUp)
        bench.tell(.engine(.exited(webMain, handle: "a", Exit(code: 1))))
        #expect(bench.entries.isEmpty)
        bench.tell(.redialFailed(reason: "too many at once"))
        #expect(!bench.entries.isEmpty)
    }

    @Test func `a follower that does not come about is tried again and costs nothing`() {
        var bench = joined()
        let events = bench.agent.events.count
        bench.tell(.issued(life: .seconds(900), at: bench.now.monotonic))
        bench.tell(.redialFailed(reason: "too many at once"))
        let waits = bench.wakes(for: .redial).map { $0 - bench.now.monotonic }
        #expect(waits.count == 1 && waits[0] <= .seconds(45))
        bench.tell(.wake(.redial))
        #expect(bench.latest.contains(.redial))
        bench.tell(.linkUp)
        bench.tell(.wake(.greeting))
        #expect(bench.latest.contains(.hangUp))
        #expect(bench.agent.link.isUp)
        #expect(bench.agent.events.count == events)
    }

    @Test func `the hub renews a node's authority at each new contact and twice a day`() {
        var bench = joined()
        #expect(bench.latest.contains(.askAuthority))
        let answer = Certification(certificateChain: "c", trustRoots: "r")
        bench.tell(.received(.certified(answer)))
        #expect(bench.latest.contains(.install(answer)))
        bench.tell(.certified(isFirst: false))
        #expect(!bench.latest.contains(.issue(.connected)))
        for (hours, asks) in [(1, false), (13, true)] as [(Int64, Bool)] {
            bench.pass(.seconds(hours * 3600))
            bench.tell(.issued(life: .seconds(900), at: bench.now.monotonic))
            bench.tell(.linkUp)
            bench.welcome()
            #expect(bench.latest.contains(.askAuthority) == asks)
        }
    }

    @Test func `a node asks for its authority anew when the hub has other roots`() {
        var bench = joined()
        bench.tell(.certified(isFirst: false))
        for (trust, asks) in [(nil, false), ("one", true), ("one", false), ("two", true)]
            as [(String?, Bool)]
        {
            bench.pass(.seconds(600))
            bench.tell(.issued(life: .seconds(900), at: bench.now.monotonic))
            bench.tell(.linkUp)
            bench.welcome(trust: trust)
            #expect(bench.latest.contains(.askAuthority) == asks, "\(trust ?? "none")")
            if asks { bench.tell(.certified(isFirst: false)) }
        }
    }

    @Test func `a node with a certificate of old shows its own as soon as it can`() {
        var bench = joined()
        bench.tell(.certified(isFirst: true))
        #expect(bench.latest.contains(.issue(.connected)))
    }

    @Test func `a certificate that cannot be made is told once and stops nothing`() {
        var bench = joined()
        bench.deliver([assigned(web())], from: 1)
        for _ in 0..<3 { bench.tell(.issueFailed(reason: "it ended")) }
        let told = bench.agent.events.filter { $0.reason == "CertificateNotRenewed" }
        #expect(told.count == 1)
        #expect(bench.stops.isEmpty)
        #expect(!bench.wakes(for: .renewal).isEmpty)
        #expect(bench.agent.link.isUp)
    }
}

@Suite struct ReadmissionTests {
    private func bench() -> HubBench {
        var bench = HubBench()
        bench.ask(
            .apply(
                [.site(Site(metadata: Metadata(name: "urban"), spec: SiteSpec()))], dryRun: false))
        bench.ask(.issue(token("t")))
        bench.ask(enrolment("t", "n1", device: "d1"))
        return bench
    }

    private func token(_ id: String) -> JoinToken {
        JoinToken(
            id: id, secretDigest: "d", site: "urban",
            expiresAt: WallTime(milliseconds: 4_000_000_000_000))
    }

    private func enrolment(_ token: String, _ node: NodeID, device: String?) -> Hub.Request {
        .enrol(tokenID: token, secretDigest: "d", node: node, site: nil, device: device)
    }

    private func refusals(_ bench: HubBench) -> Int {
        bench.latest.count { if case .refuse = $0 { true } else { false } }
    }

    @Test func `the machine that enrolled comes back, and no other`() {
        var bench = bench()
        #expect(
            bench.ask(.readmit("n1", device: "d1"))
                == .enrolled("n1", "urban", life: .seconds(96 * 3600)))
        for request in [Hub.Request.readmit("n1", device: "d2"), .readmit("n2", device: "d1")] {
            guard case .refused? = bench.ask(request) else {
                Issue.record("another machine came back")
                continue
            }
        }
    }

    @Test func `a node that was deleted does not come back, nor what was made for it`() {
        var bench = bench()
        bench.ask(.delete(.node, name: "n1"))
        guard case .refused? = bench.ask(.readmit("n1", device: "d1")) else {
            Issue.record("a deleted node came back")
            return
        }
        // Another machine under its name: what the first still holds is not the second's.
        bench.ask(.issue(token("u")))
        bench.ask(enrolment("u", "n1", device: "d2"))
        bench.tell(.opened(SessionID(rawValue: 1), "n1", device: "d1"))
        #expect(refusals(bench) == 1)
        bench.tell(.opened(SessionID(rawValue: 2), "n1", device: nil))
        #expect(refusals(bench) == 1)
        bench.tell(.opened(SessionID(rawValue: 3), "n1", device: "d2"))
        #expect(bench.latest.contains(.admit(SessionID(rawValue: 3))))
    }

    @Test func `a certificate of old is good until the node was given an authority`() {
        var bench = HubBench()
        bench.ask(
            .apply(
                [.site(Site(metadata: Metadata(name: "urban"), spec: SiteSpec()))], dryRun: false))
        bench.ask(.issue(token("t")))
        bench.ask(enrolment("t", "n1", device: nil))
        let session = SessionID(rawValue: 1)
        bench.greet(1)
        bench.tell(
            .received(session, .certify(CertificationRequest(publicKey: [1], deviceKey: [2]))))
        let certified = bench.latest.contains {
            if case .certify(session, "n1", "urban", _, _, .seconds(96 * 3600)) = $0 {
                true
            } else {
                false
            }
        }
        #expect(certified)
        bench.tell(.opened(SessionID(rawValue: 2), "n1", device: nil))
        #expect(refusals(bench) == 1)
    }

    @Test func `the device key that came first stays`() {
        var bench = bench()
        let session = SessionID(rawValue: 1)
        bench.greet(1, device: "d1")
        bench.tell(
            .received(session, .certify(CertificationRequest(publicKey: [1], deviceKey: [9]))))
        guard case .enrolled? = bench.ask(.readmit("n1", device: "d1")) else {
            Issue.record("the device key was replaced")
            return
        }
    }
}
