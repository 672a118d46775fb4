import Glibc

/// Calls of glibc that its headers hide from Swift, which imports them without `_GNU_SOURCE`.
///
/// Looked up once by name: a C target for three declarations would be one more room. All are in
/// glibc since 2.36 (Debian 12, Ubuntu 24.04).
enum HiddenCalls {
    typealias FileActions = UnsafeMutablePointer<posix_spawn_file_actions_t>

    static let openPidfd: @convention(c) (pid_t, UInt32) -> Int32 = look(up: "pidfd_open")
    static let addChdir: @convention(c) (FileActions, UnsafePointer<CChar>) -> Int32 =
        look(up: "posix_spawn_file_actions_addchdir_np")
    static let addCloseFrom: @convention(c) (FileActions, Int32) -> Int32 =
        look(up: "posix_spawn_file_actions_addclosefrom_np")

    /// From `<spawn.h>`, hidden with the calls.
    static let spawnSetsid: Int32 = 0x80

    private static func look<Function>(up name: String) -> Function {
        guard let symbol = dlsym(nil, name) else {
            preconditionFailure("Skerry needs glibc 2.36 or newer: it has no \(name)")
        }
        return unsafeBitCast(symbol, to: Function.self)
    }
}
