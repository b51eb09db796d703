import DMSModel
import HTTPTypes
import Hummingbird
import NIOCore

/// A body that is larger than what the door takes.
struct BodyTooLarge: Error {
    var bytesMax: Int
}

/// The connection broke, or what came was no HTTP, before the body was whole.
struct BrokenBody: Error {
    var cause: any Error
}

extension RESTResponder {
    /// The whole body; one whose announced length is too large is refused before a byte of it is read.
    func body(of request: Request) async throws -> ByteBuffer {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > bodyBytesMax {
            throw BodyTooLarge(bytesMax: bodyBytesMax)
        }
        do {
            return try await request.body.collect(upTo: bodyBytesMax)
        } catch is NIOTooManyBytesError {
            throw BodyTooLarge(bytesMax: bodyBytesMax)
        } catch {
            throw BrokenBody(cause: error)
        }
    }
}

extension Answer {
    /// 413; what is left of the body is not waited for, so the connection ends with it.
    init(_ error: BodyTooLarge) {
        self.init(
            SchedulerError(.limitBody, "A body may have at most \(error.bytesMax) bytes"), part: "body")
        headers[.connection] = "close"
    }
}
