import Foundation
package import Model
import NIOHTTP1

/// The requests that a hub or a node answers.
package struct Connection: Sendable {
    package let endpoint: Endpoint

    package init(_ endpoint: Endpoint) { self.endpoint = endpoint }

    private static let answerBytesMax = 64 << 20

    package func info() async throws -> ServerInfo {
        try await value(Request(path: "/api/v1/info"))
    }

    package func list(_ kind: Kind, _ selector: Selector = Selector()) async throws -> ObjectList {
        try await pages(Connection.path(kind, selector: selector))
    }

    package func object(_ kind: Kind, _ name: String) async throws -> Object {
        try await value(Request(path: Connection.path(kind, name)))
    }

    package func apply(_ objects: [Object], dryRun: Bool) async throws -> [ApplyResult] {
        struct Body: Encodable { var objects: [Object] }
        struct Answer: Decodable { var results: [ApplyResult] }
        var request = Request(method: .POST, path: "/api/v1/apply" + (dryRun ? "?dryRun=true" : ""))
        request.body = try Connection.json(Body(objects: objects))
        let answer: Answer = try Connection.decode(try await done(request, about: objects))
        return answer.results
    }

    /// The answer to what may have to wait for another person; a failure that says so where it does.
    private func done(_ request: Request, about objects: [Object] = []) async throws -> [UInt8] {
        struct Waiting: Decodable { var requestedBy: String? }
        let bytes = try await answer(to: request, about: objects)
        guard !bytes.isEmpty else { return bytes }
        let waiting: Waiting = try Connection.decode(bytes)
        guard waiting.requestedBy != nil else { return bytes }
        let approval: Approval = try Connection.decode(bytes)
        throw Failure(
            .denied,
            visible(
                "not done yet, \(approval.what): until \(approval.expiresAt) somebody else may approve "
                    + "it with: skerry approve approval/\(approval.id)"))
    }

    /// - Returns: what now waits for another person, where it was not done at once.
    package func delete(_ kind: Kind, _ name: String) async throws -> Approval? {
        let bytes = try await answer(
            to: Request(method: .DELETE, path: Connection.path(kind, name)))
        return bytes.isEmpty ? nil : try Connection.decode(bytes)
    }

    package func approvals() async throws -> ApprovalList {
        try await pages("/api/v1/approvals")
    }

    package func answer(approval id: String, _ answer: ApprovalAnswer) async throws -> Approval {
        try await post("/api/v1/approvals/\(Connection.encoded(id))", answer)
    }

    package func edit(_ kind: Kind, _ name: String, _ edit: Edit) async throws -> Object {
        var request = Request(method: .PATCH, path: Connection.path(kind, name))
        request.body = try Connection.json(edit)
        return try await value(request)
    }

    package func events(limit: Int) async throws -> EventList {
        try await value(Request(path: "/api/v1/events?limit=\(limit)"))
    }

    package func decisions(about filter: DecisionFilter?, limit: Int) async throws -> DecisionList {
        try await value(Request(path: Connection.decisions(about: filter) + "limit=\(limit)"))
    }

    package func authority(of site: SiteID) async throws -> AuthorityReport {
        try await value(Request(path: "/api/v1/authority/\(Connection.encoded(site.text))"))
    }

    package func conflicts() async throws -> ConflictList {
        try await pages("/api/v1/conflicts")
    }

    package func certificates() async throws -> CertificateList {
        try await pages("/api/v1/certificates")
    }

    package func pending() async throws -> PendingList {
        try await pages("/api/v1/pending")
    }

    package func answer(pending node: String, _ answer: PendingAnswer) async throws -> PendingNode {
        try await post("/api/v1/pending/\(Connection.encoded(node))", answer)
    }

    package func revocations() async throws -> RevocationReport {
        try await pages("/api/v1/revocations")
    }

    package func revoke(_ request: RevocationRequest) async throws -> RevocationReport {
        var post = Request(method: .POST, path: "/api/v1/revocations")
        post.body = try Connection.json(request)
        return try Connection.decode(try await done(post))
    }

    /// Has the hub accept nothing below earlier roots.
    package func retireRoots() async throws {
        _ = try await done(Request(method: .POST, path: "/api/v1/roots/retire"))
    }

    private func post<Answer: Decodable & Sendable>(
        _ path: String, _ body: some Encodable
    ) async throws -> Answer {
        var request = Request(method: .POST, path: path)
        request.body = try Connection.json(body)
        return try await value(request)
    }

    package func compliance(of site: SiteID?) async throws -> ComplianceReport {
        let query = site.map { "?site=\(Connection.encoded($0.text))" } ?? ""
        return try await value(Request(path: "/api/v1/compliance" + query))
    }

    package func mesh(of site: SiteID?) async throws -> MeshReport {
        let query = site.map { "?site=\(Connection.encoded($0.text))" } ?? ""
        return try await pages("/api/v1/mesh" + query)
    }

    package func services() async throws -> ServiceList {
        try await pages("/api/v1/services")
    }

    package func meshHoldings(of site: SiteID?) async throws -> MeshHoldings {
        let query = site.map { "?site=\(Connection.encoded($0.text))" } ?? ""
        return try await pages("/api/v1/mesh/holdings" + query)
    }

    package func meshTraces(of record: String) async throws -> MeshTraces {
        let query = record.isEmpty ? "" : "?record=\(Connection.encoded(record))"
        return try await pages("/api/v1/mesh/traces" + query)
    }

    /// - Parameters:
    ///   - target: `KIND/NAME`; nil for the fleet.
    ///   - user: nil for whoever asks.
    package func access(_ verb: Verb, _ target: String?, as user: String?) async throws
        -> AccessReport
    {
        var query = "?verb=\(verb.rawValue)"
        if let target { query += "&target=\(Connection.encoded(target))" }
        if let user { query += "&as=\(Connection.encoded(user))" }
        return try await value(Request(path: "/api/v1/access" + query))
    }

    /// The newest records of the audit log, or those from one on.
    package func audit(from index: UInt64?, limit: Int) async throws -> AuditPage {
        try await value(Request(path: Connection.audit(from: index, limit: limit)))
    }

    package func auditProof(of record: UInt64) async throws -> AuditProof {
        try await value(Request(path: "/api/v1/audit/proof?record=\(record)"))
    }

    package func auditVerdict() async throws -> AuditVerdict {
        try await value(Request(path: "/api/v1/audit/verdict"))
    }

    package func accessWhy(
        _ verb: Verb, _ target: String?, as user: String?
    ) async throws -> AccessExplanation {
        var query = "?verb=\(verb.rawValue)"
        if let target { query += "&target=\(Connection.encoded(target))" }
        if let user { query += "&as=\(Connection.encoded(user))" }
        return try await value(Request(path: "/api/v1/access/why" + query))
    }

    package func accessWhy(request: String) async throws -> AccessExplanation {
        try await value(Request(path: "/api/v1/access/requests/\(Connection.encoded(request))"))
    }

    package func rights(of user: String?) async throws -> Rights {
        let query = user.map { "?as=\(Connection.encoded($0))" } ?? ""
        return try await value(Request(path: "/api/v1/rights" + query))
    }

    package func localChanges() async throws -> LocalChangeList {
        try await pages("/api/v1/changes")
    }

    package func resolve(_ resolution: Resolution) async throws {
        var request = Request(method: .POST, path: "/api/v1/resolve")
        request.body = try Connection.json(resolution)
        _ = try await answer(to: request)
    }

    package func issueToken(site: SiteID, validFor: Interval) async throws -> IssuedToken {
        struct Body: Encodable {
            var site: SiteID
            var validFor: Interval
        }
        var request = Request(method: .POST, path: "/api/v1/tokens")
        request.body = try Connection.json(Body(site: site, validFor: validFor))
        return try await value(request)
    }

    package func breakGlass(reason: String, validFor: Interval) async throws -> WallTime {
        struct Body: Encodable {
            var reason: String
            var validFor: Interval
        }
        struct Answer: Decodable { var until: WallTime }
        var request = Request(method: .POST, path: "/api/v1/glass")
        request.body = try Connection.json(Body(reason: reason, validFor: validFor))
        let answer: Answer = try await value(request)
        return answer.until
    }

    package func whoAmI() async throws -> WhoAmI {
        try await value(Request(path: "/api/v1/whoami"))
    }

    package func userTokens() async throws -> UserTokenList {
        try await pages("/api/v1/usertokens")
    }

    package func vouch(for user: String, validFor: Interval) async throws -> IssuedUserToken {
        struct Body: Encodable {
            var user: String
            var validFor: Interval
        }
        var request = Request(method: .POST, path: "/api/v1/usertokens")
        request.body = try Connection.json(Body(user: user, validFor: validFor))
        return try await value(request)
    }

    package func revokeToken(_ id: String) async throws -> UserToken {
        try await value(
            Request(method: .DELETE, path: "/api/v1/usertokens/\(Connection.encoded(id))"))
    }

    // MARK: - Watching

    /// A change that a watch reports. The first one is always `list`.
    package enum Change: Hashable, Sendable {
        case list(ObjectList)
        case changed(ObjectList)
        case removed([String])

        var isList: Bool {
            if case .list = self { true } else { false }
        }
    }

    /// Calls `body` with each change until it answers with a value, or until the watch breaks.
    package func watch<Result: Sendable>(
        _ kind: Kind, _ selector: Selector = Selector(),
        _ body: @escaping @Sendable (Change) async throws -> Result?
    ) async throws -> Result {
        let path = Connection.path(kind, selector: selector, watch: true)
        return try await messages(path) { message in
            guard let change = try Connection.change(message) else { return nil }
            return try await body(change)
        }
    }

    /// - Parameters:
    ///   - place: behind which event to go on; nil to begin with all that are kept.
    ///   - body: is given each event, and the place behind it.
    ///   - opened: called with whatever comes first, also where there is no news.
    ///   - lost: called where the server does not know that place any more and begins with all.
    package func watchEvents(
        behind place: String? = nil,
        _ body: @escaping @Sendable (Event, _ place: String?) async throws -> Void,
        opened: @escaping @Sendable () throws -> Void = {},
        lost: @escaping @Sendable () -> Void = {}
    ) async throws -> Never {
        let path = "/api/v1/events?watch=true"
        _ = try await messages(path, behind: place, opened: opened) { message -> Int? in
            if message.event == "gap" { lost() }
            guard message.event == "event" else { return nil }
            try await body(try Connection.decode(message.data), message.id)
            return nil
        }
        preconditionFailure("a watch of events ends only by breaking")
    }

    package func watchDecisions(
        about filter: DecisionFilter?, _ body: @escaping @Sendable (Decision) async throws -> Void
    ) async throws -> Never {
        let path = Connection.decisions(about: filter) + "watch=true"
        _ = try await messages(path) { message -> Int? in
            guard message.event == "decision" else { return nil }
            try await body(try Connection.decode(message.data))
            return nil
        }
        preconditionFailure("a watch of decisions ends only by breaking")
    }

    package func watchAudit(
        from index: UInt64?, limit: Int,
        _ body: @escaping @Sendable (AuditEntry) async throws -> Void
    ) async throws -> Never {
        let path = Connection.audit(from: index, limit: limit) + "&watch=true"
        _ = try await messages(path) { message -> Int? in
            guard message.event == "record" else { return nil }
            try await body(try Connection.decode(message.data))
            return nil
        }
        preconditionFailure("a watch of records ends only by breaking")
    }

    private func messages<Result: Sendable>(
        _ path: String, behind place: String? = nil,
        opened: @escaping @Sendable () throws -> Void = {},
        _ body: @escaping @Sendable (EventStream.Message) async throws -> Result?
    ) async throws -> Result {
        try await refusals {
            let headers =
                [("Accept", "text/event-stream")] + (place.map { [("Last-Event-ID", $0)] } ?? [])
            let request = Request(path: path, headers: headers)
            return try await endpoint.exchange(request, .heartbeats) { answer, _ in
                var stream = EventStream()
                var isOpen = false
                while let piece = try await answer.next() {
                    if !isOpen { try opened() }
                    isOpen = true
                    for message in try stream.append(piece) {
                        if let result = try await body(message) { return result }
                    }
                }
                throw Failure(.unreachable, "the server ended the watch")
            }
        }
    }

    private static func change(_ message: EventStream.Message) throws -> Change? {
        struct Names: Decodable { var names: [String] }
        switch message.event {
        case "list": return .list(try decode(message.data))
        case "changed": return .changed(try decode(message.data))
        case "removed":
            let names: Names = try decode(message.data)
            return .removed(names.names)
        default: return nil  // A newer server may say more than this client understands.
        }
    }

    // MARK: - Streams

    /// Talks to a container: `send` is given the sending half and runs beside the answer, `receive`
    /// is called with each frame that comes back.
    ///
    /// - Returns: the exit code; a stream that breaks before one throws.
    package func stream(
        _ request: StreamRequest, on node: NodeID,
        sending: @escaping @Sendable (FrameSender) async throws -> Void,
        receiving: @escaping @Sendable (StreamFrame) async throws -> Void
    ) async throws -> Int {
        let request = Request(
            method: .POST, path: "/api/v1/stream?node=\(Connection.encoded(node.text))",
            headers: [("X-Skerry-Stream", try Connection.base64URL(Connection.json(request)))])
        return try await refusals {
            try await endpoint.exchange(request, .endless, isDuplex: true) { answer, sender in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await sending(FrameSender(sender)) }
                    let code = try await Connection.exitCode(from: &answer, receiving)
                    group.cancelAll()
                    return code
                }
            }
        }
    }

    private static func exitCode(
        from answer: inout AnswerBody, _ receive: (StreamFrame) async throws -> Void
    ) async throws -> Int {
        var decoder = StreamFrameDecoder()
        while let piece = try await answer.next() {
            decoder.append(piece)
            while let frame = try decoder.next() {
                switch frame {
                case .exit(let code): return code
                case .failed(let message): throw Failure(.failed, message)
                case .missing(let message): throw Failure(.notFound, message)
                default: try await receive(frame)
                }
            }
        }
        throw Failure(.failed, "the stream ended before the command did; its state is not known")
    }

    // MARK: - Requests

    func value<Value: Decodable & Sendable>(_ request: Request) async throws -> Value {
        try Connection.decode(try await answer(to: request))
    }

    /// The bytes of the answer, as they came.
    func answer(to request: Request, about objects: [Object] = []) async throws -> [UInt8] {
        try await refusals(about: objects) {
            try await endpoint.exchange(request) { answer, _ in
                try await answer.whole(bytesMax: Connection.answerBytesMax)
            }
        }
    }

    private func refusals<Result: Sendable>(
        about objects: [Object] = [], _ body: () async throws -> Result
    ) async throws -> Result {
        do {
            return try await body()
        } catch let refusal as Refusal {
            throw Failure(refusal, objects: objects)
        }
    }

    // MARK: - Forms

    static func path(_ kind: Kind, selector: Selector, watch: Bool = false) -> String {
        var query: [String] = []
        if !selector.isEmpty { query.append("labelSelector=\(encoded(selector.text))") }
        if watch { query.append("watch=true") }
        let path = "/api/v1/\(kind.plural)"
        return query.isEmpty ? path : path + "?" + query.joined(separator: "&")
    }

    private static func audit(from index: UInt64?, limit: Int) -> String {
        "/api/v1/audit?limit=\(limit)" + (index.map { "&from=\($0)" } ?? "")
    }

    private static func decisions(about filter: DecisionFilter?) -> String {
        "/api/v1/decisions?" + (filter.map { "about=\(encoded($0.description))&" } ?? "")
    }

    static func path(_ kind: Kind, _ name: String) -> String {
        "/api/v1/\(kind.plural)/\(encoded(name))"
    }

    /// Percent-encodes everything that is not unreserved (RFC 3986 section 2.3).
    static func encoded(_ text: String) -> String {
        text.utf8.map { byte in
            let isUnreserved =
                (byte | 32 >= 97 && byte | 32 <= 122) || (48...57).contains(byte)
                || [45, 46, 95, 126].contains(byte)
            if isUnreserved { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.utf8.count < 2 ? "0" : "") + digits
        }.joined()
    }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    private static func json(_ value: some Encodable) throws -> [UInt8] {
        Array(try JSONEncoder().encode(value))
    }

    static func decode<Value: Decodable>(_ bytes: [UInt8]) throws -> Value {
        do {
            return try JSONDecoder().decode(Value.self, from: Data(bytes))
        } catch {
            throw Failure(
                .failed,
                "the answer cannot be understood (\(DecodingTrouble.text(error))); client and "
                    + "server may be too far apart: compare them with 'skerry version'")
        }
    }
}

/// The sending half of a stream.
package struct FrameSender: Sendable {
    private let sender: Sending

    init(_ sender: Sending) { self.sender = sender }

    package func send(_ frame: StreamFrame) async throws { try await sender.send(frame.encoded) }

    /// Says that nothing more will be sent.
    package func finish() async throws { try await sender.finish() }
}

/// Says in one line where decoding failed.
private enum DecodingTrouble {
    static func text(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "\(error)" }
        return switch error {
        case .keyNotFound(let key, let context): "no '\(key.stringValue)' in \(path(context))"
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            "unexpected type at \(path(context))"
        case .dataCorrupted(let context): "\(context.debugDescription) at \(path(context))"
        @unknown default: "\(error)"
        }
    }

    private static func path(_ context: DecodingError.Context) -> String {
        let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
        return path.isEmpty ? "the top" : path.joined(separator: ".")
    }
}
