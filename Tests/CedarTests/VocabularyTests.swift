import Cedar
import Testing

@Suite struct VocabularyTests {
    let vocabulary = Vocabulary(
        types: ["User": ["roles"], "Workload": ["tier", "site"], "Site": []],
        actions: [uid("Action", "restart"), uid("Action", "approve")], context: ["offline"])

    func lint(_ text: String) throws -> [String] {
        try PolicyText(text).lint(vocabulary).map(\.description)
    }

    @Test func `a policy of known words has no remarks`() throws {
        #expect(
            try lint(
                """
                permit(principal is User, action == Action::"restart", resource is Workload)
                when { resource.tier > 1 && !context.offline && resource has site.name };
                """
            ).isEmpty)
    }

    @Test func `unknown words are named with their place and the nearest known one`() throws {
        #expect(
            try lint(
                """
                permit(principal is Usr, action in [Action::"restrat"], resource in Sit::"x")
                when { context.ofline && principal.rols == [] };
                forbid(principal, action, resource is Workload) when { resource.roles == [] };
                permit(principal, action, resource) when { resource is Workloads };
                permit(principal, action, resource) when { decimal("1.0", 2) == 1 };
                """)
                == [
                    "1:8: there is no type 'Usr'; did you mean 'User'?",
                    "1:26: there is no action Action::\"restrat\"; did you mean Action::\"restart\"?",
                    "1:57: there is no type 'Sit'; did you mean 'Site'?",
                    "2:8: the context has no attribute 'ofline'; did you mean 'offline'?",
                    "3:56: Workload has no attribute 'roles'; there are site, tier",
                    "4:44: there is no type 'Workloads'; did you mean 'Workload'?",
                    "5:44: 'decimal' is given a wrong number of arguments, and fails",
                ])
    }
}
