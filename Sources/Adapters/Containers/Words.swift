import AsyncHTTPClient
import Glibc
import Model
import NIOCore
import NIOPosix

/// An error of the network in few words: the libraries say it in a paragraph.
func words(_ error: any Error) -> String {
    switch error {
    case let error as NIOConnectionError:
        return error.connectionErrors.first.map { words($0.error) } ?? "no address to connect to"
    case let error as IOError:
        return systemError(error.errnoCode)
    case let error as HTTPClientError where error == .deadlineExceeded:
        return "no answer in time"
    case let error as HTTPClientError:
        return error.shortDescription
    case is ChannelError:
        return "the connection was closed or not made in time"
    default:
        return "\(error)"
    }
}

/// A duration as people write it.
func brief(_ duration: Duration) -> String {
    Interval(max(.zero, duration)).description
}
