import DMSModel
import DMSWire
public import Logging
public import NIOCore
public import NIOPosix
import Synchronization

/// A client of the scheduler's binary protocol.
///
/// It connects with the first call, keeps one connection for all calls, which may be in flight at once and are answered in any
/// order, and connects anew when the connection is lost. Calls that only read are then repeated, and calls that a server does once
/// however often it is asked; others only where none of their bytes left. May be used from any task or thread.
public final class DMSClient: Sendable {
    /// Where the scheduler is: servers of one scheduler, of which one is used as long as it works, and then the next.
    public let addresses: [ServerAddress]

    /// How many connection events wait for one who reads them.
    private static let connectionEventsMax = 64
    /// How long it may take to give a task back that nobody waits for.
    private static let giveBackTime = Duration.seconds(5)

    let options: ClientOptions
    /// What submitters' calls give as their own name where they give none.
    public let submitterID: String

    private let metadata: [MetadataEntry]
    let eventLoop: any EventLoop
    private let link: NIOLoopBoundBox<ServerLink>
    private let keeper: NIOLoopBoundBox<LeaseKeeper>
    private let lastCallID = Atomic<UInt64>(0)
    private let isClosed = Atomic<Bool>(false)

    /// A client of one server that has no connection yet; it does not fail for want of one until it is called.
    public convenience init(
        address: ServerAddress, options: ClientOptions = ClientOptions(),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "dms-client", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        self.init(addresses: [address], options: options, eventLoopGroup: eventLoopGroup, logger: logger)
    }

    /// A client of several servers that stand before one Redis; there must be at least one.
    ///
    /// Those named first are tried first, at the beginning; a server that is lost or drains gives way to the one after it.
    public init(
        addresses: [ServerAddress], options: ClientOptions = ClientOptions(),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "dms-client", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        self.addresses = addresses
        self.options = options
        submitterID = options.submitterID ?? SubmitterName.random()
        metadata = options.metadata
        let eventLoop = eventLoopGroup.next()
        self.eventLoop = eventLoop
        let link = ServerLink(addresses: addresses, options: options, eventLoop: eventLoop, logger: logger)
        self.link = NIOLoopBoundBox.makeBoxSendingValue(link, eventLoop: eventLoop)
        keeper = NIOLoopBoundBox.makeBoxSendingValue(LeaseKeeper(eventLoop: eventLoop), eventLoop: eventLoop)
    }

    deinit {
        guard !isClosed.load(ordering: .relaxed) else { return }
        eventLoop.execute { [link] in _ = link.value.close() }
    }

    /// Whether calls carry an operator token; whether the server takes it is another question.
    public var hasOperatorToken: Bool { options.operatorToken != nil }

    /// Submit tasks, look at them, cancel them.
    public var tasks: TaskCalls { TaskCalls(client: self) }
    /// Fetch tasks.
    public var submitter: SubmitterCalls { SubmitterCalls(client: self) }
    /// Steer the scheduler; needs ``ClientOptions/operatorToken``.
    public var admin: AdminCalls { AdminCalls(client: self) }
    /// Ask whether the scheduler serves.
    public var health: HealthCalls { HealthCalls(client: self) }

    /// Fails the calls that are under way, and those to come, and closes the connection.
    ///
    /// Returns when the connection is closed; may be repeated while the event loop group runs.
    public func close() async {
        isClosed.store(true, ordering: .relaxed)
        await withCheckedContinuation { continuation in
            eventLoop.execute { [link] in
                link.value.close().assumeIsolated().whenComplete { _ in continuation.resume() }
            }
        }
    }

    /// What becomes of the client's connection from now on; ends when the client is closed.
    ///
    /// Who does not keep up with it gets the newest. A call that fails tells its caller, too: this is for a log.
    public func connectionEvents() -> AsyncStream<ConnectionEvent> {
        let (events, continuation) = AsyncStream.makeStream(
            of: ConnectionEvent.self, bufferingPolicy: .bufferingNewest(DMSClient.connectionEventsMax))
        eventLoop.execute { [link] in link.value.addObserver(continuation) }
        return events
    }

    /// Calls a method, and waits for its answer, the deadline, or the cancellation of the task.
    ///
    /// - Parameters:
    ///   - extraTime: How much more time than by default the call is given where its options do not say.
    ///   - cancellation: What the cancellation of the task does to the call.
    ///   - whenLate: What is done with an answer that comes when nobody waits for it any more.
    func call<Request, Response>(
        _ method: RPCMethod<Request, Response>, _ message: Request, retry: RetryPolicy, options: CallOptions,
        extraTime: Duration = .zero, cancellation: Cancellation = .endsCall,
        whenLate: (@Sendable (ByteBuffer) -> Void)? = nil
    ) async throws(DMSClientError) -> Response {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        var request = makeRequest(
            method, message, retry: retry, options: options, extraTime: extraTime, cancellation: cancellation)
        request.whenLate = whenLate
        let outcome = cancellation == .isIgnored ? await perform(request) : await performUnlessCanceled(request)
        return try DMSClient.read(try outcome.get(), as: method, retry: retry)
    }

    /// What the cancellation of a task does to a call that it makes.
    enum Cancellation {
        /// The call ends at once; the server is told.
        case endsCall
        /// The server is told, and what it says is waited for: it may be an answer after all.
        case asksServer
        /// Nothing: the call is what a task does that has been canceled.
        case isIgnored
    }

    /// The request of a call, from its method, its message and its options.
    func makeRequest<Request, Response>(
        _ method: RPCMethod<Request, Response>, _ message: Request, retry: RetryPolicy, options: CallOptions,
        extraTime: Duration = .zero, cancellation: Cancellation = .endsCall
    ) -> CallRequest {
        let deadline = options.deadline ?? self.options.deadline.map { $0 + extraTime }
        return CallRequest(
            id: lastCallID.add(1, ordering: .relaxed).newValue, service: method.service, method: method.name,
            payload: message.encoded(), metadata: metadata + options.metadata,
            deadline: deadline.map { .now() + TimeAmount(clamping: $0) }, retryPolicy: retry,
            awaitsLastWord: cancellation == .asksServer)
    }

    static func read<Request, Response>(
        _ answer: ByteBuffer, as method: RPCMethod<Request, Response>, retry: RetryPolicy
    ) throws(DMSClientError) -> Response {
        do throws(WireError) {
            return try Response.decode(answer)
        } catch {
            throw .protocolViolation(
                "its answer to \(method.name) is none (\(error.schedulerError.message))",
                outcomeUnknown: retry.changes)
        }
    }

    private func perform(_ request: CallRequest, unlessCanceled: Bool = false) async -> PendingCall.Outcome {
        await withCheckedContinuation { continuation in
            eventLoop.execute { [link] in
                link.value.start(PendingCall(request) { continuation.resume(returning: $0) })
            }
            // Canceled a moment ago, the task has told the event loop so before the call was there to be found.
            if unlessCanceled, Task.isCancelled { cancel(request.id) }
        }
    }

    private func performUnlessCanceled(_ request: CallRequest) async -> PendingCall.Outcome {
        await withTaskCancellationHandler {
            if Task.isCancelled { return .failure(.cancelled(outcomeUnknown: false)) }
            return await perform(request, unlessCanceled: true)
        } onCancel: {
            cancel(request.id)
        }
    }

    /// Makes a call that nobody waits for; its answer is told on the event loop.
    func start(_ request: CallRequest, completion: @escaping @Sendable (PendingCall.Outcome) -> Void = { _ in }) {
        eventLoop.execute { [link] in link.value.start(PendingCall(request, completion: completion)) }
    }

    /// Gives tasks back that nobody has begun, without waiting for that.
    func giveBack(_ leases: [LeaseReference], reason: String) {
        // The last one first: a scheduler of an earlier version puts each at the head of its queue.
        for lease in leases.reversed() where !lease.token.isEmpty {
            start(
                makeRequest(
                    Methods.Submitter.return, TaskReturn(lease: lease, reason: reason), retry: .replaySafe,
                    options: CallOptions(deadline: DMSClient.giveBackTime)))
        }
    }

    /// Renews leases until their holds end.
    func keep(_ holds: [Hold]) {
        guard !holds.isEmpty else { return }
        eventLoop.execute { [self, keeper] in keeper.value.add(holds, client: self) }
    }

    private func cancel(_ id: UInt64) { eventLoop.execute { [link] in link.value.cancel(id) } }
}
