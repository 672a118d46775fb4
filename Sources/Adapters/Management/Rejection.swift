import Hummingbird
import Model
import NIOCore

/// A refusal that the HTTP side itself makes, with the status that fits it better than the one its
/// code stands for.
struct Rejection: Error {
    let status: HTTPResponse.Status
    let refusal: Refusal

    init(_ status: HTTPResponse.Status, _ code: Refusal.Code, _ message: String) {
        self.status = status
        refusal = Refusal(code, message)
    }

    static func malformed(_ message: String) -> Rejection {
        Rejection(.badRequest, .invalid, message)
    }
}

extension Refusal.Code {
    var status: HTTPResponse.Status {
        switch self {
        case .invalid: .unprocessableContent
        case .notFound: .notFound
        case .denied: .forbidden
        case .conflict: .conflict
        case .unavailable: .serviceUnavailable
        case .unauthenticated: .unauthorized
        case .throttled: .tooManyRequests
        }
    }
}

/// What a client may be told about `error`; nil for what only ends the connection.
func refusalResponse(for error: any Error, limits: Limits) throws -> Response? {
    switch error {
    case let refusal as Refusal:
        var response = try Response.json(refusal, status: refusal.code.status)
        if refusal.code == .unauthenticated {
            response.headers[.wwwAuthenticate] = "Bearer realm=\"skerry\""
        }
        return response
    case let haste as Haste:
        var response = try Response.json(haste.refusal, status: haste.refusal.code.status)
        response.headers[.retryAfter] = String(haste.seconds)
        return response
    case let rejection as Rejection:
        return try .json(rejection.refusal, status: rejection.status)
    case is NIOTooManyBytesError:
        let refusal = Refusal(
            .invalid,
            "the body of the request is larger than \(limits.bodyBytesMax) bytes: send it in parts")
        return try .json(refusal, status: .contentTooLarge)
    default:
        return nil
    }
}
