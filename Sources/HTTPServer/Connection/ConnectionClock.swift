import NIOCore

/// How long the client of an HTTP/1 connection may take to send what is awaited of it: the rules of time, without I/O.
struct ConnectionClock {
    /// What the server waits for.
    enum Awaited: Equatable {
        /// The first request's head.
        case firstHead
        /// A further request's head.
        case head
        /// The rest of a request's body.
        case body
        /// Nothing: it is the server's turn.
        case nothing
    }

    private let configuration: RESTServer.Configuration
    private let firstTime: Duration
    private(set) var awaited = Awaited.nothing
    /// When it is too late; nil where nothing is awaited.
    private(set) var deadline: NIODeadline?

    /// `isRefused` says that the connection is kept only to be told that it is refused.
    init(_ configuration: RESTServer.Configuration, isRefused: Bool) {
        self.configuration = configuration
        firstTime = isRefused ? configuration.tellingTime : configuration.firstRequestTime
    }

    /// From now on that is awaited; what was awaited already keeps its deadline.
    mutating func expect(_ awaited: Awaited, at now: NIODeadline) {
        guard awaited != self.awaited else { return }
        self.awaited = awaited
        deadline = time(for: awaited).map { now + TimeAmount($0) }
    }

    /// What was awaited came, at least in part: if the same is awaited again, that is a new wait.
    mutating func restart() { awaited = .nothing }

    /// A client that is busy reading what it asked for before is not late: it is given the time once more.
    mutating func postpone(at now: NIODeadline) { deadline = time(for: awaited).map { now + TimeAmount($0) } }

    private func time(for awaited: Awaited) -> Duration? {
        switch awaited {
        case .firstHead: firstTime
        case .head: configuration.idleTime
        case .body: configuration.requestTime
        case .nothing: nil
        }
    }
}
