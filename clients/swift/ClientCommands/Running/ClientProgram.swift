/// The programs that stand on the client.
public enum ClientProgram: Sendable {
    case admin
    case submitter

    /// The program's name, as its users type it.
    public var name: String {
        switch self {
        case .admin: "dms-admin"
        case .submitter: "dms-submitter"
        }
    }

    /// The environment variable that holds the program's token.
    public var tokenVariable: String {
        switch self {
        case .admin: "DMS_OPERATOR_TOKEN"
        case .submitter: "DMS_SUBMITTER_TOKEN"
        }
    }

    /// The command whose words behind `--` are another program's; nil: there is none.
    var runner: String? {
        switch self {
        case .admin: nil
        case .submitter: "run"
        }
    }
}
