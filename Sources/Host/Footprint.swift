import Foundation
import Glibc

/// The memory of this process, as far as it is not needed for what it does all day.
enum Footprint {
    /// Gives back the code that only the start needed. The kernel maps 16 pages around each one that
    /// is touched, so most of what a start leaves behind is never run again; what is still needed
    /// comes back page by page, from the file or its cache.
    static func giveBackStart() {
        guard let maps = FileManager.default.contents(atPath: "/proc/self/maps") else { return }
        for line in String(decoding: maps, as: UTF8.self).split(separator: "\n") {
            // `55d0c0000000-55d0c1000000 r-xp 00000000 fe:01 1234 /usr/bin/skerry`, and never
            // written to: code that is mapped from a file is the same after it was dropped.
            let fields = line.split(separator: " ", omittingEmptySubsequences: true)
            guard fields.count >= 6, fields[1] == "r-xp", fields[5].hasPrefix("/") else { continue }
            let bounds = fields[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
            guard bounds.count == 2, let begin = UnsafeMutableRawPointer(bitPattern: bounds[0])
            else { continue }
            madvise(begin, Int(bounds[1] - bounds[0]), MADV_DONTNEED)
        }
    }
}
