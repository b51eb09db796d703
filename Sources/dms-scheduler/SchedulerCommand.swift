import ArgumentParser
import Foundation

/// The command line of the program: a flag for each setting.
@main
struct SchedulerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dms-scheduler",
        abstract: "Keeps the tasks of a data moving service in strict priority queues on Redis.",
        discussion: """
            Front ends submit over REST, submitters fetch and admins steer over the binary protocol.
            Every flag is also read from the environment and from a .env file in the working directory: \
            flags come first, then the environment, then the file. A wrong value, a line that cannot be read and an \
            unknown name that begins with DMS_ or REDIS_ end the program with exit code 78.
            """)

    /// EX_SOFTWARE of sysexits.h.
    private static let unexpectedExitCode: Int32 = 70

    @Option(
        parsing: .unconditional,
        help: .init("File with settings, one NAME=value a line (default: .env, if it is there)."))
    var envFile: String?

    @Option(.httpHost) var httpHost: String?
    @Option(.httpPort) var httpPort: String?
    @Option(.httpHosts) var httpHosts: String?
    @Option(.rpcHost) var rpcHost: String?
    @Option(.rpcPort) var rpcPort: String?
    @Option(.rpcSocket) var rpcSocket: String?
    @Option(.tlsCertificateFile) var tlsCertificateFile: String?
    @Option(.tlsKeyFile) var tlsKeyFile: String?
    @Option(.tlsClientCAFile) var tlsClientCAFile: String?
    @Option(.writerURL) var writerURL: String?
    @Option(.readerURL) var readerURL: String?
    @Option(.minReplicas) var minReplicas: String?
    @Option(.replicaWait) var replicaWait: String?
    @Option(.eviction) var eviction: String?
    @Option(.keyPrefix) var keyPrefix: String?
    @Option(.dataDirectory) var dataDirectory: String?
    @Option(.operatorToken) var operatorToken: String?
    @Option(.operatorTokenPrevious) var operatorTokenPrevious: String?
    @Option(.operatorTokenFile) var operatorTokenFile: String?
    @Option(.submitterToken) var submitterToken: String?
    @Option(.submitterTokenPrevious) var submitterTokenPrevious: String?
    @Option(.submitterTokenFile) var submitterTokenFile: String?
    @Option(.eventLoops) var eventLoops: String?
    @Option(.logLevel) var logLevel: String?
    @Option(.logFormat) var logFormat: String?
    @Option(.maxQueued) var maxQueued: String?
    @Option(.httpConnectionsMax) var httpConnectionsMax: String?
    @Option(.rpcConnectionsMax) var rpcConnectionsMax: String?
    @Option(.connectionsPerAddressMax) var connectionsPerAddressMax: String?
    @Option(.requestsPerSecondMax) var requestsPerSecondMax: String?
    @Option(.firstRequestSeconds) var firstRequestSeconds: String?
    @Option(.requestSeconds) var requestSeconds: String?
    @Option(.unreadSeconds) var unreadSeconds: String?
    @Option(.httpIdleSeconds) var httpIdleSeconds: String?
    @Option(.rpcIdleSeconds) var rpcIdleSeconds: String?

    mutating func run() async throws {
        do {
            let source = try SettingsSource(
                flags: flags, environment: ProcessInfo.processInfo.environment, file: envFile ?? ".env",
                isFileRequired: envFile != nil)
            let settings = try Settings(source)
            try await SchedulerProgram(settings: settings).run()
        } catch let error as SettingsError {
            try exit(SettingsError.exitCode, "\(error)")
        } catch let error as StartError {
            try exit(StartError.exitCode, "\(error)")
        } catch {
            try exit(SchedulerCommand.unexpectedExitCode, "Unexpected error: \(error)")
        }
    }

    private func exit(_ code: Int32, _ message: String) throws {
        LineLogHandler.writeToStandardError("dms-scheduler: \(PrintableText.line(message))\n")
        throw ExitCode(code)
    }

    private var flags: [Setting: String] {
        let values: [Setting: String?] = [
            .httpHost: httpHost, .httpPort: httpPort, .httpHosts: httpHosts, .rpcHost: rpcHost, .rpcPort: rpcPort,
            .rpcSocket: rpcSocket,
            .tlsCertificateFile: tlsCertificateFile, .tlsKeyFile: tlsKeyFile, .tlsClientCAFile: tlsClientCAFile,
            .writerURL: writerURL, .readerURL: readerURL, .minReplicas: minReplicas, .replicaWait: replicaWait,
            .eviction: eviction, .keyPrefix: keyPrefix, .dataDirectory: dataDirectory,
            .operatorToken: operatorToken, .operatorTokenPrevious: operatorTokenPrevious,
            .submitterTokenPrevious: submitterTokenPrevious,
            .operatorTokenFile: operatorTokenFile, .submitterToken: submitterToken,
            .submitterTokenFile: submitterTokenFile, .eventLoops: eventLoops, .logLevel: logLevel,
            .logFormat: logFormat, .maxQueued: maxQueued, .httpConnectionsMax: httpConnectionsMax,
            .rpcConnectionsMax: rpcConnectionsMax, .connectionsPerAddressMax: connectionsPerAddressMax,
            .requestsPerSecondMax: requestsPerSecondMax, .firstRequestSeconds: firstRequestSeconds,
            .requestSeconds: requestSeconds, .unreadSeconds: unreadSeconds, .httpIdleSeconds: httpIdleSeconds,
            .rpcIdleSeconds: rpcIdleSeconds,
        ]
        return values.compactMapValues(\.self)
    }

    fileprivate static func help(_ setting: Setting) -> ArgumentHelp {
        let standard = setting.defaultValue.map { ", default \($0)" } ?? ""
        return ArgumentHelp("\(setting.help) (\(setting.variable)\(standard))", valueName: "value")
    }
}

extension Option where Value == String? {
    /// A setting's flag.
    ///
    /// It takes the next word whatever that is, also one that begins with a dash: the setting judges its values.
    fileprivate init(_ setting: Setting) {
        self.init(name: .customLong(setting.flag), parsing: .unconditional, help: SchedulerCommand.help(setting))
    }
}
