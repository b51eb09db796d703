import DMSClient
import NIOCore

/// What a command's flags and the environment say together; flags go first, and an empty variable is one that is not set.
struct ClientSettings {
    static let serverVariable = "DMS_SERVER"
    private static let defaultServer = ServerAddress.tcp(host: "127.0.0.1", port: ServerAddress.defaultPort)
    private static let defaultTimeout = Duration.seconds(10)
    private static let tokenBytesMax = 4096

    let addresses: [ServerAddress]
    let options: ClientOptions

    init(_ flags: ConnectionFlags, program: ClientProgram, environment: [String: String]) throws(UsageError) {
        func variable(_ name: String) -> String? {
            guard let value = environment[name], !value.isEmpty else { return nil }
            return value
        }
        if let server = flags.server {
            addresses = server
        } else if let text = variable(ClientSettings.serverVariable) {
            do throws(ServerAddressError) {
                addresses = try ServerAddress.list(text)
            } catch {
                throw UsageError("\(ClientSettings.serverVariable): \(error)")
            }
        } else {
            addresses = [ClientSettings.defaultServer]
        }
        let timeout = flags.timeout ?? ClientSettings.defaultTimeout
        var options = ClientOptions(deadline: timeout, connectTimeout: timeout, retriesConnecting: false)
        let token: String?
        if let path = flags.tokenFile {
            token = try ClientSettings.token(at: path)
        } else if let value = variable(program.tokenVariable) {
            token = value
        } else {
            token = try variable(program.tokenVariable + "_FILE").map(ClientSettings.token)
        }
        switch program {
        case .admin: options.operatorToken = token
        case .submitter: options.submitterToken = token
        }
        options.tls = ClientTLS(
            caFile: flags.caFile ?? variable("DMS_CA_FILE"),
            certificateFile: flags.certFile ?? variable("DMS_CERT_FILE"),
            keyFile: flags.keyFile ?? variable("DMS_KEY_FILE"),
            serverName: flags.serverName ?? variable("DMS_SERVER_NAME"))
        try ClientSettings.check(options.tls, flags, addresses)
        self.options = options
    }

    /// Files that are wrong are told at once, and flags that would do nothing too.
    private static func check(
        _ tls: ClientTLS, _ flags: ConnectionFlags, _ addresses: [ServerAddress]
    ) throws(UsageError) {
        let isTLS = addresses.contains { address in
            if case .tls = address { true } else { false }
        }
        guard isTLS else {
            let given = [flags.caFile, flags.certFile, flags.keyFile, flags.serverName].contains { $0 != nil }
            if given { throw UsageError("--ca-file, --cert-file, --key-file and --server-name need a tls:// server") }
            return
        }
        do throws(ClientTLSError) {
            try tls.check()
        } catch {
            throw UsageError("TLS: \(error)")
        }
    }

    /// A file's first line that is not empty, white space and a byte order mark cut off: the newest token of several.
    private static func token(at path: String) throws(UsageError) -> String {
        let bytes = try InputFile.read(path, bytesMax: tokenBytesMax)
        let token = String(buffer: bytes).drop { $0.isWhitespace || $0 == "\u{FEFF}" }.prefix { !$0.isNewline }
        guard let end = token.lastIndex(where: { !$0.isWhitespace }) else {
            throw UsageError("The token file \(path) is empty")
        }
        return String(token[...end])
    }
}
