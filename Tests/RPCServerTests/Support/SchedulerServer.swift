import DMSModel
import DMSWire
import Logging
import NIOCore
import NIOPosix
import RPCServer
import RedisLink
import Scheduler
import TestSupport

/// The binary door in front of a scheduler on a redis-server of its own.
struct SchedulerServer {
    static let operatorToken = "correct horse"
    static let submitterToken = "battery staple"
    static let asOperator = [MetadataEntry(key: "x-dms-operator-token", value: operatorToken)]
    static let asSubmitter = [MetadataEntry(key: "x-dms-submitter-token", value: submitterToken)]

    let redis: TestRedis
    let server: TestServer
    let pool: SchedulerPool

    static func with(
        redis arguments: [String] = [], threads: Int = 1, limits: ConnectionLimits = .patient,
        configure: (inout SchedulerConfiguration) -> Void = { _ in },
        _ body: (SchedulerServer) async throws -> Void
    ) async throws {
        try await TestRedis.with(arguments: arguments) { redis in
            var configuration = SchedulerConfiguration(
                writer: redis.url, redis: RedisOptions(commandTimeout: .seconds(3)),
                tokens: Tokens(operators: [operatorToken]))
            configure(&configuration)
            let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
            let pool = SchedulerPool(configuration: configuration, group: group, logger: TestServer.logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await pool.run() }
                try await pool.ready(within: .seconds(10))
                do {
                    let server = RPCServer(
                        RPCServerConfiguration(port: 0, limits: limits), scheduler: pool, group: group,
                        logger: TestServer.logger)
                    try await TestServer.run(server) {
                        try await body(SchedulerServer(redis: redis, server: $0, pool: pool))
                    }
                    pool.shutdown()
                } catch {
                    pool.shutdown()
                    throw error
                }
                try await tasks.waitForAll()
            }
            try await group.shutdownGracefully()
        }
    }

    /// A connection that calls one method after the other.
    func caller() async throws -> Caller { Caller(try await server.client()) }

    /// Calls on one connection, each on a stream of its own.
    final class Caller {
        let client: RawClient
        private var streamID: UInt32 = 1

        init(_ client: RawClient) { self.client = client }

        private func nextStream() -> UInt32 {
            defer { streamID += 2 }
            return streamID
        }

        func call<Request, Response>(
            _ method: RPCMethod<Request, Response>, _ request: Request,
            _ metadata: [MetadataEntry] = SchedulerServer.asOperator
        ) async throws -> Response {
            try await client.call(method, request, on: nextStream(), metadata: metadata)
        }

        /// The reason that the call is refused with; its code must be the reason's own.
        func refusal<Request, Response>(
            _ method: RPCMethod<Request, Response>, _ request: Request,
            _ metadata: [MetadataEntry] = SchedulerServer.asOperator
        ) async throws -> SchedulerError.Reason {
            let error = try await client.refusal(method, request, on: nextStream(), metadata: metadata)
            guard let reason = error.knownReason, reason.statusCode == error.statusCode else {
                throw TestFailure("no error of ours: \(error)")
            }
            return reason
        }

        /// The fields that the call is refused for.
        func badFields<Request, Response>(
            _ method: RPCMethod<Request, Response>, _ request: Request,
            _ metadata: [MetadataEntry] = SchedulerServer.asOperator
        ) async throws -> [String] {
            let error = try await client.refusal(method, request, on: nextStream(), metadata: metadata)
            guard error.statusCode == .invalidArgument, error.knownReason == .invalidField else {
                throw TestFailure("no refusal of fields: \(error)")
            }
            return error.violations.map(\.field)
        }

        @discardableResult
        func enqueue(
            _ id: String, _ priority: Priority = .low, parameters: String = "{}"
        ) async throws -> TaskRecord {
            try await call(Methods.Tasks.enqueue, SchedulerServer.submission(id, priority, parameters: parameters))
        }

        /// The ids of the next tasks.
        func next(_ count: UInt32) async throws -> [String] {
            try await call(Methods.Submitter.next, NextRequest(maxTasks: count)).tasks.map(\.taskID.text)
        }
    }

    static func submission(
        _ id: String, _ priority: Priority = .low, parameters: String = "{}"
    ) -> TaskSubmission {
        TaskSubmission(
            taskID: TaskID(id), service: "copy", userID: "ada", parameters: ByteBuffer(string: parameters),
            priority: priority)
    }
}
