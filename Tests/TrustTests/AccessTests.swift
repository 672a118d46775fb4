import Model
import Testing
import Trust

@Suite struct AccessTests {
    static let reference = PolicyReference(name: "staff", version: 3)

    static func point(
        _ bindings: [RoleBinding], cedar: String? = nil, sites: [SiteID] = []
    ) -> DecisionPoint {
        DecisionPoint([
            (
                reference,
                PolicySpec(
                    scope: PolicyScope(sites: sites), roleBindings: bindings, cedar: cedar)
            )
        ])
    }

    static let staff: [RoleBinding] = Role.allCases.map {
        RoleBinding(role: $0, users: [$0.rawValue])
    }

    static let workload = AccessTarget(.workload, "route", sites: ["rural"], tier: .critical)

    @Test func `each role may do what it is for, and nothing else`() {
        let table: [(Verb, AccessTarget, Set<Role>)] = [
            (.status, .fleet, Set(Role.allCases)),
            (.get, Self.workload, Set(Role.allCases)),
            (.get, .fleet, Set(Role.allCases)),
            (.logs, Self.workload, Set(Role.allCases)),
            (.exec, Self.workload, [.operator, .admin]),
            (.apply, Self.workload, [.operator, .admin]),
            (.delete, Self.workload, [.operator, .admin]),
            (.label, AccessTarget(.node, "n1", sites: ["rural"]), [.operator, .admin]),
            (.cordon, AccessTarget(.node, "n1", sites: ["rural"]), [.operator, .admin]),
            (.resolve, .fleet, [.operator, .admin]),
            (.approve, Self.workload, [.approver, .admin]),
            (.enrol, AccessTarget(.site, "rural", sites: ["rural"]), [.security, .admin]),
            (.review, .fleet, [.security, .admin]),
            (.vouch, .fleet, [.admin]),
            (.revoke, .fleet, [.security, .admin]),
            (.apply, AccessTarget(.policy, "staff"), [.security, .admin]),
            (.delete, AccessTarget(.policy, "staff"), [.security, .admin]),
        ]
        let point = Self.point(Self.staff)
        for (verb, target, allowed) in table {
            for role in Role.allCases {
                let report = point.decide(.user(role.rawValue), verb, target)
                #expect(
                    report.isAllowed == allowed.contains(role),
                    "\(role) \(verb) \(target.reference): \(report)")
                #expect(!report.isAllowed || report.reasons != [], "allowed without a reason")
            }
            let stranger = point.decide(.user("stranger"), verb, target)
            #expect(stranger.isAllowed == (verb == .status))
        }
    }

    @Test func `an allowed request names the binding and the version`() {
        let report = Self.point(Self.staff).decide(.user("operator"), .exec, Self.workload)
        #expect(report.reasons == ["staff/operator/1"])
        #expect(report.policies == [Self.reference])
    }

    @Test func `who is bound to one site may do nothing at another or in the fleet`() {
        let bound = RoleBinding(role: .admin, users: ["ann"], sites: ["rural"])
        let elsewhere = AccessTarget(.workload, "route", sites: ["urban"])
        let everywhere = AccessTarget(.workload, "route")
        for point in [
            Self.point([bound]),
            Self.point([RoleBinding(role: .admin, users: ["ann"])], sites: ["rural"]),
            Self.point([bound], sites: ["rural", "urban"]),
        ] {
            #expect(point.decide(.user("ann"), .delete, Self.workload).isAllowed)
            #expect(!point.decide(.user("ann"), .delete, elsewhere).isAllowed)
            #expect(!point.decide(.user("ann"), .delete, everywhere).isAllowed)
            #expect(!point.decide(.user("ann"), .get, .fleet).isAllowed)
            #expect(!point.decide(.user("ann"), .apply, AccessTarget(.policy, "staff")).isAllowed)
            #expect(!point.hasPolicyMaker)
        }
        // A site outside of the scope of the policy is not given by it.
        let outside = Self.point([bound], sites: ["urban"])
        #expect(!outside.decide(.user("ann"), .delete, Self.workload).isAllowed)
    }

    @Test func `as long as nobody is bound every user may do everything`() {
        let report = DecisionPoint([]).decide(.user("operator"), .delete, Self.workload)
        #expect(report.isAllowed && report.reasons == ["stock/nobody-is-bound"])
        let bound = Self.point([RoleBinding(role: .viewer, users: ["ann"])])
        #expect(!bound.decide(.user("operator"), .delete, Self.workload).isAllowed)
    }

    @Test func `nobody approves what they asked for themselves, whatever their roles`() {
        let point = Self.point([
            RoleBinding(role: .admin, users: ["ann"]), RoleBinding(role: .approver, users: ["bob"]),
        ])
        var wanted = Self.workload
        wanted.requestedBy = .user("ann")
        let own = point.decide(.user("ann"), .approve, wanted)
        #expect(!own.isAllowed && own.reasons == ["stock/own-request"])
        #expect(point.decide(.user("bob"), .approve, wanted).isAllowed)
        #expect(point.decide(.user("ann"), .approve, Self.workload).isAllowed)
        // As long as nobody is bound as well.
        #expect(!DecisionPoint([]).decide(.user("ann"), .approve, wanted).isAllowed)
    }

    @Test func `what could lose data takes a second person, where there is one`() {
        var shop = AccessTarget(.workload, "shop", sites: ["rural"])
        shop.keepsData = true
        let ann = RoleBinding(role: .admin, users: ["ann"])
        // Alone nobody is locked out, nor by somebody who may not approve, or elsewhere.
        for others in [
            [], [RoleBinding(role: .viewer, users: ["bob"])],
            [RoleBinding(role: .approver, users: ["bob"], sites: ["urban"])],
            [RoleBinding(role: .approver, users: ["ann"])],
        ] {
            #expect(Self.point([ann] + others).decide(.user("ann"), .delete, shop).isAllowed)
        }
        #expect(DecisionPoint([]).decide(.user("ann"), .delete, shop).isAllowed)

        let point = Self.point([
            ann, RoleBinding(role: .operator, users: ["cat"]),
            RoleBinding(role: .approver, users: ["bob"]),
        ])
        for who in ["ann", "cat"] {
            let report = point.decide(.user(who), .delete, shop)
            #expect(!report.isAllowed && report.needsApproval == true, "\(who)")
            #expect(report.reasons == ["stock/second-person"])
            #expect(
                point.decide(.user(who), .delete, AccessTarget(.workload, "idle")).isAllowed)
        }
        shop.isApproved = true
        #expect(point.decide(.user("cat"), .delete, shop).isAllowed)
        // An approval makes nothing of those who may not anyway.
        let viewer = point.decide(.user("bob"), .delete, shop)
        #expect(!viewer.isAllowed && viewer.needsApproval == nil)
    }

    @Test func `what is grave takes a second person though nothing is deleted`() {
        let people = [
            RoleBinding(role: .admin, users: ["ann"]), RoleBinding(role: .approver, users: ["bob"]),
        ]
        for (verb, target) in [
            (.apply, AccessTarget(.workload, "shop")), (.revoke, .fleet),
        ] as [(Verb, AccessTarget)] {
            var target = target
            #expect(Self.point(people).decide(.user("ann"), verb, target).isAllowed)
            target.isGrave = true
            let report = Self.point(people).decide(.user("ann"), verb, target)
            #expect(report.needsApproval == true, "\(verb)")
            #expect(report.reasons == ["stock/second-person-grave"])
            #expect(Self.point([people[0]]).decide(.user("ann"), verb, target).isAllowed)
            target.isApproved = true
            #expect(Self.point(people).decide(.user("ann"), verb, target).isAllowed)
        }
    }

    @Test func `a workload that is taken from what it wrote loses data`() {
        func spec(
            _ sources: [String], replicas: Replicas = .count(2), site: String = "urban"
        ) -> WorkloadSpec {
            WorkloadSpec(
                replicas: replicas, selector: ["site": site],
                containers: [
                    ContainerSpec(
                        name: "main", command: ["x"],
                        mounts: sources.map { Mount(source: $0, target: "/d") })
                ])
        }
        let held = spec(["/data"])
        for (next, loses) in [
            (spec(["/data"]), false), (spec(["/data", "/more"]), false),
            (spec(["/data"], replicas: .count(3)), false),
            (spec(["/data"], replicas: .perNode), false), (spec(["/other"]), true),
            (spec([]), true), (spec(["/data"], replicas: .count(1)), true),
            (spec(["/data"], site: "rural"), true),
        ] { #expect(held.losesData(becoming: next) == loses, "\(next)") }
        #expect(spec(["/data"], replicas: .perNode).losesData(becoming: held))
        #expect(!spec([]).losesData(becoming: spec([], site: "rural")))
    }

    @Test func `a rule may ask for a second person for anything`() {
        let point = Self.point(
            [
                RoleBinding(role: .admin, users: ["ann"]),
                RoleBinding(role: .approver, users: ["bob"]),
            ],
            cedar: """
                @id("sites")
                forbid(principal is User, action == Action::"delete", resource is Site)
                unless { context.isApproved };
                """)
        #expect(point.faults == [])
        let report = point.decide(.user("ann"), .delete, AccessTarget(.site, "rural"))
        #expect(report.needsApproval == true && report.reasons == ["staff/sites"])
    }

    @Test func `nodes keep their link and speak with those of their site, unless a policy says no`()
    {
        let site = AccessTarget(.site, "rural", sites: ["rural"])
        let other = AccessTarget(.site, "urban", sites: ["urban"])
        let near = AccessTarget(.node, "n2", sites: ["rural"])
        let far = AccessTarget(.node, "n3", sites: ["urban"])
        let node = Principal.node("n1", site: "rural")
        for point in [DecisionPoint([]), Self.point(Self.staff)] {
            #expect(point.decide(node, .connect, site).isAllowed)
            #expect(!point.decide(node, .connect, other).isAllowed)
            #expect(point.decide(node, .peer, near).isAllowed)
            #expect(!point.decide(node, .peer, far).isAllowed)
            #expect(point.decide(node, .run, Self.workload).isAllowed)
            for verb in Verb.ofPeople where verb != .status {
                #expect(!point.decide(node, verb, near).isAllowed, "\(verb)")
            }
        }
        let rules = """
            forbid(principal == Node::"n1", action in [Action::"connect", Action::"peer"], resource);
            """
        let point = Self.point(Self.staff, cedar: rules)
        #expect(point.faults.isEmpty)
        #expect(!point.decide(node, .connect, site).isAllowed)
        #expect(!point.decide(node, .peer, near).isAllowed)
        #expect(point.decide(.node("n2", site: "rural"), .connect, site).isAllowed)
    }

    @Test func `a broken policy leaves the link that can mend it, and nothing else to nodes`() {
        let point = DecisionPoint([], unread: [Self.reference])
        let node = Principal.node("n1", site: "rural")
        let site = AccessTarget(.site, "rural", sites: ["rural"])
        #expect(point.decide(node, .connect, site).isAllowed)
        #expect(!point.decide(node, .peer, AccessTarget(.node, "n2", sites: ["rural"])).isAllowed)
        #expect(!point.decide(node, .run, Self.workload).isAllowed)
        // What mends is signed, and shown by certificate: a token is not enough.
        let policy = AccessTarget(.policy, "staff")
        #expect(point.decide(.user("x"), .apply, policy).isAllowed)
        #expect(
            !point.decide(
                .user("x"), .apply, policy, in: .init(credential: .token(id: "t"))
            ).isAllowed)
    }

    @Test func `behind broken glass the console may do everything, and nobody else anything more`()
    {
        let broken = DecisionPoint.Circumstances(
            staleness: .expired, credential: .socket, isGlassBroken: true)
        let expired = DecisionPoint.Circumstances(staleness: .expired, credential: .socket)
        let forbidding = Self.point(
            [], cedar: "forbid(principal is Console, action, resource);")
        for point in [
            DecisionPoint([]), forbidding, DecisionPoint([], unread: [Self.reference]),
        ] {
            let report = point.decide(.console, .delete, Self.workload, in: broken)
            #expect(report.isAllowed && report.reasons == [DecisionPoint.brokenGlassID])
            #expect(!point.decide(.console, .delete, Self.workload, in: expired).isAllowed)
            #expect(
                point.decide(.user("ann"), .delete, Self.workload, in: broken).isAllowed == false)
        }
        for point in [DecisionPoint([]), DecisionPoint([], unread: [Self.reference])] {
            let report = point.decide(.console, .breakGlass, .fleet, in: expired)
            #expect(report.isAllowed, "\(report)")
        }
        #expect(!Self.point(Self.staff).decide(.user("admin"), .breakGlass, .fleet).isAllowed)
    }

    @Test func `what a workload asks of its node is there for rules`() {
        let rules = """
            @id("ports") forbid(principal, action == Action::"run", resource)
            when { resource.ports.contains(22) };
            @id("write") forbid(principal, action in [Action::"run", Action::"apply"], resource)
            when { resource.writableMounts.contains("/etc") };
            @id("command") forbid(principal, action == Action::"run", resource)
            when { resource.runsCommands && resource.tier > 1 };
            """
        let point = Self.point(Self.staff, cedar: rules)
        #expect(point.faults.isEmpty)
        let etc = Mount(source: "/etc", target: "/etc")
        let cases: [(ContainerSpec, Tier, [String])] = [
            (
                ContainerSpec(name: "a", ports: [PortSpec(name: "p", port: 22)]), .critical,
                ["staff/ports"]
            ),
            (ContainerSpec(name: "a", image: "x", mounts: [etc]), .critical, ["staff/write"]),
            (ContainerSpec(name: "a", command: ["true"]), .reduced, ["staff/command"]),
            (ContainerSpec(name: "a", command: ["true"]), .critical, ["stock/run"]),
        ]
        for (container, tier, reasons) in cases {
            let target = AccessTarget(
                .workload, "w", sites: ["rural"], tier: tier,
                demands: AccessTarget.Demands([container]))
            let report = point.decide(.node("n1", site: "rural"), .run, target)
            #expect(report.reasons == reasons, "\(container)")
        }
    }

    @Test func `one workload may ask another only what a rule permits`() {
        let rules = """
            permit(principal == Workload::"till", action == Action::"call",
                resource == Workload::"prices")
            when { context.request has method && context.request.method == "GET" };
            permit(principal in Site::"rural", action == Action::"call", resource == Workload::"time");
            """
        let point = Self.point(Self.staff, cedar: rules)
        #expect(point.faults.isEmpty)
        let till = Principal.workload("till", site: "rural")
        let prices = AccessTarget(.workload, "prices", sites: ["rural"])
        let time = AccessTarget(.workload, "time", sites: ["rural"])
        func ask(_ who: Principal, _ what: AccessTarget, _ request: [String: Fact]) -> Bool {
            point.decide(who, .call, what, in: .init(credential: .socket, request: request))
                .isAllowed
        }
        #expect(ask(till, prices, ["method": .text("GET")]))
        #expect(!ask(till, prices, ["method": .text("PUT")]))
        #expect(!ask(till, prices, [:]))
        #expect(!ask(.workload("camera", site: "rural"), prices, ["method": .text("GET")]))
        #expect(ask(.workload("camera", site: "rural"), time, [:]))
        #expect(!ask(.workload("camera", site: "urban"), time, [:]))
        #expect(!DecisionPoint([]).decide(till, .call, prices).isAllowed)
    }

    @Test func `who was lent a token looks only, as long as nobody is bound, and lends none`() {
        let token = DecisionPoint.Circumstances(credential: .token(id: "t"))
        let open = DecisionPoint([])
        for verb in Verb.allCases {
            let report = open.decide(.user("ann"), verb, Self.workload, in: token)
            #expect(report.isAllowed == [.status, .get, .logs].contains(verb), "\(verb)")
        }
        let bound = Self.point([RoleBinding(role: .admin, users: ["ann"])])
        #expect(bound.decide(.user("ann"), .delete, Self.workload, in: token).isAllowed)
        let vouch = bound.decide(.user("ann"), .vouch, .fleet, in: token)
        #expect(!vouch.isAllowed && vouch.reasons == ["stock/token-makes-no-token"])
        #expect(bound.decide(.user("ann"), .vouch, .fleet).isAllowed)
    }

    @Test func `a policy that cannot be read denies everything but status and its own repair`() {
        for cedar in [
            "permit(principal, action, resource)", "permit(principal, action, resource); forbid",
        ] {
            let point = Self.point(Self.staff, cedar: cedar)
            #expect(point.faults.contains { $0.isBreach })
            for verb in Verb.allCases {
                for who in [Principal.user("admin"), .console] {
                    let report = point.decide(who, verb, Self.workload)
                    let isLeft = verb == .status || (verb == .breakGlass && who == .console)
                    #expect(report.isAllowed == isLeft, "\(who) \(verb)")
                }
            }
            #expect(point.decide(.user("x"), .apply, AccessTarget(.policy, "staff")).isAllowed)
        }
    }

    @Test func `a kept version that cannot be read denies like a broken one`() {
        let unread = PolicyReference(name: "later", version: 9)
        let point = DecisionPoint([], unread: [unread])
        #expect(!point.decide(.user("operator"), .get, .fleet).isAllowed)
        #expect(point.decide(.user("operator"), .status, .fleet).isAllowed)
        #expect(
            point.decide(.console, .get, .fleet).errors
                == ["later@9: it is lost here, or this version of Skerry cannot read it"])
    }

    @Test func `rules in Cedar narrow and widen what roles say, in the scope of their policy`() {
        let rules = """
            @id("no-night") forbid(principal, action == Action::"exec", resource is Workload);
            permit(principal == User::"guest", action == Action::"get", resource);
            """
        let point = Self.point(Self.staff, cedar: rules, sites: ["rural"])
        let elsewhere = AccessTarget(.workload, "route", sites: ["urban"])
        let exec = point.decide(.user("operator"), .exec, Self.workload)
        #expect(!exec.isAllowed && exec.reasons == ["staff/no-night"])
        let guest = point.decide(.user("guest"), .get, Self.workload)
        #expect(guest.isAllowed && guest.reasons == ["staff/policy1"])
        #expect(!point.decide(.user("guest"), .get, elsewhere).isAllowed)
    }

    @Test func `mistakes in rules have their place and what to write`() {
        let point = Self.point(
            Self.staff,
            cedar: """
                permit(principal, action == Action::"exce", resource);
                forbid(principal, action, resource) when { context.stalenes == "stale" };
                """)
        #expect(
            point.faults.map(\.message) == [
                "line 1, column 19 of the rules: there is no action Action::\"exce\"",
                "line 2, column 44 of the rules: the context has no attribute 'stalenes'",
            ])
        // An older node may not know a newer word; the rule then never matches.
        #expect(!point.faults.contains { $0.isBreach })
        #expect(point.decide(.user("admin"), .get, Self.workload).isAllowed)
        #expect(
            point.faults.map(\.fix) == [
                "did you mean Action::\"exec\"?", "did you mean 'staleness'?",
            ])
    }

    @Test func `stale policy and offline identities may do less, and no rule outvotes that`() {
        let all = "permit(principal, action, resource);"
        let point = Self.point(Self.staff, cedar: all)
        func may(
            _ verb: Verb, _ staleness: Staleness, _ issuance: DecisionPoint.Issuance = .online,
            as who: Principal = .user("admin")
        ) -> Bool {
            point.decide(
                who, verb, Self.workload,
                in: .init(staleness: staleness, policyAge: .seconds(9), issuance: issuance)
            ).isAllowed
        }
        #expect(may(.exec, .fresh) && may(.delete, .fresh) && may(.approve, .fresh))
        #expect(!may(.exec, .stale) && !may(.delete, .stale) && may(.apply, .stale))
        #expect(!may(.exec, .fresh, .offline) && !may(.approve, .fresh, .offline))
        #expect(may(.apply, .fresh, .offline))
        #expect(may(.get, .expired) && may(.status, .expired) && !may(.apply, .expired))
        #expect(may(.delete, .stale, as: .console) && may(.get, .expired, as: .console))
        // Beyond the window the console needs broken glass.
        #expect(!may(.delete, .expired, as: .console) && may(.breakGlass, .expired, as: .console))
    }
}
