import HTTPServer
import Logging
import NIOCore
import NIOPosix
import RedisLink
import Scheduler
import ServiceLifecycle
import TestSupport
import Testing

/// A REST door that listens on a free port of loopback.
struct ServerHarness {
    let address: SocketAddress
    let scheduler: SchedulerPool
    fileprivate let services: ServiceGroup

    func stop() async { await services.triggerGracefulShutdown() }

    func connect() async throws -> HTTPConnection { try await HTTPConnection.open(address) }

    /// One request on a connection of its own.
    func call(
        _ method: String, _ target: String, headers: [(String, String)] = [], body: ByteBuffer? = nil
    ) async throws -> HTTPAnswer {
        let connection = try await connect()
        let answer = try await connection.call(method, target, headers: headers, body: body)
        try await connection.close()
        return answer
    }

    func get(_ target: String, token: String? = nil) async throws -> HTTPAnswer {
        try await call("GET", target, headers: token.map { [("X-DMS-Operator-Token", $0)] } ?? [])
    }

    /// One request with a JSON body, and the operator token where one is given.
    func post(_ target: String, _ body: String, token: String? = nil) async throws -> HTTPAnswer {
        try await call(
            "POST", target, headers: token.map { [("x-dms-operator-token", $0)] } ?? [], body: ByteBuffer(string: body))
    }

    /// Submits a task that is expected to be taken.
    func submit(_ id: String, parameters: String = "{}", priority: String? = nil) async throws {
        let answer = try await post(
            "/tasks", submission(id, parameters: parameters, priority: priority), token: "sesame")
        guard answer.status == 201 else { throw TestFailure("the task was not taken: \(answer)") }
    }

    /// The answer of a `Next`.
    func next() async throws -> HTTPAnswer { try await call("POST", "/submitter/next") }
}

/// The body of a submission by user `u` of service `s`.
func submission(_ id: String, parameters: String = "{}", priority: String? = nil) -> String {
    let end = priority.map { #","priority":"\#($0)"}"# } ?? "}"
    return #"{"task_id":"\#(id)","service":"s","user_id":"u","parameters":\#(parameters)\#(end)"#
}

/// A record's JSON as it is expected, with `T` for its times.
func record(
    _ id: String, parameters: String = "{}", priority: String = "low", status: String = "queued", later: String = ""
) -> String {
    #"{"task_id":"\#(id)","service":"s","user_id":"u","parameters":\#(parameters),"priority":"\#(priority)","#
        + #""status":"\#(status)","enqueued_at":"T","updated_at":"T"\#(later)}"#
}

extension HTTPAnswer {
    /// The body with `T` for every time of the contract's form.
    var timeless: String { text.replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/, with: "T") }
}

/// Starts a door whose scheduler has no Redis, hands it to the body, and stops it gracefully.
func withServer(
    _ configuration: RESTServer.Configuration = .patient, _ body: (ServerHarness) async throws -> Void
) async throws {
    try await serve(configuration, pool(.init(writer: nowhere)), body)
}

/// Starts a door, its scheduler and a Redis of their own; the operator token is `sesame` unless another is given.
func withScheduler(
    _ configuration: RESTServer.Configuration = .patient, operatorToken: String? = "sesame",
    submitterToken: String? = nil, queuedMax: Int = 0, _ body: (ServerHarness, TestRedis) async throws -> Void
) async throws {
    try await TestRedis.with { redis in
        let scheduler = pool(
            .init(
                writer: redis.url,
                tokens: Tokens(
                    operators: [operatorToken].compactMap(\.self), submitters: [submitterToken].compactMap(\.self)),
                queuedMax: queuedMax))
        try await withThrowingTaskGroup { group in
            group.addTask { try await scheduler.run() }
            try await scheduler.ready(within: .seconds(20))
            try await serve(configuration, scheduler) { try await body($0, redis) }
            scheduler.shutdown()
            try await group.waitForAll()
        }
    }
}

/// Expects that a door with this configuration does not come up, and that its address is not waited for in vain.
func expectNotListening(_ configuration: RESTServer.Configuration) async throws {
    let server = server(configuration, pool(.init(writer: nowhere)))
    try await withThrowingTaskGroup { group in
        group.addTask { await #expect(throws: IOError.self) { _ = try await server.address } }
        await #expect(throws: IOError.self) { try await server.run() }
        try await group.waitForAll()
    }
}

private let nowhere = RedisURL(address: .unix(path: "/nonexistent/redis.sock"))
private let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

private func pool(_ configuration: SchedulerConfiguration) -> SchedulerPool {
    SchedulerPool(configuration: configuration, group: .singleton, logger: logger)
}

private func server(_ configuration: RESTServer.Configuration, _ scheduler: SchedulerPool) -> RESTServer {
    RESTServer(
        configuration: configuration, scheduler: scheduler, metrics: [scheduler],
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
        logger: logger)
}

private func serve(
    _ configuration: RESTServer.Configuration, _ scheduler: SchedulerPool,
    _ body: (ServerHarness) async throws -> Void
) async throws {
    var configuration = configuration
    configuration.port = 0
    let server = server(configuration, scheduler)
    let services = ServiceGroup(configuration: .init(services: [server], logger: logger))
    try await withThrowingTaskGroup { group in
        group.addTask { try await services.run() }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(
                try await body(
                    ServerHarness(address: try await server.address, scheduler: scheduler, services: services))
            )
        } catch {
            outcome = .failure(error)
        }
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
        try outcome.get()
    }
}

extension RESTServer.Configuration {
    /// The limits of tests that are not about time: a busy machine may take long to send a request.
    static var patient: RESTServer.Configuration {
        var configuration = RESTServer.Configuration()
        configuration.firstRequestTime = .seconds(120)
        configuration.tellingTime = .seconds(120)
        // What tests write in requests of their own.
        try? configuration.hosts.add("x")
        return configuration
    }
}
