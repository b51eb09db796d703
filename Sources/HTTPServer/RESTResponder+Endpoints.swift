import DMSMetrics
import DMSModel
import Hummingbird
import NIOCore
import Scheduler

/// One method an endpoint: the request's shape first, then the service.
extension RESTResponder {
    func call(
        _ endpoint: Endpoint, _ target: RequestTarget, _ request: Request, _ context: Context
    ) async throws -> Answer {
        let caller = Caller(headers: request.headers)
        return switch endpoint {
        case .submitTask: try await submit(try await body(of: request), caller)
        case .listTasks: try await list(target, context)
        case .cancelTask: try await cancel(try await body(of: request), caller, context)
        case .getTask: try await task(TaskID(target.segments.last ?? ""), context)
        case .getOverview: Answer(try await onConnection(context) { $0.overview(from: $1) })
        case .nextTask: try await next(target, caller, context)
        case .setPriority: try await setPriority(try await body(of: request), caller, context)
        case .setBlock: try await setBlock(try await body(of: request), caller)
        case .getBlock: Answer(try await scheduler.call { $0.blockState(caller: caller) })
        case .resume: try await resume(try await body(of: request), caller)
        case .getStatistics: Answer(try await onConnection(context) { $0.statistics(from: $1) })
        case .getHealth: .alive
        case .getReadiness: try await readiness()
        case .getOpenAPI: .openAPI
        case .getMetrics: await metrics()
        }
    }

    /// Calls the service of the connection's own loop, and has the connection hold the room of a large answer.
    private func onConnection<Value: Sendable>(
        _ context: Context,
        _ body: @escaping @Sendable (SchedulerService, CallOrigin?) -> EventLoopFuture<Value>
    ) async throws -> Value {
        let channel = context.channel
        return try await channel.eventLoop.flatSubmit {
            // A client that is gone asks for it all the same.
            let handler = try? channel.pipeline.syncOperations.handler(type: ConnectionHandler.self)
            let answer = body(scheduler.service(on: channel.eventLoop), handler?.origin)
            answer.assumeIsolated().whenComplete { _ in handler?.takeRoom() }
            return answer
        }.get()
    }

    private func metrics() async -> Answer {
        var page = MetricsPage()
        gate.show(on: &page)
        counter.show(on: &page)
        for source in metrics { await source.show(on: &page) }
        return Answer(page)
    }

    private func submit(_ body: ByteBuffer, _ caller: Caller) async throws -> Answer {
        let submission = try TaskSubmission(body: body)
        return Answer(try await scheduler.call { $0.enqueue(submission, caller: caller) }, status: 201)
    }

    private func list(_ target: RequestTarget, _ context: Context) async throws -> Answer {
        let query = try TaskQuery(query: target.query)
        do {
            return Answer(try await onConnection(context) { $0.list(query, from: $1) })
        } catch let error as SchedulerError {
            throw error.naming("page_token", "cursor")
        }
    }

    private func cancel(_ body: ByteBuffer, _ caller: Caller, _ context: Context) async throws -> Answer {
        let cancellation = try TaskCancellation(body: body)
        return Answer(try await onConnection(context) { $0.cancel(cancellation, caller: caller, from: $1) })
    }

    private func task(_ id: TaskID, _ context: Context) async throws -> Answer {
        Answer(try await onConnection(context) { $0.get(id, from: $1) })
    }

    private func next(_ target: RequestTarget, _ caller: Caller, _ context: Context) async throws -> Answer {
        let request = try NextRequest(query: target.query)
        let channel = context.channel
        let answer = channel.eventLoop.flatSubmit { () -> EventLoopFuture<NextAnswer> in
            // The client may be gone before its call is here; nobody would tell us any more.
            guard channel.isActive,
                let handler = try? channel.pipeline.syncOperations.handler(type: ConnectionHandler.self)
            else {
                return channel.eventLoop.makeFailedFuture(
                    SchedulerError(.cancelled, "The client is gone"))
            }
            let call = scheduler.service(on: channel.eventLoop).next(request, caller: caller, from: handler.origin) {
                context.hasWaited.set()
                handler.callWaits()
            }
            handler.watch(call)
            return call.answer
        }
        return try await answer.get().leasedTasks.first.map { Answer($0) } ?? .noContent
    }

    private func setPriority(_ body: ByteBuffer, _ caller: Caller, _ context: Context) async throws -> Answer {
        let change = try PriorityChange(body: body)
        return Answer(
            try await onConnection(context) {
                $0.setPriority(of: change.taskID, to: change.priority, caller: caller, from: $1)
            })
    }

    private func setBlock(_ body: ByteBuffer, _ caller: Caller) async throws -> Answer {
        let change = try BlockChange(body: body)
        return Answer(try await scheduler.call { $0.block(change.blocked, reason: change.reason, caller: caller) })
    }

    private func resume(_ body: ByteBuffer, _ caller: Caller) async throws -> Answer {
        let resumption = try Resumption(body: body)
        return Answer(try await scheduler.call { $0.resume(reason: resumption.reason, caller: caller) })
    }

    /// Whatever keeps the store from answering, the process is not ready.
    private func readiness() async throws -> Answer {
        do {
            try await scheduler.checkStore()
            return .alive
        } catch {
            throw SchedulerError(.storeUnavailable, error.message, retryAfter: error.retryAfter)
        }
    }
}

extension SchedulerError {
    /// The same error, a field of it by the name that it has at this door.
    fileprivate func naming(_ field: String, _ name: String) -> SchedulerError {
        var error = self
        for index in error.violations.indices where error.violations[index].field == field {
            error.violations[index].field = name
        }
        return error
    }
}
