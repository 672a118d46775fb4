import Glibc

/// Why a file could not be read.
struct FileFailure: Error, CustomStringConvertible {
    let description: String
}

/// The text of a small file.
func textOfFile(_ path: String) throws(FileFailure) -> String {
    guard let file = fopen(path, "r") else {
        throw FileFailure(description: "cannot be opened: \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    while bytes.count < 1 << 24 {
        let byte = fgetc(file)
        guard byte != EOF else { break }
        bytes.append(UInt8(truncatingIfNeeded: byte))
    }
    return String(decoding: bytes, as: UTF8.self)
}
