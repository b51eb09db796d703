/// Why a command has no answer that could be used.
public enum RedisError: Error, Sendable, Equatable {
    /// Nothing was sent.
    case unavailable(String)
    /// It was handed to the socket, and then the connection fell or its time was over: it may have been done.
    case outcomeUnknown(String)
    /// Redis answered with an error; the code is its first word, such as `READONLY` or `ERR`.
    case reply(code: String, message: String)
    /// The answer has not the shape that was expected.
    case unexpectedReply(String)
}

extension RedisError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unavailable(let sentence), .outcomeUnknown(let sentence), .unexpectedReply(let sentence): sentence
        case .reply(let code, let message): "\(code) \(message)"
        }
    }
}
