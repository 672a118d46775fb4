import Machines
import Model

/// What can happen next in a simulated fleet. A life counts the runs of a process: what was meant
/// for an earlier run finds nobody.
///
/// What carries much lies behind a pointer: on its way from the queue to whom it concerns an
/// occurrence is moved a dozen times.
enum Occurrence {
    indirect case tellAgent(Int, life: Int, Agent.Input)
    case wakeHub(life: Int, Hub.Wake, version: UInt64)
    indirect case tellHub(life: Int, Hub.Input)
    case nodeCommit(Int, life: Int)
    case hubCommit(life: Int)
    case startAgent(Int, life: Int)
    case startHub(life: Int)

    case knock(Int, life: Int, attempt: Int)
    case accept(Int, life: Int, attempt: Int)
    indirect case failAttempt(Int, life: Int, attempt: Int, reason: String)
    indirect case link(Int, LinkStep)
    case endRival(life: Int)
    /// What an impostor does on an attempt of a node; nil for opening the session.
    indirect case impostor(Int, attempt: Int, HubMessage?)
    /// One of the cuts of a path that flaps, and since when it does.
    case cutPath(Int, until: Int64, since: Int64)
    case mendPath(Int, cut: Int)

    /// A mesh asked to be woken, and which time it was that it did.
    case meshTimer(Int, turn: Int)
    case meshDatagram(from: Int, to: Int, [UInt8])
    case claimDatagram(from: Int, to: Int, [UInt8])
    case meshPaper(Int, life: Int, MeshPaper)

    indirect case engine(Int, boot: Int, EngineStep)
    case mishap(Int)
    case change(Int)
    case enrol(Int)
    case inspectClone(Int)
    /// People look whether a node waits for a choice.
    case settle
    case inspect
}

/// What reaches one end of a session.
enum LinkStep {
    case admitted
    case refused(retryAfter: Duration, reason: String)
    case toHub(NodeMessage)
    case toNode(HubMessage)
    /// The other end closed in good order.
    case endAtHub
    case endAtNode
    /// Nothing came for too long.
    case noticeAtHub
    case noticeAtNode
    /// The certificate that opened it has ended.
    case expired
}

/// What an engine does some time after it was asked.
enum EngineStep {
    case create(StartRequest, life: Int, failure: EngineFailure?)
    case remove(ContainerID, life: Int, failure: EngineFailure?)
    case pulled(ContainerID, image: String, life: Int, failure: EngineFailure?)
    case list(life: Int)
    case exit(ContainerID, handle: UInt64)
    case tellExit(ContainerID, handle: UInt64, Exit)
    case recover
}
