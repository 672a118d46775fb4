// The form of a frame on a byte stream: one byte of type, four bytes of payload length with the
// most significant first, the payload.

/// Why bytes are not a sequence of frames. The stream cannot be read any further.
package enum StreamFrameError: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownType(UInt8)
    case payloadTooLong(bytes: Int, bytesMax: Int)
    case malformedPayload(type: UInt8)

    package var description: String {
        switch self {
        case .unknownType(let type):
            "a stream frame has the unknown type \(type)"
        case .payloadTooLong(let bytes, let bytesMax):
            "a stream frame announces \(bytes) bytes, and at most \(bytesMax) are allowed"
        case .malformedPayload(let type):
            "a stream frame of type \(type) has a payload that cannot be read"
        }
    }
}

extension StreamFrame {
    fileprivate enum Code: UInt8 {
        case input, endOfInput, resize, output, errorOutput, exit, failed, missing
    }

    package static let headerBytes = 5

    /// The frame as it is sent. Data beyond `payloadMax` becomes several frames of the same type;
    /// a longer message is cut off.
    package var encoded: [UInt8] {
        switch self {
        case .input(let bytes): StreamFrame.encode(data: bytes, as: .input)
        case .endOfInput: StreamFrame.encode([], as: .endOfInput)
        case .resize(let size):
            StreamFrame.encode(Array("\(size.columns)x\(size.rows)".utf8)[...], as: .resize)
        case .output(let bytes): StreamFrame.encode(data: bytes, as: .output)
        case .errorOutput(let bytes): StreamFrame.encode(data: bytes, as: .errorOutput)
        case .exit(let code): StreamFrame.encode(Array(String(code).utf8)[...], as: .exit)
        case .failed(let message): StreamFrame.encode(words: message, as: .failed)
        case .missing(let message): StreamFrame.encode(words: message, as: .missing)
        }
    }

    private static func encode(words: String, as code: Code) -> [UInt8] {
        encode(Array(words.utf8.prefix(payloadMax))[...], as: code)
    }

    private static func encode(data: [UInt8], as code: Code) -> [UInt8] {
        guard data.count > payloadMax else { return encode(data[...], as: code) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(data.count + (data.count / payloadMax + 1) * headerBytes)
        for start in stride(from: 0, to: data.count, by: payloadMax) {
            bytes += encode(data[start..<min(start + payloadMax, data.count)], as: code)
        }
        return bytes
    }

    private static func encode(_ payload: ArraySlice<UInt8>, as code: Code) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(headerBytes + payload.count)
        bytes.append(code.rawValue)
        let length = UInt32(payload.count)
        for shift: UInt32 in [24, 16, 8, 0] {
            bytes.append(UInt8(truncatingIfNeeded: length >> shift))
        }
        bytes += payload
        return bytes
    }

    fileprivate init(code: Code, payload: ArraySlice<UInt8>) throws(StreamFrameError) {
        let frame: StreamFrame? =
            switch code {
            case .input: .input(Array(payload))
            case .endOfInput: payload.isEmpty ? .endOfInput : nil
            case .resize: TerminalSize(ascii: payload).map { .resize($0) }
            case .output: .output(Array(payload))
            case .errorOutput: .errorOutput(Array(payload))
            case .exit: Int(String(decoding: payload, as: UTF8.self)).map { .exit($0) }
            case .failed: .failed(String(decoding: payload, as: UTF8.self))
            case .missing: .missing(String(decoding: payload, as: UTF8.self))
            }
        guard let frame else { throw .malformedPayload(type: code.rawValue) }
        self = frame
    }
}

extension TerminalSize {
    /// Reads `80x24`. A terminal counts its columns and rows in 16 bits.
    fileprivate init?(ascii payload: ArraySlice<UInt8>) {
        let fields = payload.split(separator: UInt8(ascii: "x"), omittingEmptySubsequences: false)
        guard fields.count == 2,
            let columns = UInt16(String(decoding: fields[0], as: UTF8.self)), columns > 0,
            let rows = UInt16(String(decoding: fields[1], as: UTF8.self)), rows > 0
        else { return nil }
        self.init(columns: Int(columns), rows: Int(rows))
    }
}

/// Turns the bytes of a stream back into frames, however they were cut up on the way.
///
/// It never holds more than the bytes it was given and has not yet handed out; a header that
/// announces more than `payloadMax` bytes is refused before any of them is waited for.
package struct StreamFrameDecoder: Sendable {
    private let payloadMax: Int
    private var bytes: [UInt8] = []
    /// How much of `bytes` was handed out already; dropped in one go by the next `append`.
    private var consumed = 0

    package init(payloadMax: Int = StreamFrame.payloadMax) {
        self.payloadMax = payloadMax
    }

    /// Whether the stream may end here, which is only between two frames.
    package var isBetweenFrames: Bool { consumed == bytes.count }

    package mutating func append(_ more: [UInt8]) {
        if consumed > 0 {
            bytes.removeSubrange(..<consumed)
            consumed = 0
        }
        bytes += more
    }

    /// The next frame; nil when more bytes are needed. After an error the decoder is of no use.
    package mutating func next() throws(StreamFrameError) -> StreamFrame? {
        guard bytes.count - consumed >= StreamFrame.headerBytes else { return nil }
        let header = bytes[consumed..<consumed + StreamFrame.headerBytes]
        guard let code = StreamFrame.Code(rawValue: header[consumed]) else {
            throw .unknownType(header[consumed])
        }
        let length = header.dropFirst().reduce(0) { $0 << 8 | Int($1) }
        guard length <= payloadMax else {
            throw .payloadTooLong(bytes: length, bytesMax: payloadMax)
        }
        let start = header.endIndex
        guard bytes.count - start >= length else { return nil }
        let frame = try StreamFrame(code: code, payload: bytes[start..<start + length])
        consumed = start + length
        return frame
    }
}
