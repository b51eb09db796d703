import DMSModel
import DMSWire
import NIOCore
import Scheduler

/// Leads a call to its method, and the method's answer back; one an event loop, used there only.
final class MethodRouter {
    typealias Outcome = Result<any WireMessage, SchedulerError>
    typealias Reply = (Answer) -> Void

    /// What a call is answered with.
    struct Answer {
        var outcome: Outcome
        /// Is to be abandoned where the answer, though there is one, does not reach the client; nil: that changes nothing.
        var holder: NextCall?

        init(_ outcome: Outcome, holder: NextCall? = nil) {
            self.outcome = outcome
            self.holder = holder
        }
    }

    private struct Method {
        var answersWhileDraining: Bool
        var call: (ByteBuffer, CallContext, @escaping Reply) -> NextCall?
    }

    private var methods: [MethodName: Method] = [:]

    /// Adds a method to the table.
    func register<Request: WireMessage, Response: WireMessage>(
        _ method: RPCMethod<Request, Response>, answersWhileDraining: Bool = false,
        _ body: @escaping (Request, CallContext) -> EventLoopFuture<Response>
    ) {
        add(method, answersWhileDraining: answersWhileDraining) { request, context, reply in
            body(request, context).assumeIsolated().whenComplete { reply(Answer(MethodRouter.outcome($0))) }
            return nil
        }
    }

    /// Adds `Next` to the table: a call that may wait, be given up, and take back what it was answered with.
    func register(
        _ method: RPCMethod<NextRequest, NextAnswer>, _ body: @escaping (NextRequest, CallContext) -> NextCall
    ) {
        add(method) { request, context, reply in
            let call = body(request, context)
            call.whenAnswered { result in
                switch result {
                case .success(let answer):
                    reply(Answer(.success(answer), holder: answer.leasedTasks.isEmpty ? nil : call))
                case .failure(let error): reply(Answer(.failure(error)))
                }
            }
            return call
        }
    }

    private func add<Request: WireMessage, Response: WireMessage>(
        _ method: RPCMethod<Request, Response>, answersWhileDraining: Bool = false,
        _ body: @escaping (Request, CallContext, @escaping Reply) -> NextCall?
    ) {
        let name = MethodName(service: method.service, method: method.name)
        methods[name] = Method(answersWhileDraining: answersWhileDraining) { payload, context, reply in
            do throws(WireError) {
                return body(try Request.decode(payload), context, reply)
            } catch {
                reply(Answer(.failure(error.schedulerError)))
                return nil
            }
        }
    }

    /// Answers a call: at once or later, on the loop, exactly once; returns how it is given up, where it can be.
    func call(_ envelope: RequestEnvelope, _ context: CallContext, _ reply: @escaping Reply) -> NextCall? {
        let refusal: SchedulerError
        if let violation = MethodRouter.missingName(of: envelope) {
            refusal = .invalid([violation])
        } else if let method = methods[MethodName(service: envelope.service, method: envelope.method)] {
            if !context.isDraining || method.answersWhileDraining {
                return method.call(envelope.payload, context, reply)
            }
            refusal = SchedulerError(.draining, "The server is shutting down")
        } else {
            refusal = MethodRouter.unknown(envelope)
        }
        reply(Answer(.failure(refusal)))
        return nil
    }

    /// Whether the call's answer holds as much as tasks are large.
    static func mayAnswerAtLength(_ envelope: RequestEnvelope) -> Bool {
        let name = envelope.method.utf8
        return name.elementsEqual(Methods.Tasks.get.name.utf8) || name.elementsEqual(Methods.Tasks.list.name.utf8)
    }

    private static func missingName(of envelope: RequestEnvelope) -> FieldViolation? {
        let field = envelope.service.isEmpty ? "service" : envelope.method.isEmpty ? "method" : nil
        return field.map { FieldViolation(field: $0, kind: .missing, message: "Field required") }
    }

    private static func unknown(_ envelope: RequestEnvelope) -> SchedulerError {
        let (service, method) = (ClientText.quoted(envelope.service), ClientText.quoted(envelope.method))
        return SchedulerError(.methodUnknown, "There is no method \(method) of a service \(service)")
    }

    /// What a future of the service layer came to; other errors than its own say nothing of what was done.
    private static func outcome(_ result: Result<some WireMessage, any Error>) -> Outcome {
        switch result {
        case .success(let response): .success(response)
        case .failure(let error):
            .failure(error as? SchedulerError ?? SchedulerError(.outcomeUnknown, "The call failed: \(error)"))
        }
    }
}
