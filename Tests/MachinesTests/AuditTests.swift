import Audit
import Machines
import Model
import Testing

/// The hub as a witness of its nodes' audit logs, and the node that holds it to its word.
@Suite struct AuditWitnessTests {
    /// A node's own log, as its host keeps it.
    private struct Log {
        let key: AuditKey
        var chain: AuditChain
        var heads: [UInt64: AuditHash] = [:]

        init(of log: String = "node/n1", seed: UInt8 = 1) throws {
            key = try #require(AuditKey(seed: [UInt8](repeating: seed, count: 32)))
            chain = AuditChain(of: log)
        }

        mutating func append(_ count: Int, who: String = "user/ann") {
            for _ in 0..<count {
                let entry = chain.append(
                    AuditAct(who: who, action: "apply", target: "Workload/w"),
                    at: WallTime(milliseconds: 1_760_000_000_000))
                heads[entry.index] = entry.hash
            }
        }

        func report(held: UInt64 = 0, seen: UInt64 = 0) -> AuditReport {
            AuditReport(
                key: key.verifier.text,
                newest: key.checkpoint(of: chain, at: WallTime(milliseconds: 1_760_000_000_000)),
                below: heads[held].map { AuditMark(index: held, head: $0) }, seen: seen)
        }
    }

    private func receipts(_ bench: HubBench, on session: UInt64 = 1) -> [AuditReceipt] {
        bench.sent(on: SessionID(rawValue: session)).compactMap {
            if case .witnessed(let receipt) = $0 { receipt } else { nil }
        }
    }

    private func audited(_ bench: HubBench, on session: UInt64) -> UInt64? {
        for case .welcome(let welcome) in bench.sent(on: SessionID(rawValue: session)) {
            return welcome.audited
        }
        return nil
    }

    private func doubt(_ bench: HubBench) -> String? {
        for case .node(let node) in bench.hub.objects(.node, at: bench.now.wall) {
            return node.status?.conditions.first { $0.type == "Audit" }?.message
        }
        return nil
    }

    @Test func `a log that grows is witnessed, with proofs that hold together`() throws {
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        var log = try Log()
        let hubKey = try #require(AuditKey(seed: [UInt8](repeating: 9, count: 32)))
        var seen: AuditSeen?
        var held: UInt64 = 0
        for round in 1...5 {
            log.append(round * 3)
            let report = log.report(held: held, seen: seen?.receipt.head.size ?? 0)
            bench.tell(.received(SessionID(rawValue: 1), .audit(report)))
            var receipt = try #require(receipts(bench).first)
            // The hub's own checkpoints stand in the same log.
            bench.tell(.audited(report.newest))
            receipt.key = hubKey.verifier.text
            receipt.head = hubKey.sign(receipt.head)
            #expect(receipt.flaw(about: report.newest, since: seen) == nil)
            #expect(receipt.index == log.chain.index)
            held = receipt.index
            seen = AuditSeen(receipt: receipt, checkpoint: report.newest)
        }
        #expect(doubt(bench) == nil)
    }

    @Test func `a receipt waits until what it tells of is durable`() throws {
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        bench.storeIsQuick = false
        var log = try Log()
        log.append(1)
        bench.tell(.received(SessionID(rawValue: 1), .audit(log.report())))
        #expect(receipts(bench).isEmpty)
        while !bench.owed.isEmpty { bench.answerStore() }
        #expect(receipts(bench).count == 1)
    }

    @Test func `what contradicts what a node said before is told once and stays to be seen`()
        throws
    {
        // Rewritten from some record on; cut short; with another key; another node's.
        var rewritten = try Log()
        rewritten.append(4, who: "user/eve")
        rewritten.append(8)
        var short = try Log()
        short.append(2)
        var strange = try Log(seed: 2)
        strange.append(12)
        for (bent, word) in [
            (rewritten, "not what it signed"), (short, "ends at record 2"),
            (strange, "another key"),
        ] {
            var bench = HubBench()
            bench.enrol()
            bench.greet()
            var log = try Log()
            log.append(7)
            bench.tell(.received(SessionID(rawValue: 1), .audit(log.report())))
            #expect(doubt(bench) == nil)
            bench.greet(2)
            #expect(audited(bench, on: 2) == 7)
            for _ in 1...3 {
                bench.tell(.received(SessionID(rawValue: 2), .audit(bent.report(held: 7))))
            }
            #expect(doubt(bench)?.contains(word) == true, "\(doubt(bench) ?? "no doubt")")
            #expect(bench.hub.eventLog.count { $0.reason == "AuditDoubted" } == 1)
        }
    }

    @Test func `a checkpoint that nobody signed, or of another node, is not kept`() throws {
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        var log = try Log(of: "node/n2")
        log.append(3)
        bench.tell(.received(SessionID(rawValue: 1), .audit(log.report())))
        var forged = try Log()
        forged.append(3)
        var report = forged.report()
        report.newest.index = 2
        bench.tell(.received(SessionID(rawValue: 1), .audit(report)))
        #expect(receipts(bench).isEmpty)
        bench.greet(2)
        #expect(audited(bench, on: 2) == 0)
    }

    @Test func `a log that was pruned beyond what is held is believed by its signed start`() throws
    {
        var log = try Log()
        log.append(5)
        var bench = HubBench()
        bench.enrol()
        bench.greet()
        bench.tell(.received(SessionID(rawValue: 1), .audit(log.report())))
        log.append(20)
        let start = log.key.checkpoint(of: log.chain, at: bench.now.wall)
        log.append(3)
        log.heads = [:]
        var report = log.report(held: 5)
        bench.tell(.received(SessionID(rawValue: 1), .audit(report)))
        #expect(doubt(bench)?.contains("does not show record 5") == true)

        var other = HubBench()
        other.enrol()
        other.greet()
        var again = try Log()
        again.append(5)
        other.tell(.received(SessionID(rawValue: 1), .audit(again.report())))
        report.start = start
        other.tell(.received(SessionID(rawValue: 1), .audit(report)))
        #expect(doubt(other) == nil)
    }

    @Test func `the log of checkpoints keeps its bound and goes on with its proofs`() throws {
        var bench = HubBench(limits: .tight)
        bench.enrol()
        bench.greet()
        var log = try Log()
        var seen: UInt64 = 0
        var held: UInt64 = 0
        for _ in 1...100 {
            log.append(1)
            bench.tell(
                .received(SessionID(rawValue: 1), .audit(log.report(held: held, seen: seen))))
            let receipt = try #require(receipts(bench).first)
            #expect(receipt.consistency != nil)
            (seen, held) = (receipt.head.size, receipt.index)
        }
        #expect(seen == 100)
        let leaves = bench.stored.count { if case .pruneAuditLeaves = $0 { true } else { false } }
        #expect(leaves > 5)
    }
}

@Suite struct AuditTalkTests {
    private let key: AuditKey
    private let hub: AuditKey
    private var chain = AuditChain(of: "node/n1")

    init() throws {
        key = try #require(AuditKey(seed: [UInt8](repeating: 1, count: 32)))
        hub = try #require(AuditKey(seed: [UInt8](repeating: 9, count: 32)))
    }

    private mutating func report() -> AuditReport {
        let time = WallTime(milliseconds: 1_760_000_000_000)
        _ = chain.append(AuditAct(who: "w", action: "a", target: "t"), at: time)
        return AuditReport(
            key: key.verifier.text, newest: key.checkpoint(of: chain, at: time))
    }

    private func receipt(_ tree: MerkleLog, for report: AuditReport) throws -> AuditReceipt {
        let head = AuditTreeHead(
            log: "hub/hub", size: tree.size, root: tree.root, at: WallTime(milliseconds: 0))
        return AuditReceipt(
            key: hub.verifier.text, head: hub.sign(head), index: report.newest.index,
            leaf: tree.size - 1,
            inclusion: try #require(tree.inclusion(of: tree.size - 1, in: tree.size)),
            consistency: tree.consistency(from: report.seen, to: tree.size))
    }

    private func welcome(_ bench: inout AgentBench, audited: UInt64?) -> [Agent.Effect] {
        bench.tell(.linkUp)
        return bench.tell(
            .received(
                .welcome(
                    Welcome(
                        epoch: 1, acknowledged: 0, heartbeatEvery: .seconds(15),
                        reconnectWindow: .seconds(1), audited: audited))))
    }

    @Test func `a hub of old is told nothing of the log`() {
        var bench = AgentBench()
        let effects = welcome(&bench, audited: nil)
        #expect(!effects.contains { if case .attest = $0 { true } else { false } })
    }

    @Test mutating func `the node looks for news at each contact, and holds the hub to its word`()
        throws
    {
        var bench = AgentBench()
        #expect(welcome(&bench, audited: 3).contains(.attest(held: 3)))
        var tree = MerkleLog()
        for _ in 1...3 {
            let effects = bench.tell(.attested(report()))
            var sent: AuditReport?
            for case .send(.audit(let report)) in effects { sent = report }
            let report = try #require(sent)
            #expect(report.seen == tree.size)
            tree.append(report.newest.leaf)
            bench.tell(.received(.witnessed(try receipt(tree, for: report))))
            #expect(bench.agent.auditWitnessed?.checkpoint == report.newest)
            #expect(bench.stored.contains { if case .auditSeen = $0 { true } else { false } })
        }
        #expect(!bench.agent.events.contains { $0.reason == "WitnessDoubted" })
        #expect(bench.tell(.measured(nil)).contains(.attest(held: 3)))

        // A hub that has forgotten.
        let effects = bench.tell(.attested(report()))
        for case .send(.audit(let report)) in effects {
            var other = MerkleLog()
            for _ in 1...8 { other.append(report.newest.leaf) }
            let answer = bench.tell(.received(.witnessed(try receipt(other, for: report))))
            #expect(
                answer.contains {
                    if case .audit(let act) = $0 { act.action == "witness" } else { false }
                })
        }
        #expect(bench.agent.events.contains { $0.reason == "WitnessDoubted" })
    }

    @Test func `a log that is broken on disk is told to people`() {
        var bench = AgentBench()
        bench.tell(.auditBroken(AuditFault(.edited, at: 4, "record 4 is not")))
        #expect(bench.agent.events.contains { $0.reason == "AuditBroken" })
        #expect(bench.agent.auditCondition(at: bench.now.wall)?.message.contains("4") == true)
    }
}
