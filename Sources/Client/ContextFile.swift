import Foundation

/// The file that names the hubs and nodes a person works with.
///
/// Keys it does not know are kept when it is written again; comments are not.
package struct ContextFile: Sendable {
    package let path: String
    private var settings: SettingsText

    private static let bytesMax = 1 << 20

    /// `$SKERRY_CONFIG`, or the usual place.
    package static func path(_ environment: [String: String]) -> String {
        if let path = environment["SKERRY_CONFIG"], !path.isEmpty { return path }
        if let directory = environment["XDG_CONFIG_HOME"], !directory.isEmpty {
            return directory + "/skerry/config.yaml"
        }
        return (environment["HOME"] ?? "/root") + "/.config/skerry/config.yaml"
    }

    /// Reads the file; a missing one is empty.
    package static func read(_ path: String) throws(Failure) -> ContextFile {
        guard let bytes = try bytes(of: path, bytesMax: bytesMax, missingIsEmpty: true) else {
            return ContextFile(path: path, settings: SettingsText())
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw Failure(.usage, "\(path) is not UTF-8 text; restore it or move it away")
        }
        do {
            return ContextFile(path: path, settings: try SettingsText(parsing: text))
        } catch {
            throw Failure(.usage, "\(path):\(error.line): \(error.message)")
        }
    }

    private init(path: String, settings: SettingsText) {
        self.path = path
        self.settings = settings
    }

    package var currentName: String? { settings.entries["current-context"]?.text }

    /// The contexts of the file, in its order. `local` is not one of them.
    package var names: [String] { contexts.map(\.key) }

    private var contexts: [SettingsText.Entry] { settings.entries["contexts"]?.map ?? [] }

    /// What the file says, for a person to read. It holds paths, never keys.
    package var text: String { settings.text }

    /// The context to use: the one named, else the current one, else the node of this machine.
    package func context(
        named name: String?, environment: [String: String]
    ) throws(Failure) -> Context {
        let name = name ?? currentName ?? Context.localName
        if let fields = contexts[name]?.map {
            return Context(name: name, endpoint: try endpoint(fields, of: name))
        }
        if name == Context.localName { return .local(environment) }
        let known = (names + [Context.localName]).joined(separator: ", ")
        throw Failure(.usage, "there is no context '\(name)' in \(path); there are: \(known)")
    }

    private func endpoint(
        _ fields: [SettingsText.Entry], of name: String
    ) throws(Failure) -> Endpoint {
        if let socket = fields["socket"]?.text { return .node(socket: absolute(socket)) }
        guard let server = fields["server"]?.text else {
            throw Failure(
                .usage, "context '\(name)' in \(path) has neither 'server' nor 'socket'; add one")
        }
        guard let (host, port) = HubAddress.parse(server: server) else {
            throw Failure(
                .usage,
                "context '\(name)' in \(path): server '\(server)' is not https://HOST:PORT")
        }
        func file(_ key: String) throws(Failure) -> String {
            guard let file = fields[key]?.text else {
                throw Failure(
                    .usage, "context '\(name)' in \(path) lacks '\(key)', the path of a file")
            }
            return absolute(file)
        }
        let authority = try file("certificate-authority")
        let proof: HubAddress.Proof
        if fields["token"] != nil {
            proof = .token(file: try file("token"))
        } else {
            proof = .certificate(try file("client-certificate"), key: try file("client-key"))
        }
        return .hub(
            HubAddress(
                host: host, port: port, certificateAuthority: authority, proof: proof))
    }

    /// Relative paths start where the file lies.
    private func absolute(_ file: String) -> String {
        file.hasPrefix("/") ? file : (path as NSString).deletingLastPathComponent + "/" + file
    }

    /// Makes `name` the current one.
    package mutating func use(_ name: String) throws(Failure) {
        guard names.contains(name) || name == Context.localName else {
            let known = (names + [Context.localName]).joined(separator: ", ")
            throw Failure(
                .notFound, "there is no context '\(name)' in \(path); there are: \(known)")
        }
        settings.entries["current-context"] = .text(name)
    }

    /// Adds a context, or replaces the fields of the one with its name. Others stay as they are.
    package mutating func set(_ context: Context) {
        var contexts = contexts
        var fields = contexts[context.name]?.map ?? []
        for key in ContextFile.fieldNames { fields[key] = nil }
        switch context.endpoint {
        case .node(let socket): fields["socket"] = .text(socket)
        case .hub(let address):
            fields["server"] = .text(address.server)
            fields["certificate-authority"] = .text(address.certificateAuthority)
            switch address.proof {
            case .certificate(let certificate, let key):
                fields["client-certificate"] = .text(certificate)
                fields["client-key"] = .text(key)
            case .token(let file): fields["token"] = .text(file)
            }
        }
        contexts[context.name] = .map(fields)
        settings.entries["contexts"] = .map(contexts)
    }

    private static let fieldNames = [
        "server", "certificate-authority", "client-certificate", "client-key", "token", "socket",
    ]

    /// Writes the file whole or not at all, for its owner only.
    package func write() throws(Failure) {
        try replace(path, with: Array(text.utf8))
    }

    /// Adds `context` to the file at `path`, makes it the current one, and keeps what is there.
    package static func write(context: Context, to path: String, use: Bool = true) throws(Failure) {
        var file = try read(path)
        file.set(context)
        if use { try file.use(context.name) }
        try file.write()
    }
}

/// The bytes of a file; nil for a missing one if that is allowed.
func bytes(of path: String, bytesMax: Int, missingIsEmpty: Bool = false) throws(Failure) -> [UInt8]?
{
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        if errno == ENOENT, missingIsEmpty { return nil }
        throw Failure(.usage, "\(path) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    return try bytes(from: descriptor, named: path, bytesMax: bytesMax)
}

func bytes(from descriptor: Int32, named name: String, bytesMax: Int) throws(Failure) -> [UInt8] {
    var result: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    while true {
        let count = read(descriptor, &piece, piece.count)
        if count == 0 { return result }
        if count < 0 {
            if errno == EINTR { continue }
            throw Failure(.usage, "\(name) cannot be read: \(String(cString: strerror(errno)))")
        }
        result += piece[..<count]
        guard result.count <= bytesMax else {
            throw Failure(.usage, "\(name) is larger than \(bytesMax >> 20) MiB; split it")
        }
    }
}

/// Puts `bytes` in place of a file in one step, with its directories, readable by its owner only.
///
/// `isDurable` says whether it must survive a power cut right after.
func replace(_ path: String, with bytes: [UInt8], isDurable: Bool = true) throws(Failure) {
    func failed(_ doing: String) -> Failure {
        Failure(.failed, "\(path) cannot be written: \(doing): \(String(cString: strerror(errno)))")
    }
    let parent = (path as NSString).deletingLastPathComponent
    let directory = parent.isEmpty ? "." : parent
    do {
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
    } catch {
        throw Failure(.failed, "\(directory) cannot be made: \(error.localizedDescription)")
    }
    let draft = path + ".\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
    let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw failed("creating a draft") }
    var rest = bytes[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        guard written > 0 || errno == EINTR else { break }
        rest = rest.dropFirst(max(0, written))
    }
    let isWhole = rest.isEmpty && (!isDurable || fsync(descriptor) == 0)
    close(descriptor)
    guard isWhole, rename(draft, path) == 0 else {
        let failure = failed("writing it")
        unlink(draft)
        throw failure
    }
}
