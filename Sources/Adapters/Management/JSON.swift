import Hummingbird
import Model
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The one way in which values become text here: keys sorted, so that equal values have equal text.
func encodedJSON(_ value: some Encodable) throws -> ByteBuffer {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return ByteBuffer(bytes: try encoder.encode(value))
}

/// Reads a request body. What is no JSON at all is malformed; JSON with a wrong value in it is
/// invalid and names the place.
func decodedJSON<Value: Decodable>(_ type: Value.Type, from body: ByteBuffer) throws -> Value {
    do {
        return try JSONDecoder().decode(type, from: Data(body.readableBytesView))
    } catch DecodingError.dataCorrupted(let context) where context.codingPath.isEmpty {
        throw Rejection.malformed("the body is not JSON: \(context.debugDescription)")
    } catch let error as DecodingError {
        throw refusal(for: error)
    }
}

/// RFC 3986 section 2.1. A percent sign without two digits behind it stands for itself.
func percentDecoded(_ text: Substring) -> String {
    guard text.contains("%") else { return String(text) }
    var bytes: [UInt8] = []
    var rest = Array(text.utf8)[...]
    while let byte = rest.popFirst() {
        let digits = String(decoding: rest.prefix(2), as: UTF8.self)
        if byte == UInt8(ascii: "%"), digits.utf8.count == 2, digits.allSatisfy(\.isHexDigit),
            let decoded = UInt8(digits, radix: 16)
        {
            bytes.append(decoded)
            rest = rest.dropFirst(2)
        } else {
            bytes.append(byte)
        }
    }
    return String(decoding: bytes, as: UTF8.self)
}

/// `Sun, 22 Nov 2026 21:42:39 GMT`. Every answer of a server with a clock is dated (RFC 9110
/// section 6.6.1).
func httpDate(_ time: WallTime) -> String {
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    let text = time.description
    let date = text.prefix(10).split(separator: "-")
    let weekday = weekdays[Int(time.milliseconds / 86_400_000 % 7)]
    let month = Int(date[1]).map { months[$0 - 1] } ?? ""
    return "\(weekday), \(date[2]) \(month) \(date[0]) \(text.dropFirst(11).prefix(8)) GMT"
}

func wallTimeNow() -> WallTime {
    WallTime(milliseconds: Int64(Date.now.timeIntervalSince1970 * 1000))
}

/// Base64 with the alphabet of RFC 4648 section 5, with or without padding.
func base64URLDecoded(_ text: String) -> [UInt8]? {
    var standard = text.replacing("-", with: "+").replacing("_", with: "/")
    standard += String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
    return Data(base64Encoded: standard).map { Array($0) }
}

/// The same the other way, without padding.
func base64URL(_ text: String) -> String {
    Data(text.utf8).base64EncodedString()
        .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
}

extension Response {
    static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok
    ) throws -> Response {
        Response(
            status: status, headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: body(of: try encodedJSON(value)))
    }

    private static func body(of json: ByteBuffer) -> ResponseBody {
        let pieces = json.pieces
        guard pieces.count > 1 else { return ResponseBody(byteBuffer: json) }
        return ResponseBody(contentLength: json.readableBytes) { writer in
            for piece in pieces { try await writer.write(piece) }
            try await writer.finish(nil)
        }
    }

    static func text(_ text: String, type: String = "text/plain; charset=utf-8") -> Response {
        Response(
            status: .ok, headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}

private func refusal(for error: DecodingError) -> Refusal {
    let (path, message, fix) = explanation(of: error)
    let object = path.lazy.compactMap(\.intValue).first ?? 0
    // The first two steps, `objects` and the index, are what `object` says.
    let inObject = path.first?.stringValue == "objects" && path.count >= 2
    let field = fieldPath(inObject ? path.dropFirst(2) : path[...])
    return Refusal(
        .invalid, "the request has a value that cannot be read at '\(field)': \(message)",
        mistakes: [Mistake(object: object, field: field, message: message, fix: fix)])
}

private func explanation(
    of error: DecodingError
) -> (path: [any CodingKey], message: String, fix: String) {
    switch error {
    case .keyNotFound(let key, let context):
        (context.codingPath + [key], "this field is missing", "add '\(key.stringValue)'")
    case .valueNotFound(_, let context):
        (context.codingPath, "this field is null", "give it a value, or leave it out")
    case .typeMismatch(_, let context):
        (context.codingPath, context.debugDescription, "write a value of the right type")
    case .dataCorrupted(let context):
        (context.codingPath, context.debugDescription, "write a value that the field allows")
    @unknown default:
        ([], "\(error)", "compare the request with the OpenAPI document")
    }
}

/// `spec.containers[0].image`
private func fieldPath(_ path: ArraySlice<any CodingKey>) -> String {
    path.reduce(into: "") { text, key in
        if let index = key.intValue {
            text += "[\(index)]"
        } else {
            text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
        }
    }
}
