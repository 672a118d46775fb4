import Model

/// Takes apart the stream in which an engine sends both outputs of a container: per piece one byte
/// for the output, three unused, and the length in four, the highest first.
struct MultiplexedFrames {
    private static let headerBytes = 8
    private var header: [UInt8] = []
    private var isError = false
    private var missing = 0

    /// Payload is passed on as it comes: an engine may announce far more than fits in memory.
    mutating func take(_ bytes: some Collection<UInt8>) -> [StreamFrame] {
        var frames: [StreamFrame] = []
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            if missing == 0 {
                let part = rest.prefix(MultiplexedFrames.headerBytes - header.count)
                header += part
                rest = rest.dropFirst(part.count)
                guard header.count == MultiplexedFrames.headerBytes else { break }
                isError = header[0] == 2
                missing = header[4...].reduce(0) { $0 << 8 | Int($1) }
                header = []
            } else {
                let part = Array(rest.prefix(min(missing, StreamFrame.payloadMax)))
                missing -= part.count
                rest = rest.dropFirst(part.count)
                frames.append(isError ? .errorOutput(part) : .output(part))
            }
        }
        return frames
    }
}
