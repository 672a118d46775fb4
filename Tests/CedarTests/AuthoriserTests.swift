import Cedar
import Testing

@Suite struct AuthoriserTests {
    func ruling(
        _ text: String, entities: [Entity] = [], request: Request = anything(),
        limits: Limits = .production
    ) throws -> Ruling {
        try Authoriser(PolicyText(text).statements, entities: entities, limits: limits)
            .decide(request)
    }

    @Test func `what no policy permits is denied without a reason`() throws {
        let none = try ruling("")
        #expect(!none.isAllowed && none.reasons.isEmpty && none.errors.isEmpty)
        let other = try ruling(#"permit(principal == User::"bob", action, resource);"#)
        #expect(!other.isAllowed && other.reasons.isEmpty)
    }

    @Test func `all policies that permit are reasons, in their order`() throws {
        let found = try ruling(
            """
            permit(principal, action, resource);
            permit(principal, action, resource) unless { true };
            permit(principal is User, action == Action::"look", resource == Box::"b1");
            """)
        #expect(found.isAllowed && found.reasons == ["policy0", "policy2"])
    }

    @Test func `one policy that forbids outweighs all that permit`() throws {
        let found = try ruling(
            """
            permit(principal, action, resource);
            forbid(principal, action, resource) when { resource is Box };
            forbid(principal, action, resource) when { resource is Bag };
            """)
        #expect(!found.isAllowed && found.reasons == ["policy1"])
    }

    @Test func `a policy that fails is passed over and named`() throws {
        let found = try ruling(
            """
            permit(principal, action, resource);
            forbid(principal, action, resource) when { principal.age > 3 };
            permit(principal, action, resource) when { 1 + 9223372036854775807 > 0 };
            """)
        #expect(found.isAllowed && found.reasons == ["policy0"])
        #expect(found.errors.map(\.policy) == ["policy1", "policy2"])
        #expect(found.errors.map(\.failure) == [.missingEntity, .overflow])
    }

    @Test func `a condition after a false one cannot fail`() throws {
        let found = try ruling(
            "permit(principal, action, resource) when { false } when { principal.age > 3 };")
        #expect(!found.isAllowed && found.errors.isEmpty)
    }

    @Test func `running out of steps denies, whatever else permits`() throws {
        var limits = Limits.production
        limits.steps = 40
        let long = (0..<40).map { "1 == \($0 + 2)" }.joined(separator: " || ")
        let found = try ruling(
            """
            permit(principal, action, resource);
            forbid(principal, action, resource) when { \(long) };
            """, limits: limits)
        #expect(!found.isAllowed && found.errors.map(\.failure) == [.steps])
    }

    @Test func `a pattern that would take for ever ends`() throws {
        let text = String(repeating: "a", count: 30_000)
        let pattern = "*" + String(repeating: "a", count: 10_000) + "b"
        let found = try ruling(
            """
            permit(principal, action, resource);
            forbid(principal, action, resource) when { context.t like "\(pattern)" };
            """,
            request: anything(context: ["t": .string(Text(text))]))
        #expect(!found.isAllowed && found.errors.map(\.failure) == [.steps])
    }

    @Test func `a context that cannot be read denies`() throws {
        let found = try ruling(
            "permit(principal, action, resource);",
            request: anything(context: ["x": .call(.ip, [.string("nowhere")])]))
        #expect(!found.isAllowed && found.fault != nil)
    }

    @Test func `the scope is found through groups of actions, principals and resources`() throws {
        let entities = [
            Entity(uid("User", "ann"), parents: [uid("Group", "g")]),
            Entity(uid("Action", "look"), parents: [uid("Action", "read")]),
            Entity(uid("Box", "b1"), parents: [uid("Site", "north")]),
        ]
        let found = try ruling(
            """
            permit(principal in Group::"g", action in Action::"read", resource in Site::"north");
            permit(principal is User in Group::"g", action in [Action::"read"], resource is Box);
            permit(principal == User::"ann", action in Action::"look", resource);
            permit(principal, action in [Action::"write", Action::"erase"], resource);
            permit(principal is Box, action, resource);
            permit(principal is User in Group::"h", action, resource);
            """, entities: entities)
        #expect(found.reasons == ["policy0", "policy1", "policy2"])
    }

    @Test func `the index leaves out no rule that a plain search finds`() throws {
        // Every scope there is, over names of which some are described and some unknown.
        let sides = ["", " == T::\"1\"", " in T::\"1\"", " is T", " is U", " is T in T::\"2\""]
        let actions = [
            "", " == Action::\"1\"", " in Action::\"2\"", " in [Action::\"1\", Action::\"3\"]",
        ]
        var text = ""
        for principal in sides {
            for action in actions {
                for resource in sides {
                    text += "permit(principal\(principal), action\(action), resource\(resource));"
                    // The same as a condition, which no index can skip.
                    func condition(_ name: String, _ test: String) -> String {
                        test.isEmpty ? "true" : name + test
                    }
                    text += "permit(principal, action, resource) when { "
                    text += condition("principal", principal) + " && " + condition("action", action)
                    text += " && " + condition("resource", resource) + " };"
                }
            }
        }
        let entities = [
            Entity(uid("T", "3"), parents: [uid("T", "2")]),
            Entity(uid("T", "2"), parents: [uid("T", "1")]),
            Entity(uid("Action", "1"), parents: [uid("Action", "2")]),
            Entity(uid("Odd", "1"), parents: [uid("Action", "2")]),
        ]
        let authoriser = try Authoriser(PolicyText(text).statements, entities: entities)
        let subjects = [uid("T", "1"), uid("T", "2"), uid("T", "3"), uid("U", "1"), uid("V", "1")]
        let acts = [
            uid("Action", "1"), uid("Action", "2"), uid("Action", "9"), uid("Odd", "1"),
        ]
        var found = 0
        for principal in subjects {
            for act in acts {
                for resource in subjects {
                    let reasons = authoriser.decide(
                        Request(principal: principal, action: act, resource: resource)
                    ).reasons.compactMap { Int($0.string.dropFirst(6)) }
                    let byScope = reasons.filter { $0 % 2 == 0 }
                    let byCondition = reasons.filter { $0 % 2 == 1 }.map { $0 - 1 }
                    #expect(byScope == byCondition)
                    found += byScope.count
                }
            }
        }
        #expect(found > 500)
    }

    @Test func `a request may describe what the authoriser does not know`() throws {
        let text = """
            permit(principal in Group::"top", action, resource in Site::"north")
            when { resource.tier > 1 && resource.getTag("kind") == "box" };
            """
        let known = [
            Entity(uid("Group", "g"), parents: [uid("Group", "top")]),
            Entity(uid("Box", "known"), attributes: ["tier": .long(1)]),
        ]
        let authoriser = try Authoriser(PolicyText(text).statements, entities: known)
        func request(_ resource: EntityUID, tier: Int64) -> Request {
            Request(
                principal: uid("User", "ann"), action: uid("Action", "look"), resource: resource,
                entities: [
                    Entity(uid("User", "ann"), parents: [uid("Group", "g")]),
                    Entity(
                        resource, attributes: ["tier": .long(tier)],
                        tags: ["kind": .string("box")], parents: [uid("Site", "north")]),
                ])
        }
        #expect(authoriser.decide(request(uid("Box", "new"), tier: 2)).isAllowed)
        #expect(!authoriser.decide(request(uid("Box", "new"), tier: 1)).isAllowed)
        // What is known is not described away.
        #expect(!authoriser.decide(request(uid("Box", "known"), tier: 2)).isAllowed)
    }
}
