import Foundation
import HTTPServer
import Logging
import RedisLink
import Scheduler
import ServerTLS

/// Every setting, checked and typed.
struct Settings: Sendable {
    /// How log lines look.
    enum LogFormat: String {
        case text
        case json
    }

    /// A socket's path has this many bytes at most (`sun_path`, less its end mark).
    static let socketPathBytesMax = 107

    var httpHost: String
    var httpPort: Int
    /// The hosts that requests of the REST door may be for.
    var httpHosts: KnownHosts
    var rpcHost: String
    var rpcPort: Int
    var rpcSocket: String?
    /// Nil: both doors are plain.
    var tls: TLSFiles?
    /// Nil: the private redis-server.
    var writer: RedisURL?
    var reader: RedisURL?
    var minReplicas: Int
    /// How long these may take.
    var replicaWait: Duration
    /// What is done while Redis may evict tasks.
    var evictionResponse: EvictionResponse
    var keyPrefix: String
    var dataDirectory: String
    var operatorTokens: TokenSettings
    var submitterTokens: TokenSettings
    var eventLoops: Int
    var logLevel: Logger.Level
    var logFormat: LogFormat
    var limits: LimitSettings
    /// Variables that are set, and that other programs of the project read, but not this one.
    var namesOfOthers: [String]

    /// Checks every value; throws for the first that can't be used.
    init(_ source: SettingsSource) throws(SettingsError) {
        for setting in Setting.allCases {
            guard let value = source[setting], let problem = Settings.problem(of: value) else { continue }
            throw SettingsError(setting, setting.isSecret ? "the value \(problem)" : "'\(value)' \(problem)")
        }
        namesOfOthers = source.namesOfOthers
        httpHost = try Settings.text(source, .httpHost)
        httpPort = try Settings.number(source, .httpPort, 0...65_535)
        httpHosts = try Settings.hosts(source, httpHost)
        rpcHost = try Settings.text(source, .rpcHost)
        rpcPort = try Settings.number(source, .rpcPort, 0...65_535)
        rpcSocket = source[.rpcSocket]
        if let rpcSocket, rpcSocket.utf8.count > Settings.socketPathBytesMax {
            throw SettingsError(.rpcSocket, "a socket's path has at most \(Settings.socketPathBytesMax) bytes")
        }
        tls = try Settings.tlsFiles(source)
        writer = try Settings.url(source, .writerURL)
        reader = try Settings.url(source, .readerURL)
        minReplicas = try Settings.number(source, .minReplicas, 0...100)
        replicaWait = .milliseconds(try Settings.number(source, .replicaWait, 1...60_000))
        evictionResponse = try Settings.choice(
            .eviction, try Settings.text(source, .eviction), EvictionResponse.init(rawValue:),
            EvictionResponse.allCases.map(\.rawValue))
        keyPrefix = try Settings.text(source, .keyPrefix)
        if let other = SchedulerConfiguration.keyPrefix(inConflictWith: keyPrefix) {
            throw SettingsError(
                .keyPrefix,
                "keys under '\(keyPrefix)' could be taken for tasks or answers of a scheduler whose prefix is '\(other)'; "
                    + "no part behind the first colon may be 'task' or 'answer'")
        }
        dataDirectory = try Settings.text(source, .dataDirectory)
        operatorTokens = try TokenSettings(source, .operatorToken, .operatorTokenPrevious, .operatorTokenFile)
        submitterTokens = try TokenSettings(source, .submitterToken, .submitterTokenPrevious, .submitterTokenFile)
        eventLoops =
            source[.eventLoops] == nil
            ? min(4, ProcessInfo.processInfo.activeProcessorCount)
            : try Settings.number(source, .eventLoops, 1...64)
        let level = try Settings.text(source, .logLevel).lowercased()
        logLevel = try Settings.choice(
            .logLevel, level, Logger.Level.init(rawValue:), Logger.Level.allCases.map(\.rawValue))
        let format = try Settings.text(source, .logFormat).lowercased()
        logFormat = try Settings.choice(.logFormat, format, LogFormat.init(rawValue:), ["text", "json"])
        limits = try LimitSettings(source)
        if reader != nil, writer == nil {
            throw SettingsError(.readerURL, "needs REDIS_WRITER_URL beside it")
        }
        try checkServers()
    }

    /// What the URLs ask of each other and of the other settings.
    private func checkServers() throws(SettingsError) {
        if writer?.role == .replica {
            throw SettingsError(.writerURL, "a replica takes no writes: no role=replica here")
        }
        if let reader, let writer, reader.database != writer.database {
            throw SettingsError(
                .readerURL,
                "database \(reader.database), and REDIS_WRITER_URL names database \(writer.database): tasks would never be "
                    + "read")
        }
        if minReplicas > 0, writer == nil {
            throw SettingsError(.minReplicas, "the private redis-server has no replicas; needs REDIS_WRITER_URL")
        }
        if writer?.isCluster == true || reader?.isCluster == true, ClusterSlot.hashTag(of: keyPrefix) == nil {
            throw SettingsError(
                .keyPrefix,
                "'\(keyPrefix)' has no hash tag; in a Redis Cluster it needs one, such as {dms}, so that all keys are in "
                    + "one slot")
        }
    }

    private static func text(_ source: SettingsSource, _ setting: Setting) throws(SettingsError) -> String {
        guard let value = source[setting] else { throw SettingsError(setting, "a value is needed") }
        guard !value.utf8.contains(UInt8(ascii: " ")) || setting == .dataDirectory else {
            throw SettingsError(setting, "'\(value)' holds white space")
        }
        return value
    }

    /// What is wrong with a value whatever it is for; nil: nothing.
    static func problem(of value: String) -> String? {
        if value.unicodeScalars.contains("\r") { return "holds a carriage return, as lines of a file with CRLF do" }
        if value.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            return "holds a control character"
        }
        // What Swift reads where a variable or a word of the command line is other bytes.
        return value.unicodeScalars.contains("\u{FFFD}") ? "is not UTF-8" : nil
    }

    /// What is configured, the name to listen at, and the machine's own: nobody else can have a page under these.
    private static func hosts(_ source: SettingsSource, _ listening: String) throws(SettingsError) -> KnownHosts {
        var hosts = KnownHosts()
        for name in (source[.httpHosts] ?? "").split(separator: ",") {
            do {
                try hosts.add(name.trimmingCharacters(in: .whitespaces))
            } catch {
                throw SettingsError(.httpHosts, "\(error)")
            }
        }
        let machine = MachineName.current
        for name in [listening, machine, String(machine.prefix { $0 != "." })] {
            // An address that is written otherwise than in a request is known anyway.
            try? hosts.add(name)
        }
        return hosts
    }

    static func number(
        _ source: SettingsSource, _ setting: Setting, _ range: ClosedRange<Int>
    ) throws(SettingsError) -> Int {
        let value = try text(source, setting)
        guard let number = Int(value), range.contains(number) else {
            throw SettingsError(
                setting, "'\(value)' is not a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    private static func choice<Value>(
        _ setting: Setting, _ value: String, _ make: (String) -> Value?, _ choices: [String]
    ) throws(SettingsError) -> Value {
        guard let made = make(value) else {
            throw SettingsError(setting, "'\(value)' is none of \(choices.joined(separator: ", "))")
        }
        return made
    }

    private static func url(_ source: SettingsSource, _ setting: Setting) throws(SettingsError) -> RedisURL? {
        guard let value = source[setting] else { return nil }
        do {
            let url = try RedisURL(value)
            try url.tls?.checkFiles()
            return url
        } catch {
            throw SettingsError(setting, "\(error)")
        }
    }

    private static func tlsFiles(_ source: SettingsSource) throws(SettingsError) -> TLSFiles? {
        switch (source[.tlsCertificateFile], source[.tlsKeyFile]) {
        case (let certificate?, let key?):
            return TLSFiles(certificate: certificate, key: key, clientCA: source[.tlsClientCAFile])
        case (.some, nil): throw SettingsError(.tlsCertificateFile, "needs DMS_TLS_KEY_FILE beside it")
        case (nil, .some): throw SettingsError(.tlsKeyFile, "needs DMS_TLS_CERT_FILE beside it")
        case (nil, nil):
            guard source[.tlsClientCAFile] == nil else {
                throw SettingsError(.tlsClientCAFile, "needs DMS_TLS_CERT_FILE and DMS_TLS_KEY_FILE beside it")
            }
            return nil
        }
    }
}
