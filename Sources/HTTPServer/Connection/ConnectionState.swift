import NIOCore

/// What one HTTP/1 connection owes its client: which requests are unanswered, and when and how it ends.
///
/// Holds no channel and does no I/O: ``ConnectionHandler`` tells it what happened and performs what it returns.
struct ConnectionState {
    /// A request that was read at least in part and whose answer is not written yet.
    private struct Exchange {
        var keepsAlive: Bool
        /// HTTP/1.0, where keeping the connection must be said aloud.
        var isOldVersion: Bool
        var isHead: Bool
        /// The client waits for `100 Continue` before it sends the body.
        var awaitsContinue: Bool
        var isRead = false
    }

    /// What becomes of the request that is arriving.
    private enum Arrival {
        case none
        case passedOn
        /// Not passed on, but answered in its turn: the rest is discarded.
        case withheld
        /// Answered before it was read: the rest is discarded.
        case answered
        /// Came after the last request that this connection serves.
        case refused
    }

    /// Of a request that nobody reads any more this much is discarded, then the connection is cut.
    let discardedBytesMax: Int
    private var exchanges = CircularBuffer<Exchange>()
    private var arrival = Arrival.none
    private var discardedBytes = 0
    private var acceptsRequests = true
    private var hasSeenHead = false
    private var isQuiescing = false
    private var closesAfterAnswer = false
    /// The last answer is out and the output closed; what still comes is discarded until the client closes too.
    private(set) var isLingering = false

    init(discardedBytesMax: Int) { self.discardedBytesMax = discardedBytesMax }

    /// Whether the answer that is due may carry a body.
    var answerMayHaveBody: Bool { exchanges.first.map { !$0.isHead } ?? true }

    /// What the client owes.
    var awaited: ConnectionClock.Awaited {
        if isLingering { return .nothing }
        switch arrival {
        case .answered, .refused: return .body
        case .passedOn where exchanges.count == 1: return exchanges.first?.isRead == false ? .body : .nothing
        case .passedOn, .withheld: return .nothing
        case .none: return exchanges.isEmpty ? (hasSeenHead ? .head : .firstHead) : .nothing
        }
    }

    /// Whether a request was passed on that has no answer yet.
    var isAnswerDue: Bool { !exchanges.isEmpty }

    /// Whether an answer may be written that nobody further in knows of: none but that of the request in front is due.
    var mayAnswerFromHere: Bool { !isLingering && exchanges.count <= 1 }

    enum HeadAction: Equatable {
        case pass
        /// Pass it on, and send `100 Continue`.
        case passAndContinue
        case discard
    }

    mutating func requestHead(
        keepsAlive: Bool, isOldVersion: Bool, isHead: Bool, awaitsContinue: Bool
    ) -> HeadAction {
        hasSeenHead = true
        guard acceptsRequests, !isLingering else {
            arrival = .refused
            return .discard
        }
        arrival = .passedOn
        discardedBytes = 0
        if !keepsAlive { acceptsRequests = false }
        let isNext = exchanges.isEmpty
        exchanges.append(
            Exchange(
                keepsAlive: keepsAlive, isOldVersion: isOldVersion, isHead: isHead,
                awaitsContinue: awaitsContinue && !isNext))
        return awaitsContinue && isNext ? .passAndContinue : .pass
    }

    /// The head of a request that is not passed on, and the last that is answered; false where it is not even that.
    mutating func refusedHead(isHead: Bool) -> Bool {
        hasSeenHead = true
        guard acceptsRequests, !isLingering else {
            arrival = .refused
            return false
        }
        arrival = .withheld
        discardedBytes = 0
        acceptsRequests = false
        exchanges.append(Exchange(keepsAlive: false, isOldVersion: false, isHead: isHead, awaitsContinue: false))
        return true
    }

    enum BodyAction: Equatable {
        case pass
        case discard
        /// The client goes on and on: cut the connection.
        case cut
    }

    mutating func requestBody(bytes: Int) -> BodyAction {
        if arrival == .passedOn, !isLingering { return .pass }
        discardedBytes += bytes
        return discardedBytes > discardedBytesMax ? .cut : .discard
    }

    /// Whether the end of the arriving request is passed on.
    mutating func requestEnd() -> Bool {
        defer { arrival = .none }
        guard !isLingering, arrival != .refused, arrival != .withheld else { return false }
        if arrival == .passedOn { exchanges[exchanges.index(before: exchanges.endIndex)].isRead = true }
        return true
    }

    /// The `Connection` header of an answer.
    enum AnswerHeadAction: Equatable {
        case leave
        case sayClose
        case sayKeepAlive
    }

    mutating func answerHead(saysClose: Bool) -> AnswerHeadAction {
        // Nothing is due: this answers bytes that were no request.
        guard let exchange = exchanges.first else { return close() }
        if saysClose || !exchange.keepsAlive { return close() }
        if isQuiescing, exchanges.count == 1 { return close() }
        return exchange.isOldVersion ? .sayKeepAlive : .leave
    }

    private mutating func close() -> AnswerHeadAction {
        acceptsRequests = false
        closesAfterAnswer = true
        return .sayClose
    }

    /// What follows the end of an answer.
    enum AnswerEndAction: Equatable {
        case none
        /// The next request waits for `100 Continue`.
        case sendContinue
        /// Close the output, discard what comes, close for good when the client does.
        case linger
    }

    mutating func answerEnd() -> AnswerEndAction {
        if let exchange = exchanges.popFirst(), !exchange.isRead, arrival == .passedOn { arrival = .answered }
        if closesAfterAnswer {
            isLingering = true
            return .linger
        }
        guard !exchanges.isEmpty, exchanges[exchanges.startIndex].awaitsContinue else { return .none }
        exchanges[exchanges.startIndex].awaitsContinue = false
        return .sendContinue
    }

    /// The server is stopping: requests that were read are answered, no further ones are taken.
    mutating func quiesce() {
        isQuiescing = true
        acceptsRequests = false
    }
}
