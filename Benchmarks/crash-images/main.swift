import CrashImages
import Foundation
import Storage

let usage = """
    usage: crash-images [--images COUNT] [--seed NUMBER]
           crash-images bench [--directory DIRECTORY]
    """

do {
    switch try Command(CommandLine.arguments.dropFirst()) {
    case .help:
        print(usage)
    case .images(let count, let seed):
        guard try cutPower(images: count, seed: seed) else { exit(1) }
    case .bench(let directory):
        try timeCommits(in: directory)
    }
} catch let mistake as Command.Mistake {
    FileHandle.standardError.write(Data("\(mistake.sentence)\n\(usage)\n".utf8))
    exit(2)
} catch {
    FileHandle.standardError.write(Data("crash-images: \(error)\n".utf8))
    exit(1)
}
