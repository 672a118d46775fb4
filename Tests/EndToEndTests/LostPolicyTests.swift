import Foundation
import Glibc
import Testing

extension EndToEndTests {
    /// A20 at the hub: whoever gets at its store gets no hub without policies.
    @Suite struct LostPolicyTests {
        @Test(arguments: [
            "DELETE FROM policy", "UPDATE policy SET body = substr(body, 1, 9)",
            "UPDATE policy SET body = x'00'", "the whole store",
        ])
        func `a hub whose policies are gone or damaged denies all but what mends it`(
            damage: String
        ) async throws {
            try await Stage.with { stage in
                let desk = try await Desk(stage)
                stage.hubSettings = ["--policy-keys", desk.key + ".pub"]
                try await stage.openHub()
                try await stage.openAgent()
                let first = try await desk.sign(1, rows: "[]")
                #expect(try await stage.skerry("apply -f \(first)").code == 0)
                try await stage.apply(sleeper("till", seconds: 7_520))
                try await stage.ready("workload/till")
                let before = try stage.workloadProcesses()

                try await stage.hub?.crash()
                if damage == "the whole store" {
                    for ending in ["", "-wal", "-shm"] {
                        unlink(stage.directory + "/hub/store.sqlite" + ending)
                    }
                } else {
                    try stage.alter(stage.directory + "/hub", damage)
                }
                try await stage.startHub()
                for words in [
                    "get workloads", "get nodes", "delete workload till", "cordon node-1",
                    "token create --site urban", "events", "get certificates",
                    "revoke node/node-1 --reason lost",
                ] {
                    let answer = try await stage.skerry(words)
                    #expect(answer.code == 4, "\(words): \(answer.code) \(answer.remarks)")
                }
                let refused = try await stage.skerry(
                    ["apply", "-f", "-"], input: sleeper("till", seconds: 7_521))
                #expect(refused.code == 4, "\(refused.remarks)")
                #expect(try await stage.skerry("status").code == 0)
                #expect(try stage.workloadProcesses() == before)

                let second = try await desk.sign(2, rows: "[]")
                let mended = try await stage.skerry("apply -f \(second)")
                #expect(mended.code == 0, "\(mended.remarks)")
                #expect(try await stage.skerry("get workloads").code == 0)
                #expect(try stage.workloadProcesses() == before)
            }
        }
    }

    /// A16: what is in memory does not come to disk by a crash.
    @Test func `a hub and an agent that crash leave no core, also where others would`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.hub?.crash()
            try await stage.agents["node-1"]?.crash()

            var limit = rlimit()
            try #require(getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0)
            let before = limit
            limit.rlim_cur = limit.rlim_max
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit) == 0)
            defer {
                var limit = before
                setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limit)
            }
            let other = try Program(
                "/bin/sh", ["-c", "cd \(stage.directory) && exec sleep 600"], environment: [:],
                log: stage.directory + "/other")
            try await stage.startHub()
            try await stage.startAgent()
            let daemons = [try #require(stage.hub), try #require(stage.agents["node-1"])]
            for program in daemons + [other] { program.signal(SIGSEGV) }
            for program in daemons + [other] { #expect(try await program.ended() == SIGSEGV) }
            // Where the machine writes none for anybody this shows nothing.
            guard other.leftCore else { return }
            #expect(daemons.allSatisfy { !$0.leftCore })
        }
    }
}
