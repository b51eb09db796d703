import DMSModel
import DMSWire
import NIOCore

/// Leads a call to its method, and the method's answer back; one an event loop, used there only.
final class MethodRouter {
    typealias Outcome = Result<any WireMessage, SchedulerError>
    typealias Reply = (Outcome) -> Void

    private struct Method {
        var answersWhileDraining: Bool
        var call: (ByteBuffer, CallContext, @escaping Reply) -> Void
    }

    private var methods: [MethodName: Method] = [:]

    /// Adds a method to the table.
    func register<Request: WireMessage, Response: WireMessage>(
        _ method: RPCMethod<Request, Response>, answersWhileDraining: Bool = false,
        _ body: @escaping (Request, CallContext) -> EventLoopFuture<Response>
    ) {
        let name = MethodName(service: method.service, method: method.name)
        methods[name] = Method(answersWhileDraining: answersWhileDraining) { payload, context, reply in
            let request: Request
            do throws(WireError) {
                request = try Request.decode(payload)
            } catch {
                return reply(.failure(error.schedulerError))
            }
            body(request, context).assumeIsolated().whenComplete { result in
                switch result {
                case .success(let response): reply(.success(response))
                case .failure(let error): reply(.failure(MethodRouter.schedulerError(error)))
                }
            }
        }
    }

    /// Answers a call: at once or later, on the loop, exactly once.
    func call(_ envelope: RequestEnvelope, _ context: CallContext, _ reply: @escaping Reply) {
        if let violation = MethodRouter.missingName(of: envelope) {
            return reply(.failure(.invalid([violation])))
        }
        guard let method = methods[MethodName(service: envelope.service, method: envelope.method)] else {
            return reply(.failure(MethodRouter.unknown(envelope)))
        }
        guard !context.isDraining || method.answersWhileDraining else {
            return reply(.failure(SchedulerError(.draining, "The server is shutting down")))
        }
        method.call(envelope.payload, context, reply)
    }

    private static func missingName(of envelope: RequestEnvelope) -> FieldViolation? {
        let field = envelope.service.isEmpty ? "service" : envelope.method.isEmpty ? "method" : nil
        return field.map { FieldViolation(field: $0, kind: .missing, message: "Field required") }
    }

    private static func unknown(_ envelope: RequestEnvelope) -> SchedulerError {
        let (service, method) = (ClientText.quoted(envelope.service), ClientText.quoted(envelope.method))
        return SchedulerError(.methodUnknown, "There is no method \(method) of a service \(service)")
    }

    /// What a future of the service layer failed with; other errors than its own say nothing of what was done.
    private static func schedulerError(_ error: any Error) -> SchedulerError {
        error as? SchedulerError ?? SchedulerError(.outcomeUnknown, "The call failed: \(error)")
    }
}
