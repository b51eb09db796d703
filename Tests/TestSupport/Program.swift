import Foundation
import Glibc
import NIOCore
import Synchronization

/// One of our programs, as it was built, in a process of its own.
public final class Program: Sendable {
    private struct Running: Sendable {
        var process: Process
    }

    private let running: Mutex<Running>
    private let outputPath: String
    private let errorPath: String

    /// Where the programs are: they lie beside the tests.
    public static var folder: String {
        URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path
    }

    /// What is handed on of this process's environment: where programs are found, and how a sanitizer reports.
    private static let inherited = ["PATH", "TSAN_OPTIONS", "ASAN_OPTIONS", "LSAN_OPTIONS", "SWIFT_BACKTRACE"]

    /// Starts it in the folder, with nothing of this process's environment but that; a name with a slash is a path.
    ///
    /// `descriptorsMax` is how many files it may have open; nil: as many as this process may.
    public init(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], folder: String,
        descriptorsMax: Int? = nil
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: name.contains("/") ? name : "\(Program.folder)/\(name)")
        process.arguments = arguments
        if let descriptorsMax, let program = process.executableURL {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/prlimit")
            process.arguments = ["--nofile=\(descriptorsMax):\(descriptorsMax)", program.path] + arguments
        }
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let ours = ProcessInfo.processInfo.environment
        var handedOn = ["PATH": "/usr/bin:/bin"]
        for name in Program.inherited { handedOn[name] = ours[name] ?? handedOn[name] }
        process.environment = environment.merging(handedOn) { given, _ in given }
        let mark = UUID().uuidString
        let base = URL(fileURLWithPath: name).lastPathComponent
        outputPath = "\(folder)/\(base)-\(mark).out"
        errorPath = "\(folder)/\(base)-\(mark).err"
        for path in [outputPath, errorPath] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle(forWritingAtPath: outputPath)
        process.standardError = FileHandle(forWritingAtPath: errorPath)
        try process.run()
        running = Mutex(Running(process: process))
    }

    /// A test that failed leaves nothing running.
    deinit { signal(SIGKILL) }

    /// What it has written to its standard output.
    public var output: String { (try? String(contentsOfFile: outputPath, encoding: .utf8)) ?? "" }

    /// What it has written to its standard error.
    public var errors: String { (try? String(contentsOfFile: errorPath, encoding: .utf8)) ?? "" }

    /// Its process's number.
    public var processIdentifier: Int32 { running.withLock(\.process.processIdentifier) }

    /// Whether it has not ended.
    public var isRunning: Bool { running.withLock { $0.process.isRunning } }

    /// Sends it a signal, unless it has ended.
    public func signal(_ number: Int32) {
        running.withLock { running in
            guard running.process.isRunning else { return }
            _ = Glibc.kill(running.process.processIdentifier, number)
        }
    }

    /// Its exit code, when it has ended; a signal's number counts from 128, as in a shell.
    public func exitCode(within limit: Duration = .seconds(40)) async throws -> Int32 {
        try await eventually(within: limit) { self.running.withLock { !$0.process.isRunning } }
        return running.withLock { running in
            running.process.terminationStatus
                + (running.process.terminationReason == .uncaughtSignal ? 128 : 0)
        }
    }

    /// Runs a program to its end.
    public static func run(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], folder: String,
        within limit: Duration = .seconds(40)
    ) async throws -> (code: Int32, output: String, errors: String) {
        let program = try Program(name, arguments, environment: environment, folder: folder)
        let code = try await program.exitCode(within: limit)
        return (code, program.output, program.errors)
    }
}

/// A folder of one test, gone when the test is.
public func withFolder<Value>(_ body: (String) async throws -> Value) async throws -> Value {
    let folder = "/tmp/dms-program-\(UUID().uuidString.prefix(8))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

extension Program {
    /// Runs a line of shell; its exit code.
    public static func shell(_ line: String, folder: String) async throws -> Int32 {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", line]
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus
    }
}
