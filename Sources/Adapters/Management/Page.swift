import Hummingbird
import Model

/// A list that is given in pages to who asks for that.
protocol Listing: Encodable {
    associatedtype Item
    var items: [Item] { get set }
    /// Names an item among the others of its list.
    static func name(of item: Item) -> String
    /// Whether an item stands behind where one of that name stands, or would; nil where lists of
    /// this kind have no order that says so.
    static func isBehind(_ name: String, _ item: Item) -> Bool?
}

extension Listing {
    static func isBehind(_ name: String, _ item: Item) -> Bool? { nil }
}

extension ObjectList: Listing {
    static func name(of item: Object) -> String { item.metadata.name }

    static func isBehind(_ name: String, _ item: Object) -> Bool? {
        // Copies are in the order of their numbers, and everything else in that of its name.
        guard case .instance(let instance) = item, let id = InstanceID(name) else {
            return name < item.metadata.name
        }
        return id < instance.status.id
    }
}

extension CertificateList: Listing {
    static func name(of item: CertificateReport) -> String { item.name }
}

extension UserTokenList: Listing {
    static func name(of item: UserToken) -> String { item.id }
}

extension ApprovalList: Listing {
    static func name(of item: Approval) -> String { item.id }
}

extension PendingList: Listing {
    static func name(of item: PendingNode) -> String { item.node.text }
}

extension RevocationReport: Listing {
    static func name(of item: Revocation) -> String {
        "\(item.subject) \(item.device ?? "any") \(item.at.milliseconds)"
    }
}

extension ConflictList: Listing {
    static func name(of item: Conflict) -> String {
        "\(item.node)/\(item.kind.rawValue)/\(item.name)"
    }
}

extension ServiceList: Listing {
    static func name(of item: ServiceEndpoint) -> String { "\(item.node)/\(item.instance)" }
}

extension LocalChangeList: Listing {
    static func name(of item: LocalChangeReport) -> String {
        "\(item.node)/\(item.change.workload)/\(item.change.sequence)"
    }
}

extension MeshReport: Listing {
    static func name(of item: MeshView) -> String { item.node.text }
}

extension MeshHoldings: Listing {
    static func name(of item: MeshHolding) -> String { "\(item.node) \(item.subject)" }
}

extension MeshTraces: Listing {
    static func name(of item: MeshTrace) -> String {
        "\(item.origin) \(item.sequence) \(item.key)"
    }
}

/// A part of a list, and what to ask with for the next one: the fields of the list, and `continue`.
struct Page<List: Listing>: Encodable {
    private enum Key: String, CodingKey { case `continue` }

    var list: List
    /// Nil behind the last item.
    var next: String?

    func encode(to encoder: any Encoder) throws {
        try list.encode(to: encoder)
        var fields = encoder.container(keyedBy: Key.self)
        try fields.encodeIfPresent(next, forKey: .continue)
    }
}

extension Interface {
    static let paging: [Route.Parameter] = [
        .init(
            name: "limit", type: .integer,
            summary: "How many at once; all without it. More than 1000 are 1000."),
        .init(
            name: "continue", type: .string,
            summary: "What the answer before said: go on behind its last item."),
    ]

    /// The part of a list that was asked for. What comes or goes meanwhile may be in it or not; what
    /// was there all the time is in exactly one page.
    func page<List: Listing>(_ list: List, for call: Call) throws -> Page<List> {
        let wanted = try call.count("limit")
        let mark = call.query["continue"]
        guard wanted != nil || mark != nil else { return Page(list: list, next: nil) }
        guard wanted != 0 else { throw Rejection.malformed("'limit' is a number from 1 on") }
        let begin = try mark.map { try place(behind: try name(in: $0), in: list) } ?? 0
        let end = min(list.items.count, begin + min(wanted ?? .max, limits.pageMax))
        var page = Page(list: list, next: nil)
        page.list.items = Array(list.items[begin..<end])
        if end < list.items.count, let last = page.list.items.last {
            page.next = base64URL(List.name(of: last))
        }
        return page
    }

    private func place<List: Listing>(behind name: String, in list: List) throws -> Int {
        if let place = list.items.firstIndex(where: { List.name(of: $0) == name }) {
            return place + 1
        }
        guard let first = list.items.first, List.isBehind(name, first) != nil else {
            if list.items.isEmpty { return 0 }
            throw Refusal(
                .conflict, "where the page before ended is not there any more: begin anew")
        }
        return list.items.firstIndex { List.isBehind(name, $0) == true } ?? list.items.count
    }

    private func name(in mark: String) throws -> String {
        guard mark.utf8.count <= 1024, let bytes = base64URLDecoded(mark), !bytes.isEmpty,
            let name = String(validating: bytes, as: UTF8.self)
        else {
            throw Rejection.malformed(
                "'continue' is what the answer before said, not '\(mark.prefix(80))'")
        }
        return name
    }
}
