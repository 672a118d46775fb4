import Foundation

/// What the command line asks for.
enum Command {
    case help
    case images(count: Int, seed: UInt64)
    case bench(directory: String)

    struct Mistake: Error {
        let sentence: String
    }

    init(_ arguments: ArraySlice<String>) throws(Mistake) {
        var rest = arguments
        let isBench = rest.first == "bench"
        if isBench { rest.removeFirst() }
        var images = 2000
        var seed: UInt64 = 1
        var directory = FileManager.default.temporaryDirectory.path
        while let flag = rest.popFirst() {
            if flag == "--help" || flag == "-h" {
                self = .help
                return
            }
            guard let value = rest.popFirst() else {
                throw Mistake(sentence: "\(flag) needs a value")
            }
            switch (flag, isBench) {
            case ("--images", false): images = try number(value, for: flag)
            case ("--seed", false): seed = UInt64(try number(value, for: flag))
            case ("--directory", true): directory = value
            default: throw Mistake(sentence: "unknown option \(flag)")
            }
        }
        self = isBench ? .bench(directory: directory) : .images(count: images, seed: seed)
    }
}

private func number(_ text: String, for flag: String) throws(Command.Mistake) -> Int {
    guard let number = Int(text), number > 0 else {
        throw Command.Mistake(sentence: "\(flag) takes a number above 0, not \(text)")
    }
    return number
}
