import Foundation
import Testing

extension EndToEndTests {
    @Test func `every verb says what is wrong with what it was given, and with the right code`()
        async throws
    {
        try await Stage.with { stage in
            try await stage.openHub()
            try await stage.openAgent()
            try await stage.apply(sleeper("quiet", seconds: 7005))
            try await stage.ready("workload/quiet")
            for (words, code, remark) in mistakes {
                let answer = try await stage.skerry(words)
                #expect(answer.code == code, "skerry \(words): \(answer.remarks)")
                #expect(answer.remarks.contains(remark), "skerry \(words)")
            }
            try await stage.checkRelativeState()
            for (words, code, remark) in mistakesOnNodes {
                let answer = try await stage.skerry(words, on: "node-1")
                #expect(answer.code == code, "skerry \(words) on a node: \(answer.remarks)")
                #expect(answer.remarks.contains(remark), "skerry \(words) on a node")
            }
            #expect(try await stage.skerry("cordon node node-1").code == 0)
            #expect(
                try await stage.skerry("get nodes -l site=urban -o name").text == "node/node-1\n")
            let selected = try await stage.skerry("get instances -l workload=quiet,tier=1 -o name")
            #expect(selected.text == "instance/quiet-0\n")
        }
    }
}

extension Stage {
    /// The context of a hub whose directory was named from here is good from everywhere.
    fileprivate func checkRelativeState() async throws {
        let here = FileManager.default.currentDirectoryPath.split(separator: "/")
        let state =
            String(repeating: "../", count: here.count) + directory.dropFirst() + "/relative"
        variables["SKERRY_CONFIG"] = directory + "/other.yaml"
        defer { variables["SKERRY_CONFIG"] = nil }
        #expect(try await skerry("hub init --state \(state)").code == 0)
        let written = try String(contentsOfFile: directory + "/other.yaml", encoding: .utf8)
        let paths = written.split(whereSeparator: \.isWhitespace).filter {
            $0.contains("/relative/")
        }
        #expect(paths.count == 3)
        for path in paths {
            #expect(FileManager.default.fileExists(atPath: String(path)), "\(path)")
        }
    }
}

/// What is typed, the exit code, and what the remark must hold.
private let mistakes: [(String, Int32, String)] = [
    ("gte nodes", 2, "did you mean 'get'?"),
    ("version -o yaml", 2, "it has json"),
    ("get nothings", 2, "no kind of object"),
    ("get node nope", 3, "not found"),
    ("get nodes -l =x", 2, "no label selector"),
    ("describe workload nope", 3, "not found"),
    ("logs nope-0", 3, "no instance 'nope-0'"),
    ("logs quiet", 3, "workload with the instances quiet-0"),
    ("logs quiet-0 -c nope", 3, "no container 'quiet-0/nope'"),
    ("logs workload/nope", 3, "no workload 'nope'"),
    ("exec quiet-0 -c nope -- true", 3, "no container 'quiet-0/nope'"),
    ("exec quiet-0 -- no-such-command", 3, "no-such-command"),
    ("exec nope-0 -- true", 3, "no instance"),
    ("delete instance quiet-0", 2, "skerry delete workload quiet"),
    ("delete instance nope-0", 2, "spec.replicas"),
    ("delete node nope", 3, "no node 'nope'"),
    ("label instance quiet-0 a=b", 2, "label the workload"),
    ("label node node-1 site=other", 2, "is a fact"),
    ("cordon workload/quiet", 2, "only nodes can be cordoned"),
    ("cordon nope", 3, "no node 'nope'"),
    ("token create --site nope", 3, "no site 'nope'"),
    ("wait --for=ready node/nope", 3, "not found"),
    ("explain workload.spec.contaners", 3, "workload.spec.containers"),
    ("get nodes --context nope", 2, "no context 'nope'"),
    ("login --token nonsense", 4, "this hub did not make it"),
    ("login --token x --server http://127.0.0.1:1", 2, "is not https://HOST:PORT"),
    ("login --token x --server https://127.0.0.1:1", 2, "needs --certificate-authority"),
    ("login --token x --context local", 2, "takes no tokens"),
    ("auth can-i fly workload/quiet", 2, "there is no action 'fly'"),
    ("auth can-i delete boat/x", 2, "'target' is KIND/NAME"),
    ("auth why 0123", 2, "neither the id of a request"),
    ("auth why 0123456789abcdef", 3, "nothing is known here"),
    ("token revoke nope", 3, "there is no token 'nope'"),
    ("approve approval/none", 3, "there is no approval 'none'"),
    ("approve approval/x --site urban", 2, "are for machines that ask to join"),
    ("deny quiet --note x", 2, "--note is for approval/ID"),
    ("get approvals -o yaml", 2, "a table, wide, json or name"),
    ("image sign shop:1 --key nowhere", 2, "nowhere"),
]

private let mistakesOnNodes: [(String, Int32, String)] = [
    ("logs quiet-0 -c nope", 3, "no container 'quiet-0/nope'"),
    ("exec quiet-0 -- no-such-command", 3, "no-such-command"),
    ("delete workload quiet", 4, "cannot be changed at this node"),
    ("cordon node-1", 4, "for the hub to decide"),
    ("resolve quiet --node node-1 --keep hub", 4, "for the hub to decide"),
]
