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

    fileprivate struct Method {
        var number: Int
        var traits: Traits
        var call: (ByteBuffer, CallContext, @escaping Reply) -> NextCall?
    }

    /// What is special about a method.
    struct Traits: OptionSet {
        /// It answers though the server is shutting down.
        static let answersWhileDraining = Traits(rawValue: 1)
        /// Its answer holds as much as tasks are large.
        static let answersAtLength = Traits(rawValue: 2)

        let rawValue: Int
    }

    /// Where a call goes.
    struct Destination {
        fileprivate var method: Method?
        /// The method's place in ``MethodRouter/names``; behind them all where there is no such method.
        fileprivate(set) var number: Int

        /// See ``Traits/answersAtLength``.
        var answersAtLength: Bool { method?.traits.contains(.answersAtLength) ?? false }
    }

    private var methods: [MethodName: Method] = [:]
    /// The methods in the order in which they were added.
    private(set) var names: [MethodName] = []

    /// Adds a method to the table.
    func register<Request: WireMessage, Response: WireMessage>(
        _ method: RPCMethod<Request, Response>, _ traits: Traits = [],
        _ body: @escaping (Request, CallContext) -> EventLoopFuture<Response>
    ) {
        add(method, traits) { request, context, reply in
            body(request, context).assumeIsolated().whenComplete { reply(Answer(MethodRouter.outcome($0))) }
            return nil
        }
    }

    /// Adds `Next` to the table: a call that may wait, be given up, and take back what it was answered with.
    func register(
        _ method: RPCMethod<NextRequest, NextAnswer>, _ body: @escaping (NextRequest, CallContext) -> NextCall
    ) {
        add(method, []) { request, context, reply in
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
        _ method: RPCMethod<Request, Response>, _ traits: Traits,
        _ body: @escaping (Request, CallContext, @escaping Reply) -> NextCall?
    ) {
        let name = MethodName(service: method.service, method: method.name)
        defer { names.append(name) }
        methods[name] = Method(number: names.count, traits: traits) { payload, context, reply in
            do throws(WireError) {
                return body(try Request.decode(payload), context, reply)
            } catch {
                reply(Answer(.failure(error.schedulerError)))
                return nil
            }
        }
    }

    /// Where a call goes: to a method, or to none.
    func destination(of envelope: RequestEnvelope) -> Destination {
        let method = methods[MethodName(service: envelope.service, method: envelope.method)]
        return Destination(method: method, number: method?.number ?? names.count)
    }

    /// Answers a call: at once or later, on the loop, exactly once; returns how it is given up, where it can be.
    func call(
        _ destination: Destination, _ envelope: RequestEnvelope, _ context: CallContext, _ reply: @escaping Reply
    ) -> NextCall? {
        let refusal: SchedulerError
        if let method = destination.method {
            if !context.isDraining || method.traits.contains(.answersWhileDraining) {
                return method.call(envelope.payload, context, reply)
            }
            refusal = SchedulerError(.draining, "The server is shutting down")
        } else if let violation = MethodRouter.missingName(of: envelope) {
            refusal = .invalid([violation])
        } else {
            refusal = MethodRouter.unknown(envelope)
        }
        reply(Answer(.failure(refusal)))
        return nil
    }

    private static func missingName(of envelope: RequestEnvelope) -> FieldViolation? {
        let field = envelope.service.isEmpty ? "service" : envelope.method.isEmpty ? "method" : nil
        return field.map { FieldViolation(field: $0, kind: .missing, message: "Field required") }
    }

    private static func unknown(_ envelope: RequestEnvelope) -> SchedulerError {
        let (service, method) = (QuotedText.quoted(envelope.service), QuotedText.quoted(envelope.method))
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
