import Foundation
import GRDB
import Model
import Testing

/// What people did is kept, on hub and node, and who bends the record of it is found.
extension EndToEndTests {
    @Test
    func `one row edited, removed or reordered on the disk of a stopped hub or node is named`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            for number in 1...6 {
                #expect(try await stage.skerry("label node node-1 step=\(number)").code == 0)
                // Refused by the hub's rules, not by those of access.
                #expect(try await stage.skerry("delete workload none-\(number)").code == 3)
            }
            for number in 1...3 {
                let answer = try await stage.skerry("delete workload no-\(number)", on: "node-1")
                #expect(answer.code != 0)
            }
            #expect(try await stage.skerry("audit verify").code == 0)
            #expect(try await stage.skerry("audit verify", on: "node-1").code == 0)
            try await stage.agents["node-1"]?.crash()
            try await stage.hub?.crash()

            for (state, rows) in [("hub", 9), ("node-1", 2)] {
                let whole = try await stage.skerry("audit verify --state \(stage.path(state))")
                #expect(whole.code == 0, "\(state): \(whole.remarks)")
                for (change, row, word) in tamperings(of: rows) {
                    let copy = try stage.copy(of: state)
                    try stage.alter(copy, change)
                    let answer = try await stage.skerry("audit verify --state \(copy)")
                    #expect(answer.code == 1, "\(state): \(change)")
                    #expect(
                        answer.remarks.contains("first bad record \(row), \(word)"),
                        "\(state): \(change): \(answer.remarks)")
                    try FileManager.default.removeItem(atPath: copy)
                }
            }

            // The same by a hub that was started on what somebody bent.
            try stage.alter(
                stage.path("hub"),
                "UPDATE audit SET body = replace(body, 'allow', 'deny') WHERE number = 4")
            try await stage.startHub()
            let answer = try await stage.skerry("audit verify")
            #expect(answer.code == 1)
            #expect(answer.remarks.contains("first bad record 4, edited"))
        }
    }

    /// What is done to a log of more than `rows` rows, and what is said of it.
    private func tamperings(of rows: Int) -> [(change: String, row: Int, word: String)] {
        let swap = """
            UPDATE audit SET number = -1 WHERE number = \(rows - 1);
            UPDATE audit SET number = \(rows - 1) WHERE number = \(rows);
            UPDATE audit SET number = \(rows) WHERE number = -1
            """
        return [
            (
                "UPDATE audit SET body = replace(body, 'allow', 'deny') WHERE number = \(rows)",
                rows, "edited"
            ),
            ("UPDATE audit SET hash = zeroblob(32) WHERE number = \(rows)", rows, "edited"),
            ("DELETE FROM audit WHERE number = \(rows)", rows, "removed"),
            (swap, rows - 1, "reordered"),
            ("DELETE FROM audit WHERE number = 1", 1, "removed"),
            ("DELETE FROM audit WHERE number > \(rows)", rows + 1, "truncated"),
            ("DELETE FROM audit", 1, "truncated"),
        ]
    }

    @Test func `a node whose history goes back below what its hub has witnessed is flagged`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.agents["node-1"]?.crash()
            let early = try stage.copy(of: "node-1")
            try await stage.startAgent()
            for number in 1...4 {
                _ = try await stage.skerry("delete workload none-\(number)", on: "node-1")
            }
            try await eventually("the hub to witness the node's log") {
                let answer = try await stage.skerry("audit verify -o json", on: "node-1")
                let verdict = try JSONDecoder().decode(
                    AuditVerdict.self, from: Data(answer.text.utf8))
                return verdict.fault == nil && (verdict.witnessed ?? 0) >= 6
            }
            let proof = try await stage.skerry("audit prove 4", on: "node-1")
            #expect(proof.code == 0, "\(proof.remarks)")
            #expect(proof.text.contains("in the log of hub/hub"), "\(proof.text)")
            #expect(try await stage.skerry("audit prove 1").code == 0)
            #expect(try await stage.skerry("audit prove 99").code == 3)
            #expect(try await stage.skerry("audit prove x").code == 2)
            #expect(try await stage.auditDoubt() == nil)

            // An older copy of the disk is put back: its log fits together by itself.
            try await stage.agents["node-1"]?.crash()
            try FileManager.default.removeItem(atPath: stage.path("node-1"))
            try FileManager.default.moveItem(atPath: early, toPath: stage.path("node-1"))
            #expect(
                try await stage.skerry("audit verify --state \(stage.path("node-1"))").code == 0)
            try await stage.startAgent()
            try await eventually("the hub to flag the node") {
                try await stage.auditDoubt()?.contains("not what it was") == true
            }
            let events = try await stage.skerry("events")
            #expect(events.text.contains("AuditDoubted"))
        }
    }

    @Test func `a viewer who deploys, executes or deletes is refused, and that is kept`()
        async throws
    {
        try await Stage.with { stage in
            let key = stage.directory + "/desk.key"
            #expect(try await stage.skerry("policy keygen -o \(key)").code == 0)
            stage.hubSettings = ["--policy-keys", key + ".pub"]
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(routes("routes"))
            try await stage.ready("workload/routes")
            let staff = try await stage.skerry(
                ["policy", "sign", "-f", "-", "--key", key, "-o", key + ".json"],
                input: """
                    apiVersion: skerry.dev/v1
                    kind: Policy
                    metadata: {name: staff}
                    spec:
                      roleBindings:
                        - {role: viewer, users: [admin]}
                        - {role: admin, users: [ann]}
                      cedar: |
                        @id("no-exec") forbid(principal, action == Action::"exec", resource is Instance);

                    """)
            #expect(staff.code == 0)
            #expect(try await stage.skerry("apply -f \(key).json").code == 0)

            // The operator's certificate says `admin`, who is a viewer from here on.
            let deploy = try await stage.skerry(
                ["apply", "-f", "-"], input: routes("routes").replacing("tier: 1", with: "tier: 2"))
            #expect(deploy.code == 4)
            let exec = try await stage.skerry("exec instance/routes-0 -- true")
            #expect(exec.code == 4)
            #expect(exec.remarks.contains("staff/no-exec forbids it"))
            #expect(try await stage.skerry("delete workload routes").code == 4)
            #expect(try await stage.skerry("audit tail").code == 4)
            #expect(try await stage.skerry("get nodes").code == 0)
            try await stage.hub?.crash()

            let page = try await stage.skerry(
                "audit tail --state \(stage.path("hub")) -n 4 -o json")
            let entries = try JSONDecoder().decode(AuditPage.self, from: Data(page.text.utf8)).items
            let records = try entries.map {
                try JSONDecoder().decode(AuditRecord.self, from: Data($0.text.utf8))
            }
            #expect(records.map(\.action) == ["apply", "exec", "delete", "review"])
            #expect(records.map(\.who) == Array(repeating: "user/admin", count: 4))
            #expect(records.map(\.decision) == Array(repeating: .deny, count: 4))
            #expect(
                records.map(\.target) == [
                    "Workload/routes", "Instance/routes-0", "Workload/routes", "fleet",
                ])
            #expect(records[1].reasons == ["staff/no-exec"])
            #expect(records[1].note == "container server: true")
            #expect(records[0].policies.map(\.name) == ["staff"])
            #expect(try await stage.skerry("audit verify --state \(stage.path("hub"))").code == 0)
        }
    }

    @Test func `a cut-off node keeps what its owner does, and says that it was cut off`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.hub?.crash()
            try await eventually("the node to be alone") {
                try await stage.list("nodes", on: "node-1").contains {
                    if case .node(let node) = $0 {
                        node.status?.state == .autonomous
                    } else {
                        false
                    }
                }
            }
            _ = try await stage.skerry("delete workload none", on: "node-1")
            let answer = try await stage.skerry("audit tail -n 1 -o json", on: "node-1")
            let page = try JSONDecoder().decode(AuditPage.self, from: Data(answer.text.utf8))
            let text = try #require(page.items.last?.text)
            let record = try JSONDecoder().decode(AuditRecord.self, from: Data(text.utf8))
            #expect(record.who == "console/local")
            #expect(record.action == "delete")
            #expect(record.mode == .offline)
            #expect(record.reasons == ["stock/console"])
            #expect(try await stage.skerry("audit verify", on: "node-1").code == 0)
            let export = try await stage.skerry("audit export --format syslog", on: "node-1")
            #expect(export.text.split(separator: "\n").last?.hasPrefix("<109>1 ") == true)
        }
    }
}

extension Stage {
    /// What the hub says against the audit log of its node.
    fileprivate func auditDoubt() async throws -> String? {
        for case .node(let node) in try await list("nodes") {
            return node.status?.conditions.first { $0.type == "Audit" }?.message
        }
        return nil
    }

    fileprivate func path(_ state: String) -> String { directory + "/" + state }

    fileprivate func copy(of state: String) throws -> String {
        let copy = path(state) + "-bent"
        try FileManager.default.copyItem(atPath: path(state), toPath: copy)
        return copy
    }

    /// Changes the store of a process that does not run, as somebody with its disk would.
    func alter(_ state: String, _ change: String) throws {
        let store = try DatabaseQueue(path: state + "/store.sqlite")
        try store.write { try $0.execute(sql: change) }
        try store.close()
    }
}
