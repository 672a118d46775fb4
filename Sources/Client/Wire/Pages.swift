import Foundation
import Model

/// A list that a server gives in pages.
protocol PagedList: Codable, Sendable {
    associatedtype Item
    var items: [Item] { get set }
}

extension ObjectList: PagedList {}
extension CertificateList: PagedList {}
extension UserTokenList: PagedList {}
extension ApprovalList: PagedList {}
extension ConflictList: PagedList {}
extension LocalChangeList: PagedList {}
extension MeshHoldings: PagedList {}
extension MeshReport: PagedList {}
extension MeshTraces: PagedList {}
extension PendingList: PagedList {}
extension RevocationReport: PagedList {}
extension ServiceList: PagedList {}

/// One page, and what to ask with for the next.
private struct ListPage<List: PagedList>: Decodable, Sendable {
    private enum Key: String, CodingKey { case `continue` }

    let list: List
    let next: String?

    init(from decoder: any Decoder) throws {
        list = try List(from: decoder)
        next = try decoder.container(keyedBy: Key.self).decodeIfPresent(
            String.self, forKey: .continue)
    }
}

extension Connection {
    /// What fits an answer of some hundred kilobytes: neither end holds much more at once.
    private static let pageItems = 500
    /// More than any server has; one that never ends is not followed for ever.
    private static let pagesMax = 2_000

    /// The whole list, asked for page by page.
    func pages<List: PagedList>(_ path: String) async throws -> List {
        let first = path + (path.contains("?") ? "&" : "?") + "limit=\(Connection.pageItems)"
        var page: ListPage<List> = try await value(Request(path: first))
        var whole = page.list
        var pages = 1
        while let next = page.next, pages < Connection.pagesMax {
            page = try await value(
                Request(path: first + "&continue=\(Connection.encoded(next))"))
            whole.items += page.list.items
            pages += 1
        }
        return whole
    }
}
