import DMSModel
import DMSWire
import FaultLedger
import Foundation
import NIOCore
import TestSupport

/// Makes calls over both doors of all schedulers, and records each.
final class Caller {
    static let service = "copy"

    let client: Int
    private let stage: Stage
    private let binary: [BinaryDoor]
    private let rest: [RESTDoor]

    init(client: Int, stage: Stage) {
        self.client = client
        self.stage = stage
        binary = stage.doors.map { BinaryDoor(port: $0.binary) }
        rest = stage.doors.map { RESTDoor(port: $0.rest) }
    }

    func close() async {
        for door in binary { await door.close() }
        for door in rest { await door.close() }
    }

    /// Makes a call over the binary door of one scheduler.
    func call<Request, Response>(
        _ operation: Question, on scheduler: Int, _ method: RPCMethod<Request, Response>, _ request: Request,
        _ manner: BinaryDoor.Manner = BinaryDoor.Manner(), _ body: (Response) -> Answer
    ) async -> Outcome {
        await recorded(operation, .binary, scheduler) {
            try await self.binary[scheduler].call(method, request, manner, body)
        }
    }

    /// Makes a call over the REST door of one scheduler.
    func call(
        _ operation: Question, on scheduler: Int, _ method: String, _ target: String, _ body: String? = nil,
        wait: TimeAmount = .zero, refusals: [Int: SchedulerError.Reason] = [:], _ read: (HTTPAnswer) -> Answer?
    ) async -> Outcome {
        await recorded(operation, .rest, scheduler) {
            try await self.rest[scheduler].call(method, target, body, wait: wait, refusals: refusals, read)
        }
    }

    private func recorded(
        _ operation: Question, _ door: Call.Door, _ scheduler: Int, _ body: () async throws -> Outcome
    ) async -> Outcome {
        let number = stage.recorder.begin(operation, client: client, door: door, scheduler: scheduler)
        let outcome: Outcome
        do {
            outcome = try await body()
        } catch {
            stage.recorder.incident("call #\(number): \(error)")
            outcome = .unknown("\(error)")
        }
        stage.recorder.end(number, outcome)
        return outcome
    }
}

/// The calls over the binary door.
extension Caller {
    func enqueue(_ submission: Submission, on scheduler: Int) async -> Outcome {
        let request = TaskSubmission(
            taskID: TaskID(submission.task), service: Caller.service, userID: submission.user,
            parameters: ByteBuffer(string: submission.parameters), priority: submission.priority)
        return await call(.enqueue(submission), on: scheduler, Methods.Tasks.enqueue, request) { .task(SeenTask($0)) }
    }

    func next(_ fetch: Fetch, wait: TimeAmount, on scheduler: Int, _ manner: BinaryDoor.Manner) async -> Outcome {
        let request = NextRequest(
            maxTasks: UInt32(fetch.tasksMax), waitMilliseconds: UInt32(wait.nanoseconds / 1_000_000),
            leaseMilliseconds: UInt32(fetch.leaseMilliseconds), submitterID: fetch.name,
            requestID: fetch.isRepeatable ? "r" : "", acks: fetch.acks.map(\.reference))
        return await call(.next(fetch), on: scheduler, Methods.Submitter.next, request, manner) { answer in
            .tasks(
                answer.leasedTasks.map {
                    SeenTask($0.record, token: $0.leaseToken, leaseEndsAt: $0.leaseExpiresAt?.microseconds)
                }, acks: answer.acks.map(ProofOutcome.init))
        }
    }

    func ack(_ proofs: [Proof], on scheduler: Int) async -> Outcome {
        let request = AckRequest(leases: proofs.map(\.reference))
        return await call(.ack(proofs), on: scheduler, Methods.Submitter.ack, request) {
            .outcomes($0.outcomes.map(ProofOutcome.init))
        }
    }

    func renew(_ proofs: [Proof], milliseconds: Int, on scheduler: Int) async -> Outcome {
        let request = LeaseRenewal(leases: proofs.map(\.reference), leaseMilliseconds: UInt32(milliseconds))
        return await call(
            .renew(proofs, milliseconds: milliseconds), on: scheduler, Methods.Submitter.renew, request
        ) { .outcomes($0.outcomes.map(ProofOutcome.init)) }
    }

    func giveBack(_ proof: Proof, on scheduler: Int) async -> Outcome {
        await call(.giveBack(proof), on: scheduler, Methods.Submitter.return, TaskReturn(lease: proof.reference)) {
            .task(SeenTask($0))
        }
    }

    func finish(_ proof: Proof, _ ending: Ending, on scheduler: Int) async -> Outcome {
        // A failure brings a result beside its error, which says the same.
        let result = ending.succeeded ? ending.text : "\"\(ending.text)\""
        let request = TaskFinish(
            lease: proof.reference, succeeded: ending.succeeded, result: ByteBuffer(string: result),
            error: ending.succeeded ? "" : ending.text)
        return await call(.finish(proof, ending), on: scheduler, Methods.Submitter.finish, request) {
            .task(SeenTask($0))
        }
    }

    func cancel(_ task: String, of user: String, on scheduler: Int) async -> Outcome {
        let request = TaskCancellation(taskID: TaskID(task), service: Caller.service, userID: user)
        return await call(.cancel(task: task), on: scheduler, Methods.Tasks.cancel, request) { .task(SeenTask($0)) }
    }

    func setPriority(_ task: String, _ priority: Priority, on scheduler: Int) async -> Outcome {
        let request = SetPriorityRequest(taskID: TaskID(task), priority: priority)
        return await call(.setPriority(task: task, priority), on: scheduler, Methods.Admin.setPriority, request) {
            .task(SeenTask($0))
        }
    }

    func get(_ task: String, on scheduler: Int) async -> Outcome {
        await call(.get(task: task), on: scheduler, Methods.Tasks.get, GetTaskRequest(taskID: TaskID(task))) {
            .task(SeenTask($0.record))
        }
    }

    func statistics(on scheduler: Int) async -> Outcome {
        await call(.statistics, on: scheduler, Methods.Tasks.getStats, GetStatsRequest()) {
            .counters(
                Counters(
                    queued: Int($0.queued), dispatched: Int($0.dispatched), canceled: Int($0.canceled),
                    completed: Int($0.completed), failed: Int($0.failed), requeued: Int($0.requeued)))
        }
    }

    func block(_ blocked: Bool, on scheduler: Int) async -> Outcome {
        if blocked {
            return await call(.block(true), on: scheduler, Methods.Admin.block, BlockRequest(blocked: true)) { _ in
                .nothing
            }
        }
        return await call(.block(false), on: scheduler, Methods.Admin.resume, ResumeRequest()) { _ in .nothing }
    }

    /// All pages of a list, on whichever schedulers; recorded as one call.
    func list(user: String, pick: () -> Int) async -> Outcome {
        let first = pick()
        return await recorded(.list(user: user), .binary, first) {
            var query = TaskQuery(pageSize: 500, userID: user)
            var ids: [String] = []
            repeat {
                var token = ""
                let outcome = try await self.binary[pick()].call(Methods.Tasks.list, query) { page in
                    token = page.nextPageToken
                    return .ids(page.tasks.map(\.taskID.text))
                }
                guard case .done(.ids(let page)) = outcome else { return outcome }
                ids += page
                query.pageToken = token
            } while !query.pageToken.isEmpty
            return .done(.ids(ids))
        }
    }

    /// Tasks that are dispatched now, which no rule asks about; nil where they could not be listed.
    func dispatched(on scheduler: Int) async throws -> [SeenTask]? {
        var query = TaskQuery(pageSize: 500, statuses: [.dispatched])
        var tasks: [SeenTask] = []
        repeat {
            var page = TaskPage(tasks: [])
            let outcome = try await binary[scheduler].call(Methods.Tasks.list, query) {
                page = $0
                return .nothing
            }
            guard case .done = outcome else { return nil }
            tasks += page.tasks.map { SeenTask($0) }
            query.pageToken = page.nextPageToken
        } while !query.pageToken.isEmpty
        return tasks
    }
}

/// The same over the REST door, as far as it has them.
extension Caller {
    func enqueueREST(_ submission: Submission, on scheduler: Int) async -> Outcome {
        let body = """
            {"task_id":"\(submission.task)","service":"\(Caller.service)","user_id":"\(submission.user)",\
            "parameters":\(submission.parameters),"priority":"\(submission.priority.rawValue)"}
            """
        return await call(
            .enqueue(submission), on: scheduler, "POST", "/tasks", body, refusals: [409: .taskExists]
        ) { SeenTask(shown: $0.body).map { .task($0) } }
    }

    func nextREST(_ fetch: Fetch, wait: TimeAmount, on scheduler: Int) async -> Outcome {
        let target =
            "/submitter/next?wait_ms=\(wait.nanoseconds / 1_000_000)&lease_ms=\(fetch.leaseMilliseconds)"
            + "&submitter_id=\(fetch.name)"
        return await call(.next(fetch), on: scheduler, "POST", target, wait: wait) { answer in
            if answer.status == 204 { return .tasks([], acks: []) }
            return SeenTask(shown: answer.body, headers: answer.headers).map { .tasks([$0], acks: []) }
        }
    }

    func cancelREST(_ task: String, of user: String, on scheduler: Int) async -> Outcome {
        let body = #"{"task_id":"\#(task)","service":"\#(Caller.service)","user_id":"\#(user)"}"#
        return await call(
            .cancel(task: task), on: scheduler, "POST", "/tasks/cancel", body,
            refusals: [404: .taskNotFound, 409: .taskFinished]
        ) { SeenTask(shown: $0.body).map { .task($0) } }
    }

    func setPriorityREST(_ task: String, _ priority: Priority, on scheduler: Int) async -> Outcome {
        let body = #"{"task_id":"\#(task)","priority":"\#(priority.rawValue)"}"#
        return await call(
            .setPriority(task: task, priority), on: scheduler, "POST", "/admin/priority", body,
            refusals: [404: .taskNotFound, 400: .taskNotQueued]
        ) { SeenTask(shown: $0.body).map { .task($0) } }
    }

    func getREST(_ task: String, on scheduler: Int) async -> Outcome {
        await call(
            .get(task: task), on: scheduler, "GET", "/tasks/\(task)", refusals: [404: .taskNotFound]
        ) { SeenTask(summary: $0.body).map { .task($0) } }
    }

    func statisticsREST(on scheduler: Int) async -> Outcome {
        await call(.statistics, on: scheduler, "GET", "/stats") { answer in
            guard let shown = try? JSONDecoder().decode(ShownCounters.self, from: Data(answer.text.utf8)) else {
                return nil
            }
            return .counters(
                Counters(queued: shown.queued, dispatched: shown.dispatched, canceled: shown.canceled))
        }
    }
}

extension Proof {
    var reference: LeaseReference { LeaseReference(taskID: TaskID(task), token: token) }
}

extension ProofOutcome {
    init(_ outcome: LeaseOutcome) {
        var kind = outcome.isCanceled ? Kind.canceled : .done
        if let error = outcome.error {
            kind =
                switch Outcome(error.reason) {
                case .refused(let reason): .refused(reason)
                case .notDone: .notDone
                default: .unknown
                }
        }
        self.init(task: outcome.taskID.text, kind: kind, leaseEndsAt: outcome.leaseExpiresAt?.microseconds)
    }
}
