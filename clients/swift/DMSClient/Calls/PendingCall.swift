import NIOCore

/// A call that has no answer yet; lives on the client's event loop.
final class PendingCall {
    typealias Outcome = Result<ByteBuffer, DMSClientError>

    /// Where a call is.
    enum Place {
        /// It waits for a connection.
        case waiting
        /// It was given to a connection.
        case inFlight(ServerConnection, streamID: UInt32)
        /// Its caller knows how it ended.
        case done
    }

    let request: CallRequest
    private let continuation: CheckedContinuation<Outcome, Never>

    var place = Place.waiting
    /// When the client gives the call up where it is; nil: never.
    var expiry: NIODeadline?
    /// Whether all of its bytes were given to the kernel.
    var isSent = false
    /// Whether it was sent a second time, which is once more than most.
    var isRepeated = false

    init(_ request: CallRequest, continuation: CheckedContinuation<Outcome, Never>) {
        self.request = request
        self.continuation = continuation
    }

    var isDone: Bool {
        guard case .done = place else { return false }
        return true
    }

    /// Whether a server may do, or have done, something that the caller will not hear of if it gives up now.
    var mayChangeUnseen: Bool {
        guard request.retryPolicy == .unsentOnly, case .inFlight = place else { return false }
        return true
    }

    /// Tells the caller how the call ended; to be called once.
    func finish(_ outcome: Outcome) {
        precondition(!isDone, "A call was finished twice")
        place = .done
        continuation.resume(returning: outcome)
    }
}
