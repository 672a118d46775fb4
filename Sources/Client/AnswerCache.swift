import Foundation
package import Model

/// The last answers of each hub or node, for the time when it cannot be asked.
///
/// Readable by its owner only, and bounded: the oldest answers go first. A cache that cannot be
/// written takes nothing from the answer itself, so that is not a failure.
package struct AnswerCache: Sendable {
    package struct Limits: Sendable {
        package var answerBytesMax: Int
        package var answersMax: Int

        package static let production = Limits(answerBytesMax: 8 << 20, answersMax: 64)
        package static let tight = Limits(answerBytesMax: 4096, answersMax: 3)
    }

    private let directory: String
    /// Two hubs of one name must not answer for each other.
    private let owner: String
    private let limits: Limits

    package init(directory: String, context: Context, limits: Limits = .production) {
        self.directory = directory
        self.limits = limits
        owner = context.name + "\n" + context.endpoint.text
    }

    package static func directory(_ environment: [String: String]) -> String {
        if let directory = environment["XDG_CACHE_HOME"], !directory.isEmpty {
            return directory + "/skerry"
        }
        return (environment["HOME"] ?? "/root") + "/.cache/skerry"
    }

    /// Keeps `answer` as the last one to `path`.
    ///
    /// - Returns: whether it was kept.
    @discardableResult
    package func keep(_ answer: [UInt8], to path: String, at now: WallTime) -> Bool {
        guard answer.count <= limits.answerBytesMax else { return false }
        let header = [owner, path, now.description].map(AnswerCache.line).joined()
        do throws(Failure) {
            try replace(file(path), with: Array(header.utf8) + answer, isDurable: false)
        } catch {
            return false
        }
        shed()
        return true
    }

    /// The last answer to `path` and when it was heard; nil where there is none.
    package func recall(_ path: String) -> (answer: [UInt8], heardAt: WallTime)? {
        let content: [UInt8]?
        do throws(Failure) {
            content = try bytes(
                of: file(path), bytesMax: limits.answerBytesMax + 64 * 1024, missingIsEmpty: true)
        } catch {
            return nil
        }
        guard let content else { return nil }
        let fields = content.split(separator: 10, maxSplits: 3, omittingEmptySubsequences: false)
        guard fields.count == 4,
            String(decoding: fields[0], as: UTF8.self) + "\n" == AnswerCache.line(owner),
            String(decoding: fields[1], as: UTF8.self) + "\n" == AnswerCache.line(path),
            let heardAt = WallTime(String(decoding: fields[2], as: UTF8.self))
        else { return nil }
        return (Array(fields[3]), heardAt)
    }

    private static func line(_ text: String) -> String {
        text.replacing("\n", with: " ") + "\n"
    }

    /// The name holds no text of the request, so no request can choose where it is kept.
    private func file(_ path: String) -> String {
        // A collision is found out by the header.
        var hash = StableHash()
        hash.add(owner + "\n" + path)
        return "\(directory)/\(String(hash.value, radix: 16)).answer"
    }

    private func shed() {
        var ages: [(path: String, changed: Int)] = []
        guard let listing = opendir(directory) else { return }
        defer { closedir(listing) }
        while let entry = readdir(listing) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasSuffix(".answer") else { continue }
            var status = stat()
            guard stat("\(directory)/\(name)", &status) == 0 else { continue }
            let changed = status.st_mtim.tv_sec * 1_000_000_000 + status.st_mtim.tv_nsec
            ages.append(("\(directory)/\(name)", changed))
        }
        guard ages.count > limits.answersMax else { return }
        for old in ages.sorted(by: { $0.changed < $1.changed }).dropLast(limits.answersMax) {
            unlink(old.path)
        }
    }
}
