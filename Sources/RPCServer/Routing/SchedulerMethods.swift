import DMSModel
import DMSWire
import NIOCore
import Scheduler

extension MethodRouter {
    /// The router of everything that the scheduler offers, for the loop of that service.
    convenience init(_ scheduler: SchedulerService) {
        self.init()
        registerTasks(scheduler)
        registerSubmitter(scheduler)
        registerAdmin(scheduler)
        registerHealth(scheduler)
    }

    private func registerTasks(_ scheduler: SchedulerService) {
        register(Methods.Tasks.enqueue) { request, context in scheduler.enqueue(request, caller: context.caller) }
        register(Methods.Tasks.get, .answersAtLength) { request, context in
            scheduler.get(request.taskID, from: context.origin)
        }
        register(Methods.Tasks.cancel, .answersAtLength) { request, context in
            scheduler.cancel(request, caller: context.caller, from: context.origin)
        }
        register(Methods.Tasks.overview) { _, context in scheduler.overview(from: context.origin) }
        register(Methods.Tasks.getStats) { _, context in scheduler.statistics(from: context.origin) }
        register(Methods.Tasks.list, .answersAtLength) { request, context in
            scheduler.list(request, from: context.origin)
        }
    }

    private func registerSubmitter(_ scheduler: SchedulerService) {
        register(Methods.Submitter.next) { request, context in
            scheduler.next(request, caller: context.caller, from: context.origin, onParked: context.onParked)
        }
        register(Methods.Submitter.ack) { request, context in
            scheduler.ack(request.leases, caller: context.caller).map { AckResponse(outcomes: $0) }
        }
        register(Methods.Submitter.renew) { request, context in
            scheduler.renew(request, caller: context.caller).map { RenewResponse(outcomes: $0) }
        }
        register(Methods.Submitter.return, .answersAtLength) { request, context in
            scheduler.return(request, caller: context.caller, from: context.origin)
        }
        register(Methods.Submitter.finish, .answersAtLength) { request, context in
            scheduler.finish(request, caller: context.caller, from: context.origin)
        }
    }

    private func registerAdmin(_ scheduler: SchedulerService) {
        register(Methods.Admin.setPriority, .answersAtLength) { request, context in
            scheduler.setPriority(
                of: request.taskID, to: request.priority, caller: context.caller, from: context.origin)
        }
        register(Methods.Admin.block) { request, context in
            scheduler.block(request.blocked, reason: request.reason, caller: context.caller)
        }
        register(Methods.Admin.resume) { request, context in
            scheduler.resume(reason: request.reason, caller: context.caller)
        }
        register(Methods.Admin.getBlock) { _, context in
            scheduler.blockState(caller: context.caller)
        }
    }

    /// Health, as gRPC defines it: all services share the store, so that they serve together or not at all.
    private func registerHealth(_ scheduler: SchedulerService) {
        register(Methods.Health.check, .answersWhileDraining) { request, context in
            guard request.service.isEmpty || ServiceName.all.contains(request.service) else {
                return scheduler.eventLoop.makeFailedFuture(
                    SchedulerError(.serviceUnknown, "There is no service \(QuotedText.quoted(request.service))"))
            }
            guard !context.isDraining else {
                return scheduler.eventLoop.makeSucceededFuture(HealthCheckResponse(status: .notServing))
            }
            return scheduler.checkStore().map { HealthCheckResponse(status: .serving) }
                .flatMapErrorWithEventLoop { _, loop in
                    loop.makeSucceededFuture(HealthCheckResponse(status: .notServing))
                }
        }
    }
}
