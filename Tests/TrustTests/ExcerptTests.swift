import Model
import Testing
import Trust

@Suite struct ExcerptTests {
    private static let cedar = """
        // The night shift; "rests".
        @id("night")
        forbid(principal, action == Action::"exec", resource)
        when { context.staleness != "a;b\\"c" };

        permit(principal == User::"guest", action, resource); // over
        permit(principal == User::"last", action, resource);
        """

    private let point = AccessTests.point(
        [RoleBinding(role: .operator, users: ["ann", "bob"], sites: ["rural"])],
        cedar: ExcerptTests.cedar)

    @Test func `every reason of a decision leads to its policy`() {
        for (who, verb) in [(Principal.user("ann"), Verb.apply), (.user("ann"), .exec)] {
            let report = point.decide(who, verb, AccessTests.workload)
            #expect(!report.reasons.isEmpty)
            #expect(point.excerpts(of: report.reasons).map(\.id) == report.reasons)
        }
    }

    @Test func `a rule is shown as it was written, with the line where it begins`() {
        let found = point.excerpts(of: ["staff/night", "staff/policy1", "staff/policy2"])
        #expect(
            found.map(\.place) == [
                "policy staff@3, spec.cedar line 2", "policy staff@3, spec.cedar line 6",
                "policy staff@3, spec.cedar line 7",
            ])
        #expect(found.first?.text.hasPrefix("@id(\"night\")\nforbid(") == true)
        #expect(found.first?.text.hasSuffix("};") == true)
        #expect(
            found.last?.text == #"permit(principal == User::"last", action, resource);"#)
    }

    @Test func `a binding is shown as people wrote it`() {
        #expect(
            point.excerpts(of: ["staff/operator/0"]) == [
                PolicyExcerpt(
                    id: "staff/operator/0", place: "policy staff@3, spec.roleBindings[0]",
                    text: "operator: ann, bob at rural")
            ])
    }

    @Test func `what is built in says so, and what is nowhere is left out`() {
        let found = point.excerpts(of: ["stock/stale-exec", "stock/none", "other/x", "x", ""])
        #expect(found.map(\.id) == ["stock/stale-exec"])
        #expect(found.first?.place == "built into Skerry")
    }
}
