import Foundation
import Model

/// A Model value that crosses the link as a record.
protocol Recordable: Codable, Sendable {
    /// The type, and for a sum type the case. Kinds of one wire version are never reused.
    var recordKind: String { get }
    static var recordKinds: Set<String> { get }
}

/// What came of reading a record.
enum Reading<Value: Sendable>: Sendable {
    case value(Value)
    /// Of a kind or schema this version does not know: the other side is newer.
    case unknown(kind: String)
    case damaged(kind: String, reason: String)
}

/// Turns Model values into the records of the contract and back.
enum RecordCodec {
    static let version: UInt32 = 1

    static func record(_ value: some Recordable) throws -> Skerry_Control_V1_Record {
        var record = Skerry_Control_V1_Record()
        record.kind = value.recordKind
        record.version = version
        record.json = try JSONEncoder().encode(value)
        return record
    }

    static func read<Value: Recordable>(
        _ type: Value.Type, from record: Skerry_Control_V1_Record
    ) -> Reading<Value> {
        // The text is the other side's: it must not fill a log.
        let kind = String(record.kind.prefix(64))
        guard record.version <= version, Value.recordKinds.contains(record.kind) else {
            return .unknown(kind: kind)
        }
        do {
            let decoder = JSONDecoder()
            decoder.userInfo[Document.keepsReceived] = true
            let value = try decoder.decode(Value.self, from: record.json)
            guard value.recordKind == record.kind else {
                return .damaged(kind: kind, reason: "it holds a \(value.recordKind)")
            }
            return .value(value)
        } catch {
            return .damaged(kind: kind, reason: String("\(error)".prefix(512)))
        }
    }
}

extension NodeMessage: Recordable {
    static let recordKinds: Set = [
        "NodeMessage.hello", "NodeMessage.applied", "NodeMessage.entries", "NodeMessage.heartbeat",
        "NodeMessage.engine", "NodeMessage.holdings", "NodeMessage.certify", "NodeMessage.mesh",
        "NodeMessage.audit",
    ]
    var recordKind: String {
        switch self {
        case .hello: "NodeMessage.hello"
        case .applied: "NodeMessage.applied"
        case .entries: "NodeMessage.entries"
        case .heartbeat: "NodeMessage.heartbeat"
        case .engine: "NodeMessage.engine"
        case .holdings: "NodeMessage.holdings"
        case .certify: "NodeMessage.certify"
        case .audit: "NodeMessage.audit"
        case .mesh: "NodeMessage.mesh"
        }
    }
}

extension HubMessage: Recordable {
    static let recordKinds: Set = [
        "HubMessage.welcome", "HubMessage.retry", "HubMessage.documents", "HubMessage.acknowledged",
        "HubMessage.inventory", "HubMessage.certified", "HubMessage.keys", "HubMessage.roster",
        "HubMessage.revocations", "HubMessage.witnessed", "HubMessage.plan",
    ]
    var recordKind: String {
        switch self {
        case .welcome: "HubMessage.welcome"
        case .retry: "HubMessage.retry"
        case .documents: "HubMessage.documents"
        case .acknowledged: "HubMessage.acknowledged"
        case .inventory: "HubMessage.inventory"
        case .certified: "HubMessage.certified"
        case .keys: "HubMessage.keys"
        case .revocations: "HubMessage.revocations"
        case .witnessed: "HubMessage.witnessed"
        case .roster: "HubMessage.roster"
        case .plan: "HubMessage.plan"
        }
    }
}

extension StreamRequest: Recordable {
    static let recordKinds: Set = ["StreamRequest"]
    var recordKind: String { "StreamRequest" }
}

extension StreamFrame: Recordable {
    static let recordKinds: Set = [
        "StreamFrame.input", "StreamFrame.endOfInput", "StreamFrame.resize", "StreamFrame.output",
        "StreamFrame.errorOutput", "StreamFrame.exit", "StreamFrame.failed",
        "StreamFrame.missing",
    ]
    var recordKind: String {
        switch self {
        case .input: "StreamFrame.input"
        case .endOfInput: "StreamFrame.endOfInput"
        case .resize: "StreamFrame.resize"
        case .output: "StreamFrame.output"
        case .errorOutput: "StreamFrame.errorOutput"
        case .exit: "StreamFrame.exit"
        case .failed: "StreamFrame.failed"
        case .missing: "StreamFrame.missing"
        }
    }

    /// Whether nothing follows.
    var isLast: Bool {
        switch self {
        case .exit, .failed, .missing: true
        case .input, .endOfInput, .resize, .output, .errorOutput: false
        }
    }
}

extension EnrolmentRequest: Recordable {
    static let recordKinds: Set = ["EnrolmentRequest"]
    var recordKind: String { "EnrolmentRequest" }
}

extension Enrolment: Recordable {
    static let recordKinds: Set = ["Enrolment"]
    var recordKind: String { "Enrolment" }
}

extension ReturnRequest: Recordable {
    static let recordKinds: Set = ["ReturnRequest.begin", "ReturnRequest.prove"]
    var recordKind: String {
        switch self {
        case .begin: "ReturnRequest.begin"
        case .prove: "ReturnRequest.prove"
        }
    }
}

extension ReturnChallenge: Recordable {
    static let recordKinds: Set = ["ReturnChallenge"]
    var recordKind: String { "ReturnChallenge" }
}

extension Certification: Recordable {
    static let recordKinds: Set = ["Certification"]
    var recordKind: String { "Certification" }
}

extension JoinRequest: Recordable {
    static let recordKinds: Set = ["JoinRequest"]
    var recordKind: String { "JoinRequest" }
}

extension JoinAnswer: Recordable {
    static let recordKinds: Set = ["JoinAnswer.enrolled", "JoinAnswer.wait"]
    var recordKind: String {
        switch self {
        case .enrolled: "JoinAnswer.enrolled"
        case .wait: "JoinAnswer.wait"
        }
    }
}

extension Refusal: Recordable {
    static let recordKinds: Set = ["Refusal"]
    var recordKind: String { "Refusal" }
}
