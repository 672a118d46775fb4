import Client
import Model
import Testing

@Suite struct DecisionTests {
    private static let now = WallTime(milliseconds: 1_760_000_000_000)

    private static func decision(
        _ number: UInt64, _ subject: Decision.Subject, _ action: Decision.Action = .start,
        at site: SiteID = "rural", passed: Bool = true, secondsAgo: Int = 60,
        alternatives: [Decision.Alternative] = []
    ) -> Decision {
        Decision(
            id: DecisionID(origin: action == .place ? "" : "rural-1", number: number),
            at: now + .seconds(-secondsAgo), site: site, domain: .placement, action: action,
            subject: subject, tier: .critical, basis: .intent, cause: .applied, passed: passed,
            ruling: Ruling(passed ? .permit : .hold, by: .central), staleness: .fresh, reach: .hub,
            policyVersion: 2, policyAge: .seconds(0), alternatives: alternatives)
    }

    private static let shop = InstanceID(workload: "shop", ordinal: 0)

    private func show(
        _ decisions: [Decision], beside instances: [Object] = [],
        _ run: (Session) async throws -> Void
    ) async throws -> (shown: String, failure: Failure?) {
        let stage = try Stage()
        let list = DecisionList(items: decisions, asOf: DecisionTests.now)
        let ended = try await TestServer.serve(on: stage.socket) { asked in
            if asked.path == "/api/v1/instances" {
                return .json(ObjectList(items: instances, asOf: DecisionTests.now))
            }
            return asked.path.hasPrefix("/api/v1/decisions") ? .json(list) : nil
        } _: { _ -> Failure? in
            await failure { try await run(stage.session()) }
        }
        return (stage.shown, ended)
    }

    @Test func `why tells the last decision on each matter with what else was possible`()
        async throws
    {
        let decisions = [
            DecisionTests.decision(1, .workload("shop"), .place, secondsAgo: 90),
            DecisionTests.decision(
                2, .workload("shop"), .place,
                alternatives: [
                    .init(node: "rural-1", own: 0, others: 2, isChosen: true),
                    .init(
                        node: "rural-2", own: 0, others: 0, isChosen: false,
                        obstacle: "it is cordoned"),
                ]),
            DecisionTests.decision(7, .instance(DecisionTests.shop), secondsAgo: 30),
        ]
        let (shown, failure) = try await show(decisions) {
            try await Why("workload/shop", format: .table).run(in: $0)
        }
        #expect(failure == nil)
        #expect(!shown.contains("hub/1,"))
        #expect(
            shown.contains("workload/shop at site rural: place passed, decision hub/2, 60s ago"))
        #expect(shown.contains("rural-2   no       0            0              it is cordoned"))
        #expect(shown.contains("instance/shop-0 at site rural: start passed, decision rural-1/7"))
    }

    @Test func `why tells a refusal that is newer than what passed`() async throws {
        let decisions = [
            DecisionTests.decision(1, .instance(DecisionTests.shop)),
            DecisionTests.decision(2, .instance(DecisionTests.shop), passed: false, secondsAgo: 5),
        ]
        let (shown, _) = try await show(decisions) {
            try await Why("instance/shop-0", format: .name).run(in: $0)
        }
        #expect(shown == "rural-1/1\nrural-1/2\n")
    }

    @Test func `why of an instance leaves out what was placed at other sites`() async throws {
        let decisions = [
            DecisionTests.decision(1, .workload("shop"), .place, at: "urban"),
            DecisionTests.decision(2, .workload("shop"), .place),
            DecisionTests.decision(3, .instance(DecisionTests.shop)),
        ]
        let (shown, _) = try await show(decisions) {
            try await Why("instance/shop-0", format: .name).run(in: $0)
        }
        #expect(shown == "hub/2\nrural-1/3\n")
    }

    @Test func `what nobody decided on is not found`() async throws {
        let (_, failure) = try await show([]) {
            try await Why("workload/nope", format: .table).run(in: $0)
        }
        #expect(failure?.code == .notFound)
    }

    @Test(arguments: ["site/rural", "shop"])
    func `why asks for things that decisions are about`(word: String) async {
        let refusal = await failure { _ = try Why(word, format: .table) }
        #expect(refusal?.code == .usage)
    }

    @Test func `get decisions shows one row for each`() async throws {
        let (shown, _) = try await show([
            DecisionTests.decision(3, .instance(DecisionTests.shop), passed: false)
        ]) {
            try await Decisions(
                about: nil, limit: 10, follows: false, format: .wide, headings: false
            ).run(in: $0)
        }
        #expect(
            shown == "60s   rural-1/3   refused   placement   start    instance/shop-0   "
                + "central (hold)   v2 fresh 0s   applied\n")
    }

    @Test func `authority joins the tiers for which the same holds`() async throws {
        let stage = try Stage()
        let report = AuthorityReport(
            site: "rural", pattern: .hybrid, policyVersion: 2, stalenessBound: .seconds(300),
            autonomyWindow: .hours(72),
            cells: Domain.allCases.flatMap { domain in
                Tier.allCases.flatMap { tier in
                    Staleness.allCases.flatMap { staleness in
                        Reach.allCases.map { reach in
                            AuthorityReport.Cell(
                                domain: domain, tier: tier, staleness: staleness, reach: reach,
                                ruling: Ruling(
                                    staleness == .expired && tier != .critical ? .hold : .permit,
                                    by: .local))
                        }
                    }
                }
            },
            nodes: [
                .init(
                    node: "rural-1", staleness: .stale, reach: .alone, policyVersion: 2,
                    policyAge: .hours(70))
            ], asOf: DecisionTests.now)
        try await TestServer.serve(on: stage.socket) { asked in
            asked.path == "/api/v1/authority/rural" ? .json(report) : nil
        } _: { _ in
            try await ShowAuthority(site: "rural", format: .wide, headings: true)
                .run(in: stage.session())
        }
        let lines = stage.shown.split(separator: "\n")
        #expect(lines.count { $0.hasPrefix("update") } == 2)
        #expect(lines.contains { $0.hasPrefix("update") && $0.contains("2-3") })
        #expect(lines.last == "rural-1   stale    2d22h   alone   120m")
    }
}
