import Model

extension Console {
    /// Says a list of what is no object in the format that was asked for: `list` itself as JSON, `names`
    /// where it has some, else the table, or `absence` as a remark where that is empty.
    ///
    /// - Parameter what: the beginning of a sentence, such as "approvals are".
    func list(
        _ list: some Encodable, _ what: String, as format: Format, headings: Bool,
        table: @autoclosure () -> TextTable, names: [String]?, absence: String
    ) throws {
        switch (format, names) {
        case (.json, _): try sayJSON(list)
        case (.name, let names?): try say(names.map { visible($0) })
        case (.yaml, _), (.name, nil):
            let formats = names == nil ? "wide or json" : "wide, json or name"
            throw Failure(.usage, "\(what) shown as a table, \(formats)")
        case (.table, _), (.wide, _):
            let table = table()
            if table.rows.isEmpty {
                try remark(absence)
            } else {
                try say(table, as: format, headings: headings)
            }
        }
    }
}
