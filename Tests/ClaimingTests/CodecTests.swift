import Claiming
import Model
import Testing

@Suite struct CodecTests {
    private func tenure(_ number: Int) -> Tenure {
        Tenure(
            instance: InstanceID(workload: WorkloadID("web-\(number)"), ordinal: number),
            epoch: UInt64(number) << 40, holder: NodeID("node-\(number)"), isHeld: number % 2 == 0,
            predecessor: number % 3 == 0 ? nil : "node-0",
            plan: RosterVersion(epoch: 3, number: UInt64(number)),
            since: WallTime(milliseconds: 1_700_000_000_000 + Int64(number)),
            isReady: number % 5 == 0, load: number)
    }

    @Test func `messages come out as they went in, cut into datagrams that tunnels carry`() throws {
        let messages = (0..<90).map { number -> Message in
            switch number % 3 {
            case 0: .claim(tenure(number))
            case 1: .refuse(tenure(number))
            default:
                .acknowledge(
                    InstanceID(workload: "till", ordinal: number), epoch: .max,
                    isHeld: number % 2 == 0)
            }
        }
        let datagrams = Message.datagrams(of: messages)
        #expect(datagrams.count > 2)
        #expect(datagrams.allSatisfy { $0.count <= 1_100 && $0.first == Message.mark })
        #expect(try datagrams.flatMap { try Message.read($0) } == messages)
        #expect(Message.datagrams(of: []).isEmpty)
    }

    @Test func `bytes of chance, cut or turned ones are refused or read, and stop nothing`() {
        let honest = Message.datagrams(of: (0..<10).map { .claim(tenure($0)) })[0]
        var chance = Random(seed: 5)
        var read = 0
        for round in 0..<20_000 {
            var bytes = honest
            switch round % 3 {
            case 0:
                bytes =
                    [Message.mark, 1]
                    + (0..<Int(chance.next() % 200)).map { _ in
                        UInt8(truncatingIfNeeded: chance.next())
                    }
            case 1: bytes = Array(honest.prefix(Int(chance.next() % UInt64(honest.count))))
            default:
                bytes[Int(chance.next() % UInt64(honest.count))] ^= UInt8(1 << (chance.next() % 8))
            }
            do {
                read += try Message.read(bytes).count
            } catch {
                continue
            }
        }
        // Some of those with one bit turned are messages all the same.
        #expect(read > 0)
        #expect(throws: MessageError.cutShort) { try Message.read([]) }
        #expect(throws: MessageError.unknownVersion(9)) { try Message.read([Message.mark, 9, 0]) }
        #expect(throws: MessageError.outOfRange) { try Message.read(honest + [0]) }
    }
}

/// What one member that lies can bring about.
@Suite struct LiarTests {
    private let web = InstanceID(workload: "web", ordinal: 0)

    private func running() -> Field {
        var field = Field(4, workloads: [Field.workload("web")], seed: 9)
        field.run(seconds: 20)
        return field
    }

    private func say(_ message: Message, from liar: Int, to victim: Int, _ field: inout Field) {
        _ = field.nodes[victim].claimant.hear([message], from: field.names[liar], at: field.now)
        field.nodes[victim].stepTick = field.tick
    }

    private func claim(
        _ epoch: UInt64, _ holder: Int, isHeld: Bool, _ field: Field,
        plan: RosterVersion = .none
    ) -> Tenure {
        Tenure(
            instance: web, epoch: epoch, holder: field.names[holder], isHeld: isHeld, plan: plan,
            isReady: true)
    }

    @Test func `a claim, held or not, takes nothing from who serves by the plan`() {
        for isHeld in [false, true] {
            var field = running()
            for epoch in [2, 50, UInt64.max] {
                for victim in [0, 1, 2] {
                    say(.claim(claim(epoch, 3, isHeld: isHeld, field)), from: 3, to: victim, &field)
                }
                field.run(seconds: 1)
            }
            field.run(seconds: 30)
            #expect(field.runners(of: web) == [0])
        }
    }

    @Test func `nobody is claimed for by another`() {
        var field = running()
        for victim in [0, 1] {
            say(.claim(claim(9, 2, isHeld: true, field)), from: 3, to: victim, &field)
        }
        field.run(seconds: 20)
        #expect(field.runners(of: web) == [0])
        #expect(field.nodes[1].claimant.tenure(of: web)?.holder == field.names[0])
    }

    @Test func `a plan that nobody has seen, named in a claim, moves nothing`() {
        var field = running()
        let plan = RosterVersion(epoch: 9, number: 9)
        for _ in 0..<5 {
            say(.claim(claim(7, 3, isHeld: false, field, plan: plan)), from: 3, to: 0, &field)
            field.run(seconds: 1)
        }
        field.run(seconds: 20)
        #expect(field.runners(of: web) == [0])
    }

    @Test func `refusals of one member lead no count away, and what serves goes on`() {
        var field = running()
        for epoch in [3, 1 << 19, UInt64.max - 1] {
            say(.refuse(claim(epoch, 1, isHeld: true, field)), from: 3, to: 0, &field)
            field.run(seconds: 2)
        }
        field.run(seconds: 20)
        #expect(field.runners(of: web) == [0])
        #expect((field.nodes[0].claimant.tenure(of: web)?.epoch ?? .max) < 1 << 21)
    }
}
