import DMSModel
import Foundation
import Glibc
import NIOCore
import NIOPosix
import TestSupport
import Testing

/// What the programs do where something else than a scheduler answers.
@Suite struct StrangerTests {
    private static let commands: [[String]] = [
        ["dms-submitter", "next"], ["dms-submitter", "next", "--wait", "5s", "--lease", "30s"],
        ["dms-submitter", "ack", "t", "token"], ["dms-submitter", "renew", "t", "token"],
        ["dms-submitter", "return", "t", "token"], ["dms-submitter", "finish", "t"],
        ["dms-admin", "submit", "--service", "s", "--user", "u"], ["dms-admin", "priority", "t", "high"],
        ["dms-admin", "cancel", "t"], ["dms-admin", "block"], ["dms-admin", "resume"], ["dms-admin", "task", "t"],
        ["dms-admin", "list"], ["dms-admin", "stats"], ["dms-admin", "health"],
    ]

    private func run(
        _ words: [String], at addresses: String, folder: String
    ) async throws -> (code: Int32, output: String, errors: String) {
        try await Program.run(
            words[0], Array(words.dropFirst()),
            environment: ["DMS_SERVER": addresses, "DMS_OPERATOR_TOKEN": SchedulerProcess.token], folder: folder)
    }

    /// Makes a path stand for another socket.
    private func point(_ path: String, to socket: String) throws {
        try? FileManager.default.removeItem(atPath: path)
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: socket)
    }

    /// A server that is none of ours, on a unix socket.
    private static func other(at path: String) async throws -> any Channel {
        try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Banner()) }
        }.bind(unixDomainSocketPath: path).get()
    }

    @Test func `every command says that it is at the port of something else`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let address = "127.0.0.1:\(scheduler.httpPort)"
            for words in StrangerTests.commands {
                let result = try await run(words, at: address, folder: folder)
                #expect(result.code == 76, "\(words): \(result.errors)")
                #expect(
                    result.errors == "\(words[0]): What answers at \(address) is no scheduler: it looks like HTTP, "
                        + "which the REST port speaks; the RPC port is 8001 unless set\n",
                    "\(words): \(result.errors)")
                #expect(!result.errors.contains("not known"), "\(words): \(result.errors)")
            }
            _ = try await scheduler.terminate()
        }
    }

    @Test func `a server that speaks first is no scheduler, either`() async throws {
        try await withFolder { folder in
            let address = "unix://\(folder)/other.sock"
            let other = try await StrangerTests.other(at: "\(folder)/other.sock")
            let result = try await run(["dms-submitter", "next"], at: address, folder: folder)
            #expect(result.code == 76)
            #expect(result.errors.contains("What answers at \(address) is no scheduler"), "\(result.errors)")
            try await other.close()
        }
    }

    @Test func `a wrong address among right ones ends nothing`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let (wrong, right) = ("127.0.0.1:\(scheduler.httpPort)", "127.0.0.1:\(scheduler.rpcPort)")
            for (id, addresses) in [("task-1", "\(wrong),\(right)"), ("task-2", "\(right),\(wrong)")] {
                let submitted = try await run(
                    ["dms-admin", "submit", "--id", id, "--service", "s", "--user", "u"], at: addresses, folder: folder)
                #expect(submitted.code == 0, "\(submitted.errors)")
                let fetched = try await run(["dms-submitter", "next"], at: addresses, folder: folder)
                #expect(fetched.code == 0, "\(fetched.errors)")
                #expect(fetched.output.contains(id))
                let worker = try Program(
                    "dms-submitter", ["run", "--", "true"], environment: ["DMS_SERVER": addresses], folder: folder)
                _ = try await scheduler.http(
                    "POST", "/tasks", #"{"task_id":"\#(id)-2","service":"s","user_id":"u","parameters":{}}"#)
                try await eventually { worker.errors.contains("\(id)-2: completed") || !worker.isRunning }
                worker.signal(SIGTERM)
                let code = try await worker.exitCode()
                #expect(code == 0, "\(worker.errors)")
            }
            _ = try await scheduler.terminate()
        }
    }

    @Test func `where nothing answers at another address, a scheduler may come there`() async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(folder: folder)
            let (wrong, away) = ("127.0.0.1:\(scheduler.httpPort)", "unix://\(folder)/rpc.sock")
            for addresses in ["\(wrong),\(away)", "\(away),\(wrong)"] {
                let result = try await run(["dms-submitter", "next"], at: addresses, folder: folder)
                #expect(result.code == 69, "\(result.errors)")
                #expect(result.errors.contains("what answers there is no scheduler: "), "\(result.errors)")
                #expect(result.errors.contains("no such file or directory"), "\(result.errors)")
            }
            let worker = try Program(
                "dms-submitter", ["run", "--", "true"], environment: ["DMS_SERVER": "\(wrong),\(away)"],
                folder: folder)
            try await eventually { worker.errors.contains("it is waited for") }
            try point("\(folder)/rpc.sock", to: "\(folder)/second.sock")
            try FileManager.default.createDirectory(atPath: "\(folder)/2", withIntermediateDirectories: false)
            let second = try await SchedulerProcess.start(
                ["--rpc-socket", "\(folder)/second.sock"], folder: "\(folder)/2")
            try await eventually { worker.errors.contains("rpc.sock is reached") }
            worker.signal(SIGTERM)
            let code = try await worker.exitCode()
            #expect(code == 0, "\(worker.errors)")
            _ = try await second.terminate()
            _ = try await scheduler.terminate()
        }
    }

    @Test func `a worker that has reached a scheduler waits while something else is in its place`() async throws {
        try await withFolder { folder in
            let place = "\(folder)/rpc.sock"
            let arguments = ["--rpc-socket", "\(folder)/own.sock"]
            let other = try await StrangerTests.other(at: "\(folder)/other.sock")
            var scheduler = try await SchedulerProcess.start(arguments, folder: folder)
            func submit(_ id: String) async throws {
                _ = try await scheduler.http(
                    "POST", "/tasks", #"{"task_id":"\#(id)","service":"s","user_id":"u","parameters":{}}"#)
            }
            try point(place, to: "\(folder)/own.sock")
            let worker = try Program(
                "dms-submitter", ["run", "--", "true"], environment: ["DMS_SERVER": "unix://\(place)"],
                folder: folder)
            try await submit("a")
            try await eventually { worker.errors.contains("a: completed") }
            try point(place, to: "\(folder)/other.sock")
            _ = try await scheduler.terminate()
            let trouble = "What answers at unix://\(place) is no scheduler: "
            try await eventually { worker.errors.contains(trouble) || !worker.isRunning }
            scheduler = try await SchedulerProcess.start(arguments, folder: folder)
            try point(place, to: "\(folder)/own.sock")
            try await submit("b")
            try await eventually { worker.errors.contains("b: completed") || !worker.isRunning }
            worker.signal(SIGTERM)
            let code = try await worker.exitCode()
            #expect(code == 0, "\(worker.errors)")
            #expect(worker.errors.contains(trouble))
            _ = try await scheduler.terminate()
            try await other.close()
        }
    }
}

/// What a server of another protocol says first.
private final class Banner: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(ByteBuffer(string: "SSH-2.0-OpenSSH_9.2\r\n")), promise: nil)
    }
}
