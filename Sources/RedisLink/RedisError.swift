/// Why a call to Redis has no answer, or not the expected one.
public enum RedisError: Error, Sendable, Equatable {
    /// Nothing was done: the command was never sent, or it only reads.
    case unavailable(String)
    /// The command was handed to the socket, then the connection fell or the time-out passed; it may have been done.
    case outcomeUnknown(String)
    /// Redis's own error answer; `code` is its first word: `ERR`, `WRONGTYPE`, `READONLY`, `LOADING`, `OOM`, `BUSY`, …
    case reply(code: String, message: String)
    /// The answer has not the shape that its decoder expects.
    case unexpectedReply(String)
}

extension RedisError: CustomStringConvertible {
    /// A sentence for logs, with what Redis or the system said.
    public var description: String {
        switch self {
        case .unavailable(let message): "Redis is unavailable: \(message)"
        case .outcomeUnknown(let message): "the outcome of a Redis command is unknown: \(message)"
        case .reply(let code, let message): "Redis answered \(code) \(message)"
        case .unexpectedReply(let message): "unexpected answer of Redis: \(message)"
        }
    }
}

extension RedisError {
    /// Splits the text of an error answer into its first word and the rest.
    init(errorText text: String) {
        guard let space = text.firstIndex(of: " ") else {
            self = .reply(code: text, message: "")
            return
        }
        self = .reply(code: String(text[..<space]), message: String(text[text.index(after: space)...]))
    }

    /// Whether the server cannot serve now, and another one, or the same after a new login, might: a proxy, the sentinels or
    /// the cluster may lead there.
    var asksForReconnection: Bool {
        guard case .reply(let code, _) = self else { return false }
        return ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "NOAUTH"].contains(code)
    }

    /// What Redis or the system said, without an introduction.
    var sentence: String {
        switch self {
        case .unavailable(let message), .outcomeUnknown(let message), .unexpectedReply(let message): message
        case .reply(let code, let message): "\(code) \(message)"
        }
    }
}
