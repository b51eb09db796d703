public import DMSClient

/// How a program ends; numbers from 64 are those of `sysexits.h`.
public enum CommandStatus: Int32, Sendable {
    case success = 0
    /// The server refused the call, or is not healthy.
    case refused = 1
    /// There was no task to fetch.
    case noTask = 3
    /// The command line, the environment or a file it names is wrong.
    case usage = 64
    /// The server cannot be reached.
    case unreachable = 69
    /// The call was done, but what came of it could not be printed.
    case outputLost = 74
    /// No answer came: whether the call was done is not known.
    case noAnswer = 75
    /// What answers is no scheduler, or does not keep to the protocol.
    case protocolViolation = 76

    /// How a program ends whose call failed.
    public init(_ error: DMSClientError) {
        self =
            switch error {
            case .rpc, .requestTooLarge: .refused
            case .unreachable, .connectionLost, .closed: .unreachable
            case .outcomeUnknown, .deadlineExceeded, .cancelled: .noAnswer
            case .noScheduler, .protocolViolation: .protocolViolation
            }
    }

    /// What the numbers mean, for a program's help.
    public static let help = """
        Exit status: 0 done; 1 the server refused, and says why on standard error; 64 the command line is wrong; 69 the \
        scheduler cannot be reached; 74 it was done, but standard output could not be written; 75 no answer came in time, \
        or the connection was lost: whether the call was done is not known; 76 what answered is no scheduler.
        """
}

/// Something that the user has to put right before the program can do its work.
public struct UsageError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A sentence for people.
    public var description: String

    /// An error with that sentence.
    public init(_ description: String) { self.description = description }
}
