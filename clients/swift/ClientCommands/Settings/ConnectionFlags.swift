public import ArgumentParser
import DMSClient
import DMSModel

/// The options that every command has: where the scheduler is, how long to wait, how to print.
public struct ConnectionFlags: ParsableArguments {
    private static let timeoutSecondsMax = 86_400.0

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            """
            Where the scheduler is: host:port, [IPv6]:port, the same behind tls://, or unix:///path; several with commas between them are tried in \
            turn. (default: $DMS_SERVER, else 127.0.0.1:8001)
            """,
            valueName: "addresses"),
        transform: { try ServerAddress.list($0) })
    var server: [ServerAddress]?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "A file with the roots that a tls:// server's certificate must lead to. (default: $DMS_CA_FILE, else the system's)",
            valueName: "path"))
    var caFile: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "A file with the certificate to show to a tls:// server. (default: $DMS_CERT_FILE)", valueName: "path"))
    var certFile: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("A file with that certificate's key. (default: $DMS_KEY_FILE)", valueName: "path"))
    var keyFile: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The name that a tls:// server's certificate must hold. (default: $DMS_SERVER_NAME, else the host)",
            valueName: "name"))
    var serverName: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("A file that holds the token; used instead of the environment's.", valueName: "path"))
    var tokenFile: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("How long to wait for an answer, in seconds. (default: 10)", valueName: "seconds"),
        transform: { try ConnectionFlags.timeout($0) })
    var timeout: Duration?

    @Flag(help: "Print one JSON object, with the names of the REST interface.")
    var json = false

    /// Options that take everything from the environment.
    public init() {}

    private static func timeout(_ text: String) throws -> Duration {
        guard let seconds = Double(text), seconds > 0, seconds <= timeoutSecondsMax else {
            throw ValidationError("a number of seconds above 0 and up to \(Int(timeoutSecondsMax)) is expected")
        }
        return .seconds(seconds)
    }
}

extension Priority: ExpressibleByArgument {}

extension TaskStatus: ExpressibleByArgument {}
