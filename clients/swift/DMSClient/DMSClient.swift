import DMSModel
import DMSWire
public import Logging
public import NIOCore
public import NIOPosix
import Synchronization

/// A client of the scheduler's binary protocol.
///
/// It connects with the first call, keeps one connection for all calls, which may be in flight at once and are answered in any
/// order, and connects anew when the connection is lost. Calls that only read are then repeated once; calls that change something
/// only where none of their bytes left. May be used from any task or thread.
public final class DMSClient: Sendable {
    /// Where the scheduler is.
    public let address: ServerAddress

    private let options: ClientOptions
    private let metadata: [MetadataEntry]
    private let eventLoop: any EventLoop
    private let link: NIOLoopBoundBox<ServerLink>
    private let lastCallID = Atomic<UInt64>(0)
    private let isClosed = Atomic<Bool>(false)

    /// A client that has no connection yet; it does not fail for want of one until it is called.
    public init(
        address: ServerAddress, options: ClientOptions = ClientOptions(),
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "dms-client", factory: { _ in SwiftLogNoOpLogHandler() })
    ) {
        self.address = address
        self.options = options
        metadata = options.metadata
        let eventLoop = eventLoopGroup.next()
        self.eventLoop = eventLoop
        let link = ServerLink(address: address, options: options, eventLoop: eventLoop, logger: logger)
        self.link = NIOLoopBoundBox.makeBoxSendingValue(link, eventLoop: eventLoop)
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

    /// Calls a method, and waits for its answer, the deadline, or the cancellation of the task.
    ///
    /// - Parameter extraTime: How much more time than by default the call is given where its options do not say.
    func call<Request, Response>(
        _ method: RPCMethod<Request, Response>, _ message: Request, retry: RetryPolicy, options: CallOptions,
        extraTime: Duration = .zero
    ) async throws(DMSClientError) -> Response {
        guard !isClosed.load(ordering: .relaxed) else { throw .closed }
        let deadline = options.deadline ?? self.options.deadline.map { $0 + extraTime }
        let request = CallRequest(
            id: lastCallID.add(1, ordering: .relaxed).newValue, service: method.service, method: method.name,
            payload: message.encoded(), metadata: metadata + options.metadata,
            deadline: deadline.map { .now() + TimeAmount(clamping: $0) }, retryPolicy: retry)
        let answer = try await perform(request).get()
        do throws(WireError) {
            return try Response.decode(answer)
        } catch {
            throw .protocolViolation(
                "its answer to \(method.name) is none (\(error.schedulerError.message))",
                outcomeUnknown: retry == .unsentOnly)
        }
    }

    private func perform(_ request: CallRequest) async -> PendingCall.Outcome {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                eventLoop.execute { [link] in
                    link.value.start(PendingCall(request, continuation: continuation))
                }
                // A task that was canceled before has run the handler below before the call was there.
                if Task.isCancelled { cancel(request.id) }
            }
        } onCancel: {
            cancel(request.id)
        }
    }

    private func cancel(_ id: UInt64) { eventLoop.execute { [link] in link.value.cancel(id) } }
}
