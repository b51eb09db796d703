import DMSMetrics
import DMSModel
import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Scheduler
import Synchronization

/// Translates a request to a call of the service layer, and what comes back to an answer; it holds no rule of its own.
struct RESTResponder: HTTPResponder {
    let scheduler: SchedulerPool
    let gate: ConnectionGate
    /// What others have to show at `/metrics`.
    let metrics: [any MetricsSource]
    let counter: RequestCounter
    let bodyBytesMax: Int
    /// Requests in a second on one connection; 0: any number.
    let requestsPerSecondMax: Int
    let pages: PageCheck
    let logger: Logger

    /// What the framework makes for each request.
    struct Context: InitializableFromSource {
        /// The connection that the request came on.
        let channel: any Channel
        /// Whether it waited for a task, or was held back for a wrong token: its time says nothing of how fast we are.
        let hasWaited = Flag()

        init(source: ApplicationRequestContextSource) { channel = source.channel }
    }

    /// Answers every request; throws only where the connection broke before the request was whole.
    func respond(to request: Request, context: Context) async throws -> Response {
        let begun = NIODeadline.now()
        let destination = destination(of: request)
        let answer =
            if let refusal = try await rateRefusal(context) {
                refusal
            } else {
                switch destination {
                case .found(let endpoint, let target):
                    if let refusal = pages.refusal(of: request.head, to: endpoint) {
                        Answer(refusal, part: "body")
                    } else {
                        try await answer(endpoint, target, request, context)
                    }
                case .nowhere(let answer): answer
                }
            }
        counter.count(destination.endpoint, status: answer.status, took: context.hasWaited.isSet ? nil : .now() - begun)
        return answer.response(toHead: request.method == .head)
    }

    /// What a client that asks too often is answered with, whatever it asks for.
    private func rateRefusal(_ context: Context) async throws -> Answer? {
        guard requestsPerSecondMax > 0 else { return nil }
        let channel = context.channel
        let wait = try await channel.eventLoop.submit {
            try channel.pipeline.syncOperations.handler(type: ConnectionHandler.self).takeRequest()
        }.get()
        return wait.map { wait in
            let sentence = "A connection may make \(requestsPerSecondMax) requests a second"
            return Answer(SchedulerError(.limitRate, sentence, retryAfter: wait), part: "body")
        }
    }

    /// Is set on one thread, and read on another.
    final class Flag: Sendable {
        private let value = Atomic(false)

        var isSet: Bool { value.load(ordering: .relaxed) }

        func set() { value.store(true, ordering: .relaxed) }
    }

    private enum Destination {
        case found(Endpoint, RequestTarget)
        case nowhere(Answer)

        /// Nil where the request leads nowhere.
        var endpoint: Endpoint? {
            if case .found(let endpoint, _) = self { endpoint } else { nil }
        }
    }

    private func destination(of request: Request) -> Destination {
        let path = request.head.path ?? ""
        guard path.utf8.count <= Limits.HTTP.targetBytesMax else { return .nowhere(.targetTooLong) }
        guard let target = RequestTarget(path) else { return .nowhere(.notFound) }
        return switch Endpoint.resolve(request.method, path: target.segments) {
        case .endpoint(let endpoint): .found(endpoint, target)
        case .methodNotAllowed(let allow): .nowhere(.methodNotAllowed(allow: allow))
        case .unknownPath: .nowhere(.notFound)
        }
    }

    private func answer(
        _ endpoint: Endpoint, _ target: RequestTarget, _ request: Request, _ context: Context
    ) async throws -> Answer {
        do {
            return try await call(endpoint, target, request, context)
        } catch let error as InvalidRequest {
            return Answer(error)
        } catch let error as BodyTooLarge {
            return Answer(error)
        } catch let error as SchedulerError {
            logFailure(error, endpoint)
            let answer = Answer(error, part: endpoint.fieldsPart)
            return error.bearsWrongToken ? await inItsTurn(answer, context) : answer
        } catch let error as BrokenBody {
            throw error.cause
        } catch {
            logger.error(
                "Request failed unexpectedly",
                metadata: ["route": "\(endpoint.template)", "error": "\(String(reflecting: error))"])
            return .internalServerError
        }
    }

    /// Lets a client wait that sent a wrong token, and closes its connection where too many are answered already.
    private func inItsTurn(_ answer: Answer, _ context: Context) async -> Answer {
        context.hasWaited.set()
        var closing = Answer(WrongTokens.refusal, part: "body")
        closing.headers[.connection] = "close"
        let (answer, delay) =
            switch scheduler.wrongTokens.verdict(for: context.channel.remoteAddress) {
            case .answer(let delay): (answer, delay)
            case .refuse(let delay): (closing, delay)
            case .close: (closing, TimeAmount.zero)
            }
        guard delay > .zero else {
            try? await context.channel.close()
            return answer
        }
        // A server that breaks everything off has it over.
        try? await Task.sleep(for: .nanoseconds(delay.nanoseconds))
        return answer
    }

    /// What went wrong on our side is worth a line; what the caller did wrong he is told, and nobody else.
    private func logFailure(_ error: SchedulerError, _ endpoint: Endpoint) {
        let level: Logger.Level
        switch error.reason {
        case .outcomeUnknown, .storeFull: level = .warning
        // The connection to Redis says itself that it is lost, once and not for each request.
        case .storeUnavailable: level = .debug
        default: return
        }
        logger.log(
            level: level, "Request failed",
            metadata: [
                "route": "\(endpoint.template)", "reason": "\(error.reason.rawValue)", "error": "\(error.message)",
            ])
    }
}

extension Endpoint {
    /// Where the fields stand that the service may find wrong.
    fileprivate var fieldsPart: String {
        switch self {
        case .nextTask, .listTasks: "query"
        case .getTask: "path"
        default: "body"
        }
    }
}

extension Caller {
    /// Takes the tokens from a request's headers.
    init(headers: HTTPFields) {
        let value = { (name: String) in headers.first { $0.name.canonicalName == name }?.value }
        self.init(
            operatorToken: value("x-dms-operator-token"), submitterToken: value("x-dms-submitter-token"))
    }
}
