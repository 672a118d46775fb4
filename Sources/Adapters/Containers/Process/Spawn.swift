import Glibc
import Model

/// Starts one process: leader of its own session and group, with nothing inherited but what is
/// named here.
struct Spawn {
    /// Where the standard streams of the process lead.
    enum Streams {
        /// Nothing to read; both outputs at the end of this file, which outlives the agent.
        case log(path: String)
        case descriptors(input: Int32, output: Int32, error: Int32)
        /// The path of a terminal, which becomes the controlling one.
        case terminal(path: String)
    }

    /// An absolute path.
    var program: String
    /// Without the program's name.
    var arguments: [String]
    var environment: [String: String]
    var directory: String
    var streams: Streams
    /// `cgroup.procs` files that the process enters before it runs a single instruction of its own.
    var groups: [String] = []

    static let standardPath = [
        "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin",
    ]

    /// A shell joins the groups and becomes the program: `posix_spawn` knows only cgroups v2, and
    /// only since glibc 2.39. 126 is the code of shells for "found, but could not be run".
    private static let joining = """
        n=$1; shift
        while [ "$n" -gt 0 ]; do
            echo 0 >"$1" || { echo "cannot enter the control group $1" >&2; exit 126; }
            shift; n=$((n - 1))
        done
        exec "$@"
        """

    func callAsFunction() throws(EngineFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        direct(&actions)
        _ = HiddenCalls.addChdir(&actions, directory)
        _ = HiddenCalls.addCloseFrom(&actions, 3)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        detach(&attributes)

        let file = groups.isEmpty ? program : "/bin/sh"
        var line = [program] + arguments
        if !groups.isEmpty {
            line = [file, "-c", Spawn.joining, "sh", "\(groups.count)"] + groups + line
        }
        let variables = environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        var pid: pid_t = 0
        let code = withStrings(line) { line in
            withStrings(variables) { variables in
                posix_spawn(&pid, file, &actions, &attributes, line, variables)
            }
        }
        guard code == 0 else {
            throw EngineFailure(.refused, "cannot start '\(program)': \(systemError(code))")
        }
        exposeToMemoryPressure(pid)
        return pid
    }

    /// The agent's unit shields the agent from the kernel's out-of-memory killer, and children
    /// inherit that; a workload that eats the node must be the one to go. Where it cannot be
    /// written there is nothing to undo: only root can have lowered it.
    private func exposeToMemoryPressure(_ pid: pid_t) {
        let file = open("/proc/\(pid)/oom_score_adj", O_WRONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        _ = write(file, "0", 1)
    }

    private func direct(_ actions: inout posix_spawn_file_actions_t) {
        switch streams {
        case .log(let path):
            let flags = O_WRONLY | O_APPEND | O_CREAT
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_addopen(&actions, 1, path, flags, 0o640)
            posix_spawn_file_actions_adddup2(&actions, 1, 2)
        case .descriptors(let input, let output, let error):
            posix_spawn_file_actions_adddup2(&actions, input, 0)
            posix_spawn_file_actions_adddup2(&actions, output, 1)
            posix_spawn_file_actions_adddup2(&actions, error, 2)
        case .terminal(let path):
            posix_spawn_file_actions_addopen(&actions, 0, path, O_RDWR, 0)
            posix_spawn_file_actions_adddup2(&actions, 0, 1)
            posix_spawn_file_actions_adddup2(&actions, 0, 2)
        }
    }

    /// Its own session, and the signals as a program expects them: the agent may ignore some.
    private func detach(_ attributes: inout posix_spawnattr_t) {
        var none = sigset_t()
        sigemptyset(&none)
        var all = sigset_t()
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setflags(
            &attributes,
            Int16(
                HiddenCalls.spawnSetsid | Int32(POSIX_SPAWN_SETSIGMASK)
                    | Int32(POSIX_SPAWN_SETSIGDEF)))
    }
}

/// Finds the program that the first word of a command names.
func program(
    of command: [String], in searchPath: [String], directory: String
) throws(EngineFailure) -> String {
    guard let word = command.first, !word.isEmpty, !word.contains("\0") else {
        throw EngineFailure(.commandMissing, "the command is empty: name a program to run")
    }
    let places =
        word.hasPrefix("/")
        ? [word]
        : word.contains("/") ? ["\(directory)/\(word)"] : searchPath.map { "\($0)/\(word)" }
    if let place = places.first(where: isProgram) { return place }
    let advice =
        word.contains("/")
        ? "no executable file is at \(places[0])"
        : "looked in \(searchPath.joined(separator: ", "))"
    throw EngineFailure(
        .commandMissing,
        "cannot find the command '\(word)': \(advice); install it on the node or give its full path"
    )
}

private func isProgram(_ path: String) -> Bool {
    var information = stat()
    return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFREG
        && access(path, X_OK) == 0
}

func isDirectory(_ path: String) -> Bool {
    var information = stat()
    return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
}

/// Calls `body` with a null-terminated list of C strings.
private func withStrings<Result>(
    _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}
