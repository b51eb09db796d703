import DMSModel
import DMSWire
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

    /// How often a call that reached no server is sent again, whatever it changes.
    private static let unsentRepetitionsMax = 4

    let request: CallRequest
    private let completion: (Outcome) -> Void

    var place = Place.waiting
    /// When the client gives the call up where it is; nil: never.
    var expiry: NIODeadline?
    /// When the client gives it up for want of a connection.
    var connectExpiry: NIODeadline?
    /// Whether all of its bytes were given to the kernel, on the connection that it was given to last.
    var isSent = false
    /// Whether a server may have got it on a connection that is lost.
    private(set) var mayHaveArrived = false
    /// Whether its caller has given it up, and only waits for what the server says to that.
    var isGivenUp = false
    private var repetitions = 0

    init(_ request: CallRequest, completion: @escaping (Outcome) -> Void) {
        self.request = request
        self.completion = completion
    }

    var isDone: Bool {
        guard case .done = place else { return false }
        return true
    }

    /// Whether a server may do, or have done, something that the caller will not hear of if it gives up now.
    var mayChangeUnseen: Bool {
        if case .inFlight = place { return request.retryPolicy.changes }
        return mayHaveChangedBefore
    }

    /// Whether a server may have done something on an earlier connection, whatever comes of the call on this one.
    var mayHaveChangedBefore: Bool { mayHaveArrived && request.retryPolicy.changes }

    /// Notes that the call is to be sent once more; false where it must not be, or was often enough.
    ///
    /// - Parameters:
    ///   - servers: How many servers there are to send it to.
    ///   - didNothing: Whether it is known that no server has done anything for it this time.
    func repeatOnce(servers: Int, didNothing: Bool) -> Bool {
        if !didNothing { mayHaveArrived = true }
        guard !isGivenUp, didNothing || request.retryPolicy != .unsentOnly else { return false }
        let repetitionsMax = didNothing ? max(servers, PendingCall.unsentRepetitionsMax) : servers
        guard repetitions < repetitionsMax else { return false }
        repetitions += 1
        return true
    }

    /// What is known of the call where this is why nothing was done this time.
    func error(havingDoneNothing error: DMSClientError) -> DMSClientError {
        if isGivenUp { return .cancelled(outcomeUnknown: mayHaveChangedBefore) }
        return mayHaveChangedBefore ? .outcomeUnknown(cause: "an answer was lost; then: \(error)") : error
    }

    /// Tells the caller how the call ended; to be called once.
    func finish(_ outcome: Outcome) {
        precondition(!isDone, "A call was finished twice")
        place = .done
        completion(outcome)
    }
}

extension PendingCall.Outcome {
    /// Whether the server did nothing because it cannot do its work now, which another one may.
    var isOfNoUse: Bool {
        guard case .failure(.rpc(let error)) = self else { return false }
        return error.knownReason == .draining || error.knownReason == .storeUnavailable
    }

    /// The server's word that it did nothing, whatever an earlier one may have done; nil where it says something else.
    var refusal: DMSClientError? {
        guard case .failure(let error) = self, let code = error.rpcError?.statusCode else { return nil }
        return code == .unavailable || code == .resourceExhausted ? error : nil
    }
}
