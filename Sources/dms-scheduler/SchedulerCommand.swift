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
    @Option(name: .customLong("redis-writer-url"), help: help(.writerURL)) var writerURL: String?
    @Option(name: .customLong("redis-reader-url"), help: help(.readerURL)) var readerURL: String?
    @Option(name: .customLong("redis-min-replicas"), help: help(.minReplicas)) var minReplicas: String?
    @Option(name: .customLong("redis-wait-ms"), help: help(.replicaWait)) var replicaWait: String?
    @Option(help: help(.keyPrefix)) var keyPrefix: String?
    @Option(name: .customLong("data-dir"), help: help(.dataDirectory)) var dataDirectory: String?
    @Option(help: help(.operatorToken)) var operatorToken: String?
    @Option(help: help(.operatorTokenFile)) var operatorTokenFile: String?
    @Option(help: help(.submitterToken)) var submitterToken: String?
    @Option(help: help(.submitterTokenFile)) var submitterTokenFile: String?
    @Option(help: help(.eventLoops)) var eventLoops: String?
    @Option(help: help(.logLevel)) var logLevel: String?
    @Option(help: help(.logFormat)) var logFormat: String?

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
        FileHandle.standardError.write(Data("dms-scheduler: \(message)\n".utf8))
        throw ExitCode(code)
    }

    private var flags: [Setting: String] {
        let values: [Setting: String?] = [
            .httpHost: httpHost, .httpPort: httpPort, .rpcHost: rpcHost, .rpcPort: rpcPort, .rpcSocket: rpcSocket,
            .writerURL: writerURL, .readerURL: readerURL, .minReplicas: minReplicas, .replicaWait: replicaWait,
            .keyPrefix: keyPrefix, .dataDirectory: dataDirectory,
            .operatorToken: operatorToken, .operatorTokenFile: operatorTokenFile, .submitterToken: submitterToken,
            .submitterTokenFile: submitterTokenFile, .eventLoops: eventLoops, .logLevel: logLevel,
            .logFormat: logFormat,
        ]
        return values.compactMapValues(\.self)
    }

    private static func help(_ setting: Setting) -> ArgumentHelp {
        let standard = setting.defaultValue.map { ", default \($0)" } ?? ""
        return ArgumentHelp("\(setting.help) (\(setting.variable)\(standard))", valueName: "value")
    }
}
