import Cedar
import Testing

@Suite struct ParserTests {
    @Test func `every form of scope is read`() throws {
        let text = try PolicyText(
            """
            // who, what, on what
            @id("one") @note
            permit(principal, action, resource);
            permit(principal == User::"ann", action == Action::"look", resource in Site::"north");
            forbid(principal is Site::User in Group::"g", action in [Action::"a", Action::"b"],
                resource is Box,);
            permit(principal in Group::"g", action in Action::"all", resource);
            """)

        #expect(text.statements.map(\.id) == ["policy0", "policy1", "policy2", "policy3"])
        #expect(text.statements[0].annotation("id") == "one")
        #expect(text.statements[0].annotation("note") == "")
        #expect(text.statements[1].principal == .equal(uid("User", "ann")))
        #expect(text.statements[1].resource == .within(uid("Site", "north")))
        #expect(text.statements[2].effect == .forbid)
        #expect(text.statements[2].principal == .typeWithin("Site::User", uid("Group", "g")))
        #expect(text.statements[2].actions == .within([uid("Action", "a"), uid("Action", "b")]))
        #expect(text.statements[2].resource == .type("Box"))
        #expect(text.statements[3].actions == .within([uid("Action", "all")]))
    }

    @Test func `mistakes of all policies are told at once with their places`() {
        let found = mistakes(
            """
            permit(principal, action, resource) when { 1 + };
            permit(principal, action, resource);
            allow(principal, action, resource);
            forbid(principal, action, resource) when { princpal.x };
            permit(principal, action) ;
            permit(principal, action, resource)
            """)

        #expect(
            found == [
                "1:48: expected an expression and found '}'",
                "3:1: expected 'permit' or 'forbid' and found 'allow'",
                "4:44: 'princpal' means nothing here; did you mean 'principal'?",
                "5:25: expected ',' and found ')'",
                "6:36: expected ';' and found the end of the text; a policy ends with ';'",
            ])
    }

    @Test func `mistakes that leave the grammar whole do not hide each other`() {
        let found = mistakes(
            #"""
            @a @a permit(principal, action == User::"x", resource) when {
                {x: 1, "x": 2}.if == 99999999999999999999 && "\q" == "\u{d800}" && "a" like "\*\x80"
            };
            """#)

        #expect(
            found.map { $0.prefix { $0 != " " } } == [
                "1:4:", "1:35:", "2:12:", "2:20:", "2:26:", "2:51:", "2:59:", "2:84:",
            ])
    }

    @Test(arguments: [
        ("a string that never ends", #"permit(principal, action, resource) when { "x };"#),
        ("a slot", "permit(principal == ?principal, action, resource);"),
        ("a single sign for equality", "permit(principal, action, resource) when { 1 = 1 };"),
        ("a division", "permit(principal, action, resource) when { 1 / 1 == 1 };"),
        ("comparisons in a row", "permit(principal, action, resource) when { 1 < 2 < 3 };"),
        ("five times not", "permit(principal, action, resource) when { !!!!!true };"),
        ("minus of not", "permit(principal, action, resource) when { -!true };"),
        (
            "an if as an operand",
            "permit(principal, action, resource) when { 1 + if true then 1 else 2 };"
        ),
        ("an if without else", "permit(principal, action, resource) when { if true then true };"),
        ("an empty condition", "permit(principal, action, resource) when { };"),
        ("an unknown method", "permit(principal, action, resource) when { [1].contain(1) };"),
        ("a method as a function", "permit(principal, action, resource) when { isIpv4(1) };"),
        (
            "a function as a method",
            #"permit(principal, action, resource) when { "1.0".decimal() };"#
        ),
        ("an unknown function", #"permit(principal, action, resource) when { adress("1") };"#),
        (
            "contains without an argument",
            "permit(principal, action, resource) when { [1].contains() };"
        ),
        ("an index that is no string", "permit(principal, action, resource) when { context[1] };"),
        ("a scope in another order", "permit(action, principal, resource);"),
        ("a fourth part of the scope", "permit(principal, action, resource, context);"),
        ("a word of Cedar as a type", #"permit(principal is in, action, resource);"#),
        (
            "a word of Cedar as a variable",
            "permit(principal, action, resource) when { __cedar::f(1) };"
        ),
        ("an action of another type", #"permit(principal, action == Box::"x", resource);"#),
        (
            "is with an entity",
            #"permit(principal, action, resource) when { principal is User::"x" };"#
        ),
        (
            "like without a string",
            "permit(principal, action, resource) when { principal.n like principal.m };"
        ),
        ("a lone ampersand", "permit(principal, action, resource) when { true & true };"),
        (
            "a number too large",
            "permit(principal, action, resource) when { 9223372036854775808 == 1 };"
        ),
        (
            "a number too small",
            "permit(principal, action, resource) when { -9223372036854775809 == 1 };"
        ),
        (
            "a bare carriage return in a string",
            "permit(principal, action, resource) when { \"a\rb\" == \"\" };"
        ),
        ("something after the last policy", "permit(principal, action, resource); permit"),
    ])
    func `refused with a place`(what: String, text: String) {
        #expect(!mistakes(text).isEmpty, "\(what) was accepted")
    }

    @Test func `words that mean something only here may be attributes and types`() throws {
        #expect(
            try holds(
                #"{permit: true, when: 1, principal: 2}.permit && !(context has principal)"#)
                == true)
        #expect(try holds(#"permit::when::"x" == permit::when::"x""#) == true)
    }

    @Test func `nesting beyond the limit is refused and up to it is read`() throws {
        func brackets(_ depth: Int) -> String {
            let open = String(repeating: "(", count: depth)
            return "permit(principal, action, resource) when { \(open)true"
                + String(repeating: ")", count: depth) + " };"
        }
        #expect(mistakes(brackets(60)).isEmpty)
        #expect(mistakes(brackets(200)).count == 1)
        #expect(mistakes(brackets(100_000)).count == 1)
        let chains = [
            "permit(principal, action, resource) when { 1\(String(repeating: "+1", count: 50_000)) == 1 };",
            "permit(principal, action, resource) when { context\(String(repeating: ".a", count: 50_000)) };",
            "permit(principal, action, resource) when { \(String(repeating: "if true then ", count: 9000)) };",
            "permit(principal, action, resource) when { \(String(repeating: "[", count: 90_000)) };",
            "permit(principal, action, resource) when { \(String(repeating: "{a:", count: 90_000)) };",
            "permit(principal, action, resource) when { context has a\(String(repeating: ".a", count: 50_000)) };",
        ]
        for chain in chains { #expect(mistakes(chain).count == 1) }
    }

    @Test func `long chains of and or or do not nest`() throws {
        let long = (0..<20_000).map { _ in "true" }
        #expect(try holds(long.joined(separator: " && ")) == true)
        #expect(try holds(long.joined(separator: " || ")) == true)
    }

    @Test func `texts beyond the limits are refused`() {
        let policy = "permit(principal, action, resource);"
        #expect(mistakes(String(repeating: policy, count: 16), limits: .tight).isEmpty)
        #expect(mistakes(String(repeating: policy, count: 17), limits: .tight).count == 1)
        #expect(mistakes(String(repeating: " ", count: 4097), limits: .tight).count == 1)
        #expect(mistakes("@a@b@c@d@e " + policy, limits: .tight).count == 1)
        #expect(mistakes(String(repeating: "?;", count: 1000), limits: .tight).count == 5)
    }

    @Test func `a column counts characters and not bytes`() {
        #expect(
            mistakes("permit(principal, action, resource) when { \"é🙂\" == § };")
                == ["1:52: \"§\" means nothing to Cedar"])
    }
}
