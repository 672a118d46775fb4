import Glibc

/// A daemon that crashes leaves no copy of its memory, and nobody but root looks into it.
package enum CoreDumps {
    private typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32

    /// PR_GET_DUMPABLE and PR_SET_DUMPABLE of `<linux/prctl.h>`.
    private static let getDumpable: Int32 = 3
    private static let setDumpable: Int32 = 4

    // Swift imports no function with variable arguments; on Linux whole numbers are passed alike.
    private static let control: Control? = dlsym(nil, "prctl").map {
        unsafeBitCast($0, to: Control.self)
    }

    package static var areOff: Bool { control?(getDumpable, 0, 0, 0, 0) == 0 }

    /// By the flag of the process and not by a limit: a limit would pass to every workload that is
    /// started here, and theirs to dump or not is not Skerry's to say.
    ///
    /// The backtraces of Swift's runtime go too, unless somebody asked for them with `SWIFT_BACKTRACE`:
    /// they write memory around the registers to the log, and keep a restart waiting for a quarter of a
    /// minute.
    package static func turnOff(log: (String) -> Void) {
        if getenv("SWIFT_BACKTRACE") == nil {
            for number in [SIGQUIT, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP] {
                Glibc.signal(number, SIG_DFL)
            }
        }
        guard control?(setDumpable, 0, 0, 0, 0) != 0 else { return }
        log(
            "core dumps of this process stay on (\(String(cString: strerror(errno)))); a crash may "
                + "write keys to disk")
    }
}
