import Foundation
import GRDB
import Model

/// How a Model value lies in a row: as JSON, with a checksum, beside its key columns.
enum Record {
    static func encode(_ value: some Encodable) throws(StoreError) -> (body: Data, sum: Int64) {
        do {
            let body = try encoder.encode(value)
            return (body, checksum(body))
        } catch {
            throw .unstorable(reason: "\(error)")
        }
    }

    /// The value in `row`, or why there is none.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from row: Row, by decoder: JSONDecoder = decoder
    ) throws(RowFault) -> Value {
        let body: Data = row["body"]
        guard checksum(body) == row["sum"] as Int64 else {
            throw .altered
        }
        do {
            return try decoder.decode(type, from: body)
        } catch {
            throw .unknown("\(error)")
        }
    }

    // Sorted keys: equal values have equal bytes. Numbers that JSON lacks must not fail a commit.
    private static let encoder: JSONEncoder = {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return encoder
    }()
    static let decoder = makeDecoder()
    /// Also keeps what this version does not understand of a document.
    static let keepingDecoder: JSONDecoder = {
        let decoder = makeDecoder()
        decoder.userInfo[Document.keepsReceived] = true
        return decoder
    }()

    private static func makeDecoder() -> JSONDecoder {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return decoder
    }

    /// SQLite checks its own pages' shape, but not the content of a row.
    private static func checksum(_ body: Data) -> Int64 {
        var hash = StableHash()
        body.withUnsafeBytes { hash.add($0) }
        return Int64(bitPattern: hash.value)
    }
}

/// Why a row has no value.
enum RowFault: Error {
    /// The bytes are not the ones that were written.
    case altered
    /// The bytes are right; this version does not understand them.
    case unknown(String)

    var reason: String {
        switch self {
        case .altered: "its content changed on the disk"
        case .unknown(let reason): "this version cannot read it: \(reason)"
        }
    }
}

/// A counter as SQLite can hold it: 63 bits.
func column(_ value: UInt64) throws(StoreError) -> Int64 {
    guard let column = Int64(exactly: value) else {
        throw .unstorable(reason: "the number \(value) is above \(Int64.max)")
    }
    return column
}

func counter(_ column: Int64) -> UInt64 { UInt64(max(0, column)) }

extension GRDB.Database {
    func run(_ sql: String, _ arguments: StatementArguments = []) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }

    func number(_ sql: String, _ arguments: StatementArguments = []) throws -> Int64 {
        try Int64.fetchOne(cachedStatement(sql: sql), arguments: arguments) ?? 0
    }
}

/// Reads rows one by one, keeping aside those that have no value.
struct Reader {
    private(set) var damaged: [DamagedRow] = []
    private let database: GRDB.Database
    private let decoder: JSONDecoder

    init(_ database: GRDB.Database, decoder: JSONDecoder = Record.decoder) {
        self.database = database
        self.decoder = decoder
    }

    /// The values of `table` in the order of `sql`, which must select `body` and `sum`. The columns
    /// in `key` name a row to people.
    mutating func values<Value: Decodable>(
        _ type: Value.Type, of table: String, key: [String], _ sql: String,
        _ arguments: StatementArguments = [], altered: (Row) -> Void = { _ in },
        each: (Row, Value) -> Void
    ) throws {
        let rows = try Row.fetchCursor(database, sql: sql, arguments: arguments)
        while let row = try rows.next() {
            do {
                each(row, try Record.decode(type, from: row, by: decoder))
            } catch {
                if case .altered = error { altered(row) }
                let name = key.map { text(row[$0]) }.joined(separator: "/")
                damaged.append(DamagedRow(table: table, key: name, reason: error.reason))
            }
        }
    }
}

private func text(_ column: DatabaseValue) -> String {
    column.storage.value.map { "\($0)" } ?? "?"
}
