import Authority
import Machines
import Model

/// What happened, as small numbers: cheap enough to keep of everything.
extension World {
    func code(_ input: Agent.Input, _ node: Int) -> UInt64 {
        let kind: UInt64 =
            switch input {
            case .wake(let reason): 1 + reason.code
            case .linkUp: 20
            case .linkDown: 21
            case .received(.welcome): 22
            case .received(.retry): 23
            case .received(.documents): 24
            case .received(.acknowledged): 25
            case .received(.inventory): 28
            case .persisted: 26
            case .storeFailing: 27
            case .engine(let report): 30 + report.code
            case .measured: 50
            case .halt: 51
            case .request: 52
            case .received(.certified), .issued, .issueFailed, .certified, .redialFailed,
                .timeCorrected, .received(.keys), .keptKeys, .received(.roster), .keptRoster,
                .received(.plan), .keptPlan, .claims,
                .mesh, .received(.revocations), .keptRevocations, .carriedRevocations,
                .revocationsRefused, .actedUnderGlass, .received(.witnessed), .attested,
                .auditBroken, .doubted, .offered,
                .carried:
                53
            }
        return kind << 16 | UInt64(node)
    }

    func code(_ effect: Agent.Effect, _ node: Int) -> UInt64 {
        let kind: UInt64 =
            switch effect {
            case .persist: 60
            case .connect: 61
            case .disconnect: 62
            case .send(.hello): 63
            case .send(.applied): 64
            case .send(.entries): 65
            case .send(.heartbeat): 66
            case .send(.engine): 76
            case .send(.holdings): 77
            case .send(.certify), .issue, .redial, .succeed, .hangUp, .askAuthority, .install,
                .keepKeys, .keepRoster, .keepPlan, .claim, .send(.mesh), .keepRevocations, .attest,
                .audit,
                .send(.audit), .announce, .fetch, .register:
                78
            case .list: 67
            case .carryOut(let order): 67 + order.act.kind
            case .probe: 71
            case .measure: 72
            case .wake(_, let reason): 73 + reason.code
            case .reply: 98
            case .halted: 99
            }
        return kind << 16 | UInt64(node)
    }

    func code(_ input: Hub.Input) -> UInt64 {
        let kind: UInt64 =
            switch input {
            case .wake: 100
            case .opened: 101
            case .received(_, .hello): 102
            case .received(_, .applied): 103
            case .received(_, .entries): 104
            case .received(_, .heartbeat): 105
            case .received(_, .engine): 110
            case .received(_, .holdings): 96
            case .received(_, .certify), .received(_, .mesh), .received(_, .audit), .audited,
                .auditBroken:
                95
            case .closed: 106
            case .request: 107
            case .persisted: 108
            case .storeFailing: 109
            case .signedRevocations: 93
            }
        return kind << 16 | 0xFFFF
    }

    func code(_ effect: Hub.Effect) -> UInt64 {
        let kind: UInt64 =
            switch effect {
            case .persist: 110
            case .admit: 111
            case .refuse: 112
            case .send(_, .welcome): 113
            case .send(_, .retry): 114
            case .send(_, .documents): 115
            case .send(_, .acknowledged): 116
            case .send(_, .inventory): 97
            case .certify, .send(_, .certified), .dealKeys, .send(_, .keys), .dealRoster,
                .dealPlan, .send(_, .roster), .send(_, .plan), .send(_, .witnessed):
                94
            case .signRevocations, .send(_, .revocations): 92
            case .close: 117
            case .reply(_, .refused): 118
            case .reply: 119
            case .wake: 120
            }
        return kind << 16 | 0xFFFF
    }

    func detail(_ input: Agent.Input) -> UInt64 {
        switch input {
        case .wake(let reason): reason.subject?.code ?? 0
        case .received(.documents(_, let through)): through
        case .received(.acknowledged(let sequence)): sequence
        case .received(.welcome(let welcome)): welcome.acknowledged
        case .persisted(let ticket): ticket.number
        case .engine(.probed(let probe, let outcome)):
            probe.container.code &* 2 &+ (outcome == .passed ? 1 : 0)
        case .engine(.started(let container)): container.id.code &+ container.edition.generation
        case .engine(.exited(let id, _, let exit)): id.code &+ UInt64(exit.code ?? 999)
        case .engine(.listed(let containers, _)): UInt64(containers.count)
        case .engine(.pulled(let id)), .engine(.pullFailed(let id, _)),
            .engine(.startFailed(let id, _)), .engine(.stopped(let id)),
            .engine(.stopFailed(let id, _)):
            id.code
        default: 0
        }
    }

    func detail(_ effect: Agent.Effect) -> UInt64 {
        switch effect {
        case .persist(let ticket, let writes): ticket.number << 16 | UInt64(writes.count)
        case .send(.hello(let hello)): hello.appliedRevision
        case .send(.applied(let revision, _)): revision
        case .send(.entries(let entries)): entries.last?.sequence ?? 0
        case .carryOut(let order): order.act.detail &+ order.decision.number
        case .probe(let probe, _, _): probe.container.code
        case .wake(_, let reason): reason.subject?.code ?? 0
        default: 0
        }
    }

    func detail(_ input: Hub.Input) -> UInt64 {
        switch input {
        case .opened(let session, _, _), .closed(let session): session.rawValue
        case .received(let session, .applied(let revision, _)): session.rawValue << 24 | revision
        case .received(let session, .entries(let entries)):
            session.rawValue << 24 | (entries.last?.sequence ?? 0)
        case .received(let session, _): session.rawValue
        case .request(let id, _): id.number
        case .persisted(let ticket): ticket.number
        default: 0
        }
    }

    func detail(_ effect: Hub.Effect) -> UInt64 {
        switch effect {
        case .persist(let ticket, let writes): ticket.number << 16 | UInt64(writes.count)
        case .admit(let session), .close(let session), .refuse(let session, _, _):
            session.rawValue
        case .send(let session, .documents(_, let through)): session.rawValue << 24 | through
        case .send(let session, .acknowledged(let sequence)):
            session.rawValue << 24 | sequence
        case .send(let session, _): session.rawValue
        case .certify(let session, _, _, _, _, _), .dealKeys(let session, _, _, _),
            .dealRoster(let session, _), .dealPlan(let session, _):
            session.rawValue
        case .reply(let id, _): id.number
        case .wake, .signRevocations: 0
        }
    }
}

extension Act {
    fileprivate var kind: UInt64 {
        switch self {
        case .pull: 1
        case .start: 2
        case .stop: 3
        case .place: 4
        case .change: 5
        }
    }

    fileprivate var detail: UInt64 {
        switch self {
        case .pull(let id, _), .stop(let id, _): id.code &* 8 &+ kind
        case .start(let request): (request.id.code &+ request.edition.generation) &* 8 &+ kind
        case .change(let change): change.sequence &* 8 &+ kind
        case .place(let workload, _): UInt64(workload.text.utf8.count) &* 8 &+ kind
        }
    }
}

extension Agent.Wake {
    var code: UInt64 {
        switch self {
        case .reconnect: 0
        case .greeting: 1
        case .heartbeat: 2
        case .ship: 3
        case .audit: 4
        case .order: 5
        case .restart: 6
        case .probe(_, .startup): 7
        case .probe(_, .readiness): 8
        case .probe(_, .liveness): 9
        case .policyAge: 10
        case .renewal: 11
        case .redial: 12
        case .claims: 13
        }
    }

    /// Different for different wishes, as long as names are as short as here.
    var key: UInt64 { (subject?.code ?? 0) << 4 | code }

    var subject: ContainerID? {
        switch self {
        case .restart(let id), .probe(let id, _): id
        default: nil
        }
    }
}

extension Agent.EngineReport {
    var code: UInt64 {
        switch self {
        case .listed: 0
        case .unavailable: 1
        case .available: 2
        case .pulled: 3
        case .pullFailed: 4
        case .started: 5
        case .startFailed: 6
        case .exited: 7
        case .stopped: 8
        case .stopFailed: 9
        case .probed: 10
        }
    }
}

extension ContainerID {
    /// Names are short here, so their bytes are their number.
    var code: UInt64 {
        var code = UInt64(instance.ordinal)
        for byte in instance.workload.text.utf8 { code = code << 7 ^ UInt64(byte) }
        return code << 8 ^ UInt64(name.utf8.first ?? 0)
    }
}
