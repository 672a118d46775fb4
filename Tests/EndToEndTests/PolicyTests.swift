import Foundation
import Model
import Testing

/// Who may decide, signed on a machine that is not the hub.
extension EndToEndTests {
    @Test
    func
        `what is signed elsewhere rules a node, and still does with the hub gone and after a reboot`()
        async throws
    {
        try await Stage.with { stage in
            let desk = try await Desk(stage)
            stage.hubSettings = ["--policy-keys", desk.key + ".pub"]
            try await stage.openHub()
            try await stage.openAgent()

            let first = try await desk.sign(1, rows: "[{domain: update, verdict: hold}]")
            #expect(
                try await stage.skerry("policy verify \(first) --key \(desk.key).pub").code == 0)
            #expect(try await stage.skerry("apply -f \(first)").code == 0)
            try await stage.ready("policy/freeze")
            #expect(try await stage.authority(on: "node-1").contains("with freeze@1"))

            // Its own table forbids the hub what it wants.
            try await stage.apply(routes("routes"))
            try await stage.ready("workload/routes")
            let held = try await stage.skerry(
                ["apply", "-f", "-"],
                input: routes("routes").replacing("tier: 1", with: "tier: 2"))
            #expect(held.code != 0)
            #expect(held.remarks.contains("freeze@1"))

            // Half of a file, a changed one, an older one.
            let second = try await desk.sign(2, rows: "[]")
            let text = try String(contentsOfFile: second, encoding: .utf8)
            for bad in [String(text.dropLast(40)), text.replacing("issued 2", with: "issued 3")] {
                let answer = try await stage.skerry(["apply", "-f", "-"], input: bad)
                #expect(answer.code == 2)
            }
            #expect(try await stage.authority(on: "node-1").contains("with freeze@1"))

            try await stage.hub?.crash()
            try await stage.agents["node-1"]?.crash()
            try await stage.startAgent()
            let offline = try await stage.authority(on: "node-1")
            #expect(offline.contains("with freeze@1"))
            #expect(offline.contains("hold central"))
            #expect(try await stage.skerry("get policies", on: "node-1").text.contains("freeze"))

            try await stage.startHub()
            #expect(try await stage.skerry("apply -f \(second)").code == 0)
            try await stage.ready("policy/freeze")
            let older = try await stage.skerry("apply -f \(first)")
            #expect(older.code == 2)
            #expect(older.remarks.contains("older than version 2"))
            let back = try await stage.skerry(
                "policy rollback freeze --to 1 --version 3 --key \(desk.key)")
            #expect(back.code == 0)
            try await stage.ready("policy/freeze")
            let table = try await stage.authority(on: "node-1")
            #expect(table.contains("with freeze@3"))
            #expect(table.contains("hold central"))
        }
    }

    @Test func `a hub that was taken over makes no policy, and what else it says still arrives`()
        async throws
    {
        try await Stage.with { stage in
            let desk = try await Desk(stage)
            stage.hubSettings = ["--policy-keys", desk.key + ".pub"]
            try await stage.openHub()
            try await stage.openAgent()
            let first = try await desk.sign(1, rows: "[{domain: update, verdict: hold}]")
            #expect(try await stage.skerry("apply -f \(first)").code == 0)
            try await stage.ready("policy/freeze")

            try await stage.hub?.crash()
            let intruder = try await Desk(stage, named: "intruder")
            stage.hubSettings = ["--policy-keys", intruder.key + ".pub"]
            try await stage.startHub()
            let forged = try await intruder.sign(2, rows: "[]")
            #expect(try await stage.skerry("apply -f \(forged)").code == 0)
            try await eventually("the node to say that it refuses") {
                try await stage.skerry("events").text.contains("PolicyRefused")
            }
            #expect(try await stage.authority(on: "node-1").contains("with freeze@1"))
            try await stage.apply(routes("routes"))
            try await stage.ready("workload/routes")
        }
    }
}

/// A machine with a key on it, and no hub.
struct Desk {
    let key: String
    private let stage: Stage

    init(_ stage: Stage, named name: String = "desk") async throws {
        self.stage = stage
        key = stage.directory + "/" + name + ".key"
        let answer = try await stage.skerry("policy keygen -o \(key)")
        guard answer.code == 0 else { throw Vain(description: answer.remarks) }
    }

    /// - Returns: the file of the bundle.
    func sign(_ version: Int, rows: String) async throws -> String {
        let bundle = "\(key).\(version).json"
        let answer = try await stage.skerry(
            ["policy", "sign", "-f", "-", "--key", key, "--version", "\(version)", "-o", bundle],
            input: """
                apiVersion: skerry.dev/v1
                kind: Policy
                metadata: {name: freeze}
                spec:
                  scope: {sites: [urban]}
                  authority: \(rows)

                """)
        guard answer.code == 0 else { throw Vain(description: answer.remarks) }
        return bundle
    }
}

extension Stage {
    /// What a node says of its own table.
    func authority(on node: String) async throws -> String {
        let answer = try await skerry("get authority --site urban", on: node)
        guard answer.code == 0 else { throw Vain(description: answer.remarks) }
        return answer.text
    }
}
