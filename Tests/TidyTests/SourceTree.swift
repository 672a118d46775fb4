import Foundation

/// A text file of the project, by its path from the root.
struct SourceFile: Sendable {
    let path: String
    let text: String
    /// Empty unless it is Swift.
    let tokens: [Token]

    init(path: String, text: String) {
        self.path = path
        self.text = text
        tokens = path.hasSuffix(".swift") ? Lexer.tokens(of: text) : []
    }

    var isSwift: Bool { path.hasSuffix(".swift") }

    /// Made by a tool from another file, so nobody writes or reads it.
    var isGenerated: Bool { path.contains("/Generated/") }

    var lineCount: Int { text.utf8.count { $0 == UInt8(ascii: "\n") } }
}

/// Something that the house does not allow, with its place.
struct Breach: CustomStringConvertible, Equatable, Sendable {
    let path: String
    let line: Int
    let problem: String

    var description: String { "\(path):\(line): \(problem)" }
}

/// The files that people write.
enum SourceTree {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// Read once for all tests.
    static let files = Result { try read() }

    private static func read() throws -> [SourceFile] {
        let manager = FileManager.default
        var files: [SourceFile] = []
        for top in try manager.contentsOfDirectory(atPath: root.path).sorted() {
            // What tools keep beside the sources starts with a dot; what CI runs does too.
            if top.hasPrefix("."), ![".ci", ".swift-format", ".gitignore"].contains(top) {
                continue
            }
            let url = root.appending(path: top)
            if let walk = manager.enumerator(atPath: url.path), isDirectory(url) {
                for case let path as String in walk {
                    try add("\(top)/\(path)", to: &files)
                }
            } else {
                try add(top, to: &files)
            }
        }
        return files
    }

    private static func add(_ path: String, to files: inout [SourceFile]) throws {
        let url = root.appending(path: path)
        guard !isDirectory(url) else { return }
        let data = try Data(contentsOf: url)
        // What is not text is data, and has no style.
        guard let text = String(data: data, encoding: .utf8) else { return }
        files.append(SourceFile(path: path, text: text))
    }

    private static func isDirectory(_ url: URL) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &isDirectory)
            && isDirectory.boolValue
    }
}
