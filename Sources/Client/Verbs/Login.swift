import Foundation
import Model

/// Takes a token and makes a context of it, after the server has accepted it.
package struct Login: Sendable {
    private let token: String
    private let server: String?
    private let authority: String?
    private let name: String?

    /// - Parameters:
    ///   - server: `https://HOST:PORT`, with the PEM file of its authority; the current context's if nil.
    ///   - name: of the context to write; `USER@CONTEXT` if nil.
    package init(token: String, server: String?, authority: String?, name: String?) {
        self.token = token.filter { !$0.isWhitespace }
        self.server = server
        self.authority = authority
        self.name = name
    }

    package func run(
        context current: String?, file path: String?, environment: [String: String],
        console: Console
    ) async throws {
        guard !token.isEmpty else {
            throw Failure(.usage, "the token is empty; give the line that token create showed")
        }
        let path = path ?? ContextFile.path(environment)
        var (base, address) = try hub(current, path, environment)
        // Asked with a draft, so that a token which is not good changes nothing.
        let draft = path + ".login.\(UInt32.random(in: 0...UInt32.max))"
        try replace(draft, with: Array((token + "\n").utf8))
        defer { unlink(draft) }
        address.proof = .token(file: draft)
        let who = try await Connection(.hub(address)).whoAmI()
        guard let user = who.user, who.credential == "token" else {
            throw Failure(.failed, "the server did not take the token for who asks")
        }
        base = name ?? "\(user)@\(base)"
        let kept = tokenFile(of: base, beside: path)
        try replace(kept, with: Array((token + "\n").utf8))
        address.proof = .token(file: kept)
        try ContextFile.write(context: Context(name: base, endpoint: .hub(address)), to: path)
        let end = who.expiresAt.map { " until \($0)" } ?? ""
        try console.say(visible("logged in as \(user)\(end); context '\(base)' is current"))
    }

    private func hub(
        _ current: String?, _ path: String, _ environment: [String: String]
    ) throws(Failure) -> (name: String, address: HubAddress) {
        if let server {
            guard let (host, port) = HubAddress.parse(server: server) else {
                throw Failure(.usage, "--server '\(server)' is not https://HOST:PORT")
            }
            guard let authority else {
                throw Failure(
                    .usage,
                    "--server needs --certificate-authority, a copy of the hub's file "
                        + "operator/authority.crt: otherwise anybody could pass for the hub")
            }
            let file =
                authority.hasPrefix("/")
                ? authority : FileManager.default.currentDirectoryPath + "/" + authority
            return (
                host,
                HubAddress(
                    host: host, port: port, certificateAuthority: file, proof: .token(file: ""))
            )
        }
        let context = try ContextFile.read(path).context(named: current, environment: environment)
        guard case .hub(let address) = context.endpoint else {
            throw Failure(
                .usage,
                "context '\(context.name)' is a node, which takes no tokens; name a hub with "
                    + "--server and --certificate-authority, or with --context")
        }
        let base = context.name.split(separator: "@").last.map(String.init) ?? context.name
        return (base, address)
    }

    private func tokenFile(of context: String, beside path: String) -> String {
        let safe = context.map { $0.isLetter || $0.isNumber || "-.@".contains($0) ? $0 : "_" }
        let slash = path.lastIndex(of: "/")
        return (slash.map { path[..<$0] } ?? ".") + "/tokens/" + String(safe)
    }
}
