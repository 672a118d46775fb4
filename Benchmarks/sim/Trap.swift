import Glibc

// A machine that traps takes the simulator with it. What is to be said then is made ready before
// each seed, since a signal handler may do no more than write bytes that are there.

nonisolated(unsafe) private let lastWords = UnsafeMutablePointer<UInt8>.allocate(capacity: 512)
nonisolated(unsafe) private var lastWordsCount = 0

func prepareLastWords(_ text: String) {
    lastWordsCount = 0
    for byte in text.utf8.prefix(512) {
        lastWords[lastWordsCount] = byte
        lastWordsCount += 1
    }
}

func speakOnTrap() {
    for number in [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE] {
        signal(number) { number in
            write(STDERR_FILENO, lastWords, lastWordsCount)
            signal(number, SIG_DFL)
            raise(number)
        }
    }
}
