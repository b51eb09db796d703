import DMSModel
import DMSWire
import Logging
import NIOCore
import NIOPosix
import ServerTLS
import ServiceLifecycle
import Synchronization
import TestSupport

@testable import RPCServer

/// A server that listens on a loopback port of its own, for one test.
struct TestServer {
    let server: RPCServer
    let addresses: [SocketAddress]
    private let services: ServiceGroup

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    var address: SocketAddress {
        get throws {
            guard let address = addresses.first else { throw TestFailure("the server does not listen") }
            return address
        }
    }

    /// Shuts the server down gracefully; it runs on until what is in flight is answered.
    func shutDown() async { await services.triggerGracefulShutdown() }

    func client() async throws -> RawClient { try await RawClient(address) }

    /// Runs the body beside a server, and returns when the server has ended too.
    static func run<Value>(
        _ make: (MultiThreadedEventLoopGroup) -> RPCServer, threads: Int = 1,
        _ body: (TestServer) async throws -> Value
    ) async throws -> Value {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
        do {
            let value = try await run(make(group), body)
            try await group.shutdownGracefully()
            return value
        } catch {
            try? await group.shutdownGracefully()
            throw error
        }
    }

    /// Runs the body beside a server on a group of the caller's, and returns when the server has ended too.
    static func run<Value>(
        _ server: RPCServer, _ body: (TestServer) async throws -> Value
    ) async throws -> Value {
        let services = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: [.init(service: server, successTerminationBehavior: .gracefullyShutdownGroup)],
                logger: logger))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await services.run() }
            var addresses: [SocketAddress] = []
            for await address in server.boundAddresses { addresses.append(address) }
            if addresses.isEmpty { try await tasks.waitForAll() }
            let value: Value
            do {
                value = try await body(TestServer(server: server, addresses: addresses, services: services))
            } catch {
                tasks.cancelAll()
                throw error
            }
            await services.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return value
        }
    }
}

/// Methods whose answers a test decides: the door's own rules need no scheduler behind it.
///
/// `Resume` answers at once with the reason it was given. `GetBlock` and `Get` wait until the test answers them.
final class TestMethods: Sendable {
    private let waiting = Mutex<[EventLoopPromise<BlockState>]>([])
    private let calls = Mutex(0)
    private let gets = Mutex<[EventLoopPromise<TaskSummary>]>([])

    /// How many calls of any method have arrived.
    var callCount: Int { calls.withLock { $0 } }
    /// How many calls of `Get` wait for the test.
    var waitingGets: Int { gets.withLock { $0.count } }

    /// Refuses the `Get` that has waited longest.
    func refuseGet() {
        gets.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.fail(SchedulerError(.taskNotFound, "There is none"))
    }

    /// How many calls wait for the test.
    var waitingCount: Int { waiting.withLock { $0.count } }

    /// Answers the calls that wait, in any order.
    func answer(
        _ state: BlockState = TestMethods.state(""),
        in order: ([EventLoopPromise<BlockState>]) -> [EventLoopPromise<BlockState>] = { $0 }
    ) {
        let promises = waiting.withLock { waiting in
            let promises = waiting
            waiting = []
            return promises
        }
        for promise in order(promises) { promise.succeed(state) }
    }

    /// Refuses the call that has waited longest.
    func refuseFirst(_ error: SchedulerError) {
        waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.fail(error)
    }

    /// Answers the call that has waited longest.
    func answerFirst() {
        waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.succeed(TestMethods.state(""))
    }

    static func state(_ reason: String) -> BlockState { BlockState(blocked: false, reason: reason, updatedAt: nil) }

    func router(on eventLoop: any EventLoop) -> MethodRouter {
        let router = MethodRouter()
        router.register(Methods.Admin.resume) { request, context in
            self.calls.withLock { $0 += 1 }
            return eventLoop.makeSucceededFuture(TestMethods.state(request.reason ?? ""))
        }
        router.register(Methods.Admin.getBlock) { _, _ in
            self.calls.withLock { $0 += 1 }
            let promise = eventLoop.makePromise(of: BlockState.self)
            self.waiting.withLock { $0.append(promise) }
            return promise.futureResult
        }
        router.register(Methods.Tasks.get, .answersAtLength) { _, _ in
            let promise = eventLoop.makePromise(of: TaskSummary.self)
            self.gets.withLock { $0.append(promise) }
            return promise.futureResult
        }
        router.register(Methods.Health.check, .answersWhileDraining) { _, context in
            eventLoop.makeSucceededFuture(HealthCheckResponse(status: context.isDraining ? .notServing : .serving))
        }
        router.register(Methods.Admin.setPriority) { _, _ in
            eventLoop.makeFailedFuture(SchedulerError(.taskNotQueued, "Only a queued task can change its priority"))
        }
        return router
    }

    /// Runs the body beside a server of these methods.
    static func serve<Value>(
        drain: Duration = .seconds(20), socketPath: String? = nil, connectionsMax: Int = 10_000,
        limits: ConnectionLimits = .patient, tls: ServerTLS? = nil, logger: Logger = TestServer.logger,
        configure: (inout RPCServerConfiguration) -> Void = { _ in },
        _ body: (TestServer, TestMethods) async throws -> Value
    ) async throws -> Value {
        let methods = TestMethods()
        var configuration = RPCServerConfiguration(
            port: 0, socketPath: socketPath, tls: tls, drain: drain, connectionsMax: connectionsMax, limits: limits)
        configure(&configuration)
        return try await TestServer.run { [configuration] group in
            RPCServer(configuration, group: group, logger: logger) { methods.router(on: $0) }
        } _: { server in
            do {
                let value = try await body(server, methods)
                methods.answer()
                return value
            } catch {
                methods.answer()
                throw error
            }
        }
    }
}

/// Whether a client's connection still answers.
func expectAlive(_ client: RawClient, on streamID: UInt32) async throws {
    let state = try await client.call(Methods.Admin.resume, ResumeRequest(reason: "alive"), on: streamID)
    guard state.reason == "alive" else { throw TestFailure("another answer: \(state)") }
}

extension ConnectionLimits {
    /// The limits of tests that are not about time: a busy machine may take long to send a first frame.
    static var patient: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.firstRequestTime = .seconds(120)
        limits.tellingTime = .seconds(120)
        return limits
    }
}
