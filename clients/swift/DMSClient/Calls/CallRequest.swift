import DMSWire
import NIOCore

/// Whether a call may be sent a second time when its connection was lost.
enum RetryPolicy: Sendable {
    /// Only where its bytes never left: the call changes something, and twice is not once.
    case unsentOnly
    /// Also where the server may have done it: the same call again changes nothing more, and is answered as the first was.
    case replaySafe
    /// Also where the server may have done it: the call only reads.
    case always

    /// Whether the call changes something.
    var changes: Bool { self != .always }
}

/// What a call asks for, made by its caller and handed over to the client's event loop.
struct CallRequest: Sendable {
    /// Tells the calls of a client apart.
    let id: UInt64
    let service: String
    let method: String
    /// The packed request message.
    let payload: ByteBuffer
    let metadata: [MetadataEntry]
    /// When the call's time is up, as its caller wants it; nil: never.
    let deadline: NIODeadline?
    let retryPolicy: RetryPolicy
    /// Whether a caller that gives up waits for what the server says to it, because its answer may carry what must not be lost.
    let awaitsLastWord: Bool
    /// What is done with an answer that comes when nobody waits for it any more; nil: nothing.
    var whenLate: (@Sendable (ByteBuffer) -> Void)?

    /// The envelope as it is sent now; nil where the call's time is up.
    func envelope(now: NIODeadline) -> RequestEnvelope? {
        var envelope = RequestEnvelope(service: service, method: method, payload: payload, metadata: metadata)
        guard let deadline else { return envelope }
        guard now < deadline else { return nil }
        envelope.timeoutNanoseconds = (deadline - now).nanoseconds
        return envelope
    }
}
