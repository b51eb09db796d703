import DMSMetrics
import DMSModel
import NIOCore
import Scheduler

/// The connections of one event loop, and what they share; used on that loop only.
final class LoopConnections {
    let eventLoop: any EventLoop
    let router: MethodRouter
    /// Who sends wrong tokens; nil where nothing asks for one.
    let wrongTokens: WrongTokens?
    /// What large answers take up; nil where they are not counted.
    let answers: AnswerMemory?
    /// When the deadlines of the loop's calls have passed.
    let deadlines: DeadlineQueue
    /// How calls ended, by their methods; the last place is for those of no method.
    var requests: RequestCounts
    private var connections: [ObjectIdentifier: ConnectionHandler] = [:]
    private(set) var isDraining = false
    private var drained: EventLoopPromise<Void>?

    /// All methods of the router have been added.
    init(
        _ router: MethodRouter, _ wrongTokens: WrongTokens?, _ answers: AnswerMemory?, on eventLoop: any EventLoop
    ) {
        self.router = router
        self.answers = answers
        requests = RequestCounts(operations: router.names.count + 1)
        self.wrongTokens = wrongTokens
        self.eventLoop = eventLoop
        deadlines = DeadlineQueue(on: eventLoop)
    }

    /// Counts a call that was refused before anybody looked for its method.
    func countRefusal(_ error: SchedulerError) {
        requests.count(router.names.count, Int(error.reason.statusCode.rawValue), took: nil)
    }

    func add(_ connection: ConnectionHandler) {
        connections[ObjectIdentifier(connection)] = connection
    }

    func remove(_ connection: ConnectionHandler) {
        connections[ObjectIdentifier(connection)] = nil
        if connections.isEmpty, let drained {
            self.drained = nil
            drained.succeed()
        }
    }

    /// Lets every connection end when its calls in flight are answered; after that time all are closed as they are.
    ///
    /// Succeeds when none is left.
    func drain(atMost time: TimeAmount) -> EventLoopFuture<Void> {
        eventLoop.preconditionInEventLoop()
        isDraining = true
        guard !connections.isEmpty else { return eventLoop.makeSucceededVoidFuture() }
        let promise = eventLoop.makePromise(of: Void.self)
        drained = promise
        for connection in Array(connections.values) { connection.drain() }
        let timeout = eventLoop.assumeIsolated().scheduleTask(in: time) {
            for connection in Array(self.connections.values) { connection.closeAtOnce() }
        }
        promise.futureResult.assumeIsolated().whenComplete { _ in timeout.cancel() }
        return promise.futureResult
    }
}
