import Foundation
import Glibc
import NIOCore
import Subprocess
import SystemPackage

/// A server program that a measurement starts for itself, and that ends with it.
struct BenchServer: Sendable {
    private let pid: Int32

    /// Runs the program in the folder while the body runs; what it says goes to a file there.
    static func with<Value: Sendable>(
        _ executable: String, _ arguments: [String], folder: String, log: String,
        _ body: (BenchServer) async throws -> Value
    ) async throws -> Value {
        let log = try FileDescriptor.open(
            FilePath("\(folder)/\(log).log"), .writeOnly, options: [.create, .append], permissions: [.ownerReadWrite])
        return try await Subprocess.run(
            // The kernel ends it where this process is killed.
            .name("setpriv"), arguments: Arguments(["--pdeathsig", "KILL", executable] + arguments),
            environment: .inherit.updating(["DMS_OPERATOR_TOKEN": RPCLoad.operatorToken]),
            workingDirectory: FilePath(folder), input: .none,
            output: .fileDescriptor(log, closeAfterSpawningProcess: false),
            error: .fileDescriptor(log, closeAfterSpawningProcess: true)
        ) { execution in
            let value = try await body(BenchServer(pid: execution.processIdentifier.value))
            await execution.teardown(using: [.gracefulShutDown(allowedDurationToNextStep: .seconds(5))])
            return value
        }.closureResult
    }

    /// The time on a processor so far, of all its threads, in seconds.
    func processorTime() throws -> Double {
        let folder = "/proc/\(pid)/task"
        let threads = try FileManager.default.contentsOfDirectory(atPath: folder)
        let nanoseconds = threads.compactMap { thread in
            // A thread may end meanwhile.
            (try? String(contentsOfFile: "\(folder)/\(thread)/schedstat", encoding: .utf8))
                .flatMap { $0.split(separator: " ").first }.flatMap { Double($0) }
        }
        return nanoseconds.reduce(0, +) / 1e9
    }

    /// The process's resident memory.
    func residentBytes() throws -> Int {
        let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
        guard let match = status.firstMatch(of: #/VmRSS:\s+(\d+) kB/#), let size = Int(match.1) else {
            throw BenchFailure("the process \(pid) does not say how much memory it has")
        }
        return size * 1024
    }

    /// How many descriptors the process has open.
    func openDescriptors() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    /// How many threads the process has.
    func threads() throws -> Int {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task").count
    }

    func signal(_ number: Int32) { _ = Glibc.kill(pid, number) }

    /// A port of 127.0.0.1 that nobody has now.
    static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { throw BenchFailure("there is no socket to be had") }
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let done = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe bind(descriptor, pointer, size) == 0 && getsockname(descriptor, pointer, &size) == 0
            }
        }
        guard done else { throw BenchFailure("there is no port to be had") }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
