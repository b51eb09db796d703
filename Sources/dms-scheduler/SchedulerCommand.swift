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
            flags come first, then the environment, then the file. A wrong value ends the program with exit code 78.
            """)

    @Option(name: .long, help: .init("File with settings, one NAME=value a line (default: .env, if it is there)."))
    var envFile: String?

    @Option(help: help(.httpHost)) var httpHost: String?
    @Option(help: help(.httpPort)) var httpPort: String?
    @Option(help: help(.rpcHost)) var rpcHost: String?
    @Option(help: help(.rpcPort)) var rpcPort: String?
    @Option(help: help(.rpcSocket)) var rpcSocket: String?
    @Option(name: .customLong("tls-cert-file"), help: help(.tlsCertificateFile)) var tlsCertificateFile: String?
    @Option(help: help(.tlsKeyFile)) var tlsKeyFile: String?
    @Option(name: .customLong("tls-client-ca-file"), help: help(.tlsClientCAFile)) var tlsClientCAFile: String?
    @Option(name: .customLong("redis-writer-url"), help: help(.writerURL)) var writerURL: String?
    @Option(name: .customLong("redis-reader-url"), help: help(.readerURL)) var readerURL: String?
    @Option(name: .customLong("redis-min-replicas"), help: help(.minReplicas)) var minReplicas: String?
    @Option(name: .customLong("redis-wait-ms"), help: help(.replicaWait)) var replicaWait: String?
    @Option(help: help(.keyPrefix)) var keyPrefix: String?
    @Option(name: .customLong("data-dir"), help: help(.dataDirectory)) var dataDirectory: String?
    @Option(help: help(.operatorToken)) var operatorToken: String?
    @Option(help: help(.operatorTokenPrevious)) var operatorTokenPrevious: String?
    @Option(help: help(.operatorTokenFile)) var operatorTokenFile: String?
    @Option(help: help(.submitterToken)) var submitterToken: String?
    @Option(help: help(.submitterTokenPrevious)) var submitterTokenPrevious: String?
    @Option(help: help(.submitterTokenFile)) var submitterTokenFile: String?
    @Option(help: help(.eventLoops)) var eventLoops: String?
    @Option(help: help(.logLevel)) var logLevel: String?
    @Option(help: help(.logFormat)) var logFormat: String?
    @Option(help: help(.maxQueued)) var maxQueued: String?
    @Option(help: help(.httpConnectionsMax)) var httpConnectionsMax: String?
    @Option(help: help(.rpcConnectionsMax)) var rpcConnectionsMax: String?
    @Option(help: help(.connectionsPerAddressMax)) var connectionsPerAddressMax: String?
    @Option(help: help(.requestsPerSecondMax)) var requestsPerSecondMax: String?
    @Option(help: help(.firstRequestSeconds)) var firstRequestSeconds: String?
    @Option(help: help(.requestSeconds)) var requestSeconds: String?
    @Option(help: help(.unreadSeconds)) var unreadSeconds: String?
    @Option(help: help(.httpIdleSeconds)) var httpIdleSeconds: String?
    @Option(help: help(.rpcIdleSeconds)) var rpcIdleSeconds: String?

    mutating func run() async throws {
        do {
            let source = try await SettingsSource(
                flags: flags, environment: ProcessInfo.processInfo.environment, file: envFile ?? ".env",
                isFileRequired: envFile != nil)
            let settings = try Settings(source)
            try await SchedulerProgram(settings: settings).run()
        } catch let error as SettingsError {
            try exit(SettingsError.exitCode, "\(error)")
        } catch let error as StartError {
            try exit(StartError.exitCode, "\(error)")
        }
    }

    private func exit(_ code: Int32, _ message: String) throws {
        // Whoever would read it may be gone; the code says it as well.
        try? FileHandle.standardError.write(contentsOf: Data("dms-scheduler: \(message)\n".utf8))
        throw ExitCode(code)
    }

    private var flags: [Setting: String] {
        let values: [Setting: String?] = [
            .httpHost: httpHost, .httpPort: httpPort, .rpcHost: rpcHost, .rpcPort: rpcPort, .rpcSocket: rpcSocket,
            .tlsCertificateFile: tlsCertificateFile, .tlsKeyFile: tlsKeyFile, .tlsClientCAFile: tlsClientCAFile,
            .writerURL: writerURL, .readerURL: readerURL, .minReplicas: minReplicas, .replicaWait: replicaWait,
            .keyPrefix: keyPrefix, .dataDirectory: dataDirectory,
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

    private static func help(_ setting: Setting) -> ArgumentHelp {
        let standard = setting.defaultValue.map { ", default \($0)" } ?? ""
        return ArgumentHelp("\(setting.help) (\(setting.variable)\(standard))", valueName: "value")
    }
}
