import Foundation
import Model
import Testing

/// Two people and something that writes: one asks, the other says yes, it is done once.
extension EndToEndTests {
    @Test func `what could lose data is done once another person says yes, and is on record`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            let data = stage.directory + "/data"
            try FileManager.default.createDirectory(
                atPath: data, withIntermediateDirectories: true)
            try await stage.apply(
                sleeper("shop", seconds: 4711).replacing(
                    "command:", with: "mounts: [{source: \(data), target: \(data)}], command:"))
            try await stage.ready("workload/shop")
            let tokens = try await stage.tokens(for: ["ann", "bob"])
            try await stage.bind(["admin": "ann", "operator": "bob"])
            try await stage.logIn(tokens)

            let asked = try await stage.skerry("delete workload shop --context bob")
            #expect(asked.code == 4, "\(asked.text) \(asked.remarks)")
            let list = try await stage.skerry("get approvals -o json --context ann")
            let approvals = try JSONDecoder().decode(
                ApprovalList.self, from: Data(list.text.utf8))
            let id = try #require(approvals.items.first?.id)
            #expect(asked.remarks.contains("skerry approve approval/\(id)"))
            #expect(try await stage.list("workloads").isEmpty == false)
            let node = try await stage.skerry("delete node node-1 --context bob")
            #expect(node.code == 4 && node.remarks.contains("not deleted yet"))

            // Nobody for themselves; and what waits survives the hub.
            let own = try await stage.skerry("approve approval/\(id) --context bob")
            #expect(own.code == 4 && own.remarks.contains("stock/own-request"))
            try await stage.hub?.crash()
            try await stage.startHub()
            let yes = try await stage.skerry("approve approval/\(id) --context ann")
            #expect(yes.code == 0, "\(yes.remarks)")
            #expect(yes.text.contains("done: delete workload/shop"))
            #expect(try await stage.skerry("get workload shop --context ann").code == 3)
            try await eventually("the process to be gone") {
                try stage.workloadProcesses().isEmpty
            }

            let tail = try await stage.skerry("audit tail -o json --context ann")
            let records = tail.text.split(separator: "\n").filter { $0.contains(id) }
            #expect(
                records.contains { $0.contains("\(id) by user/ann") && $0.contains("user/bob") })
            #expect(try await stage.skerry("audit verify --context ann").code == 0)
        }
    }
}

extension EndToEndTests {
    @Test func `a grave change, a mass revocation and the end of roots wait for a second person`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            let key = stage.directory + "/hub/operator/policy.key"
            let state = stage.directory + "/hub"
            let rotated = try await stage.skerry(["ca", "rotate", "root", "--state", state])
            #expect(rotated.code == 0)
            func roots(_ context: String?) async throws -> Int {
                let words = "get certificates -o json" + (context.map { " --context \($0)" } ?? "")
                let list = try await stage.skerry(words).text
                return try JSONDecoder().decode(CertificateList.self, from: Data(list.utf8))
                    .items.count { $0.role == .root }
            }
            try await eventually("the hub to accept two roots") {
                try await roots(nil) == 2
            }
            let writes = sleeper("shop", seconds: 4712).replacing(
                "command:", with: "mounts: [{source: /tmp, target: /tmp}], command:")
            try await stage.apply(writes)
            let tokens = try await stage.tokens(for: ["ann", "bob"])
            try await stage.bind(["admin": "ann", "approver": "bob", "security": "bob"])
            try await stage.logIn(tokens)

            func waiting(_ answer: Answer) throws -> String {
                #expect(answer.code == 4, "\(answer.text) \(answer.remarks)")
                return try #require(
                    answer.remarks.split(separator: "approval/").last?.prefix(8).description)
            }
            let retire = try waiting(try await stage.skerry("ca retire --context bob"))
            let many = try waiting(
                try await stage.skerry(
                    "revoke user/eve user/mel user/kim --key \(key) --context bob"))
            let change = try waiting(
                try await stage.skerry(
                    ["apply", "-f", "-", "--context", "ann"],
                    input: sleeper("shop", seconds: 4712)))
            #expect(try await roots("ann") == 2)
            #expect(try await stage.skerry("revoke user/lea --context bob").code == 0)
            let list = try await stage.skerry("get approvals --context ann").text
            for words in ["retire earlier roots", "revoke user/eve", "apply workload/shop"] {
                #expect(list.contains(words), "\(list)")
            }
            #expect(try await stage.skerry("approve approval/\(change) --context ann").code == 4)
            // The hub dies between the durable yes and the files of the roots.
            try await stage.hub?.crash()
            try await stage.startHub(failpoint: "hub.reply.before:1")
            try await eventually("the hub to have died of the yes") {
                _ = try await stage.skerry("approve approval/\(retire) --context ann")
                return stage.hub?.isRunning == false
            }
            try await stage.startHub()
            let yes = try await stage.skerry("approve approval/\(many) --context ann")
            #expect(yes.code == 0, "\(yes.remarks)")
            let made = try await stage.skerry("approve approval/\(change) --context bob")
            #expect(made.text.contains("done: apply workload/shop"), "\(made.remarks)")
            let revoked = try await stage.skerry("get revocations -o name --context ann").text
            for user in ["eve", "mel", "kim", "lea"] { #expect(revoked.contains(user)) }
            try await eventually("the hub to accept one root alone") { try await roots("ann") == 1 }
        }
    }
}

extension Stage {
    /// Made before any role is bound: afterwards the operator's certificate may do nothing.
    func tokens(for people: [String]) async throws -> [String: String] {
        var tokens: [String: String] = [:]
        for name in people {
            let answer = try await skerry("token create --user \(name) --ttl 1h")
            guard answer.code == 0 else { throw Vain(description: answer.remarks) }
            tokens[name] = answer.text.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return tokens
    }

    /// A context for each, by the name of the person.
    func logIn(_ tokens: [String: String]) async throws {
        for (name, token) in tokens.sorted(by: { $0.key < $1.key }) {
            let answer = try await skerry([
                "login", "--token", token, "--name", name, "--server",
                "https://127.0.0.1:\(ports.lowerBound)", "--certificate-authority",
                directory + "/hub/operator/authority.crt",
            ])
            guard answer.code == 0 else { throw Vain(description: answer.remarks) }
        }
    }

    /// - Parameter roles: who is what.
    func bind(_ roles: [String: String], cedar: String? = nil) async throws {
        let file = directory + "/staff"
        var text =
            "apiVersion: skerry.dev/v1\nkind: Policy\nmetadata: {name: staff}\nspec:\n"
            + "  roleBindings:\n"
        for (role, user) in roles.sorted(by: { $0.key < $1.key }) {
            text += "    - {role: \(role), users: [\(user)]}\n"
        }
        if let cedar {
            text += "  cedar: |\n" + cedar.split(separator: "\n").map { "    \($0)\n" }.joined()
        }
        try text.write(toFile: file + ".yaml", atomically: true, encoding: .utf8)
        let key = directory + "/hub/operator/policy.key"
        let signed = try await skerry("policy sign -f \(file).yaml --key \(key) -o \(file).json")
        guard signed.code == 0 else { throw Vain(description: signed.remarks) }
        let applied = try await skerry("apply -f \(file).json")
        guard applied.code == 0 else { throw Vain(description: applied.remarks) }
    }

    /// A policy of nothing but a rule.
    func rule(_ cedar: String, version: Int) async throws {
        let file = directory + "/rule"
        let text =
            "apiVersion: skerry.dev/v1\nkind: Policy\nmetadata: {name: rule}\nspec:\n  cedar: |\n"
            + "    // As of version \(version).\n"
            + cedar.split(separator: "\n").map { "    \($0)\n" }.joined()
        try text.write(toFile: file + ".yaml", atomically: true, encoding: .utf8)
        let key = directory + "/hub/operator/policy.key"
        let signed = try await skerry(
            "policy sign -f \(file).yaml --key \(key) --version \(version) -o \(file).json")
        guard signed.code == 0 else { throw Vain(description: signed.remarks) }
        let applied = try await skerry("apply -f \(file).json")
        guard applied.code == 0 else { throw Vain(description: applied.remarks) }
    }
}
