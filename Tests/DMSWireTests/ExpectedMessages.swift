import DMSModel
import DMSWire
import NIOCore

/// What the bytes of each message vector stand for.
enum ExpectedMessages {
    typealias Value = any (WireMessage & Equatable)

    private static let time = Timestamp(microseconds: 1_763_892_672_123_456)
    private static let later = Timestamp(microseconds: 1_763_892_732_000_001)
    private static let lease = LeaseReference(taskID: TaskID("t"), token: "3f9c")
    private static let leased = LeasedTask(minimal, leaseToken: "3f9c", leaseExpiresAt: later)
    private static let lost = SchedulerError(.leaseLost, "too late")
    private static let down = SchedulerError(
        .storeUnavailable, "Redis is down", retryAfter: .seconds(2) + .milliseconds(500))

    static let minimal = TaskRecord(
        taskID: TaskID("t"), service: "s", userID: "u", parameters: ByteBuffer(string: "{}"), priority: .low,
        enqueuedAt: time, updatedAt: time)

    static let full = TaskRecord(
        taskID: TaskID("caf\u{e9} \0 \u{1f600}"), service: "billing", userID: "user-1",
        parameters: ByteBuffer(string: #"{"n":123456789012345678901234567890,"e":"\u0000","a":[]}"#), priority: .high,
        status: .dispatched, enqueuedAt: time, updatedAt: later, attempt: .max, submitterID: "gpu-7")

    private static func minimal(_ status: TaskStatus, _ change: (inout TaskRecord) -> Void) -> TaskRecord {
        var record = minimal
        record.status = status
        change(&record)
        return record
    }

    static let all: [String: Value] = tasks.merging(tasksService) { $1 }.merging(submitterService) { $1 }
        .merging(adminAndHealth) { $1 }.merging(envelopes) { $1 }

    private static let tasks: [String: Value] = [
        "task minimal": minimal,
        "task full": full,
        "task completed": minimal(.completed) {
            $0.attempt = 1
            $0.result = ByteBuffer(string: #"{"ok":true}"#)
        },
        "task failed": minimal(.failed) {
            $0.attempt = 2
            $0.error = "no luck"
        },
        "task canceled long ago": minimal(.canceled) { $0.updatedAt = Timestamp(microseconds: -1) },
        "task of no priority": minimal,
        "queue position": QueuePosition(priority: .mid, positionInPriority: 3, globalPosition: .max),
        "queue overview": QueueOverview(high: 1, mid: 5, low: 1_000_000),
        "queue overview empty": QueueOverview(high: 0, mid: 0, low: 0),
        "summary queued": TaskSummary(
            record: minimal,
            queuePosition: QueuePosition(priority: .low, positionInPriority: 1, globalPosition: 2),
            overview: QueueOverview(high: 1, mid: 0, low: 1)),
        "summary not queued": TaskSummary(
            record: full, queuePosition: nil, overview: QueueOverview(high: 0, mid: 0, low: 0)),
        "stats": Statistics(
            queued: 10, dispatched: 9, canceled: 8, lastUpdated: time, overview: QueueOverview(high: 0, mid: 1, low: 0),
            completed: 7, failed: 6, requeued: 5, leased: 4, waitingSubmitters: 3, oldestQueuedAt: later),
        "stats of a new scheduler": Statistics(
            queued: 0, dispatched: 0, canceled: 0, lastUpdated: nil, overview: QueueOverview(high: 0, mid: 0, low: 0)),
    ]

    private static let tasksService: [String: Value] = [
        "enqueue": TaskSubmission(
            taskID: TaskID("t-1"), service: "s", userID: "u", parameters: ByteBuffer(string: #"{"a": 1}"#),
            priority: .mid),
        "enqueue of no priority": TaskSubmission(
            taskID: TaskID("t-1"), service: "", userID: "", parameters: ByteBuffer(), priority: .low),
        "get task": GetTaskRequest(taskID: TaskID("t-1")),
        "cancel task": TaskCancellation(taskID: TaskID("t-1"), service: "s", userID: "u"),
        "list tasks": TaskQuery(
            pageSize: 50, pageToken: "p", statuses: [.queued, .failed], priorities: [.high], service: "s", userID: "u",
            newestFirst: true),
        "list tasks empty": TaskQuery(),
        "page of tasks": TaskPage(tasks: [minimal, full], nextPageToken: "p2"),
        "overview request": OverviewRequest(),
        "stats request": GetStatsRequest(),
    ]

    private static let submitterService: [String: Value] = [
        "lease": lease,
        "leased task": leased,
        "outcome good": LeaseOutcome(taskID: TaskID("t"), leaseExpiresAt: later),
        "outcome canceled": LeaseOutcome(taskID: TaskID("t"), isCanceled: true),
        "outcome lost": LeaseOutcome(taskID: TaskID("t"), error: lost),
        "next": NextRequest(maxTasks: 1),
        "next full": NextRequest(
            maxTasks: 1000, waitMilliseconds: 600_000, leaseMilliseconds: 86_400_000, submitterID: "gpu-7",
            requestID: "r-1", acks: [lease, lease]),
        "next answer empty": NextAnswer(tasks: []),
        "next answer": NextAnswer(leasedTasks: [LeasedTask(full), leased], acks: [LeaseOutcome(taskID: TaskID("t"))]),
        "ack": AckRequest(leases: [lease]),
        "ack answer": AckResponse(outcomes: [LeaseOutcome(taskID: TaskID("t"))]),
        "renew": LeaseRenewal(leases: [lease], leaseMilliseconds: 30_000),
        "renew answer": RenewResponse(outcomes: [
            LeaseOutcome(taskID: TaskID("t"), leaseExpiresAt: later),
            LeaseOutcome(taskID: TaskID("v"), isCanceled: true),
        ]),
        "return": TaskReturn(lease: lease, reason: "shutting down"),
        "return without a reason": TaskReturn(lease: lease),
        "finish good": TaskFinish(lease: lease, succeeded: true, result: ByteBuffer(string: "[1]")),
        "finish bad": TaskFinish(lease: lease, succeeded: false, error: "no luck"),
    ]

    private static let adminAndHealth: [String: Value] = [
        "set priority": SetPriorityRequest(taskID: TaskID("t"), priority: .high),
        "set no priority": SetPriorityRequest(taskID: TaskID("t"), priority: .low),
        "block": BlockRequest(blocked: true, reason: "maintenance"),
        "block without a reason": BlockRequest(blocked: true),
        "resume": ResumeRequest(),
        "resume with an empty reason": ResumeRequest(reason: ""),
        "get block": GetBlockRequest(),
        "block state": BlockState(blocked: true, reason: "maintenance", updatedAt: time),
        "block state with an empty reason": BlockState(blocked: false, reason: "", updatedAt: nil),
        "block state never set": BlockState(blocked: false, reason: nil, updatedAt: nil),
        "health of a service": HealthCheckRequest(service: "dms.v1.Tasks"),
        "health of the server": HealthCheckRequest(),
        "health serving": HealthCheckResponse(status: .serving),
        "health not serving": HealthCheckResponse(status: .notServing),
    ]

    private static let envelopes: [String: Value] = [
        "status of a lost lease": RPCStatus(lost),
        "status of a store that is down": RPCStatus(down),
        "status of a bad field": RPCStatus(
            .invalid([
                FieldViolation(
                    field: "max_tasks", kind: .outOfRange, message: "Value should be from 0 to 1000")
            ])),
        "status from elsewhere": RPCStatus(
            code: 77, message: "from elsewhere",
            details: [
                PackedMessage(
                    typeURL: "type.googleapis.com/google.rpc.ErrorInfo",
                    value: ByteBuffer(string: "\n\u{3}ODD\u{12}\u{4}else\u{1a}\u{6}\n\u{1}k\u{12}\u{1}v")),
                PackedMessage(typeURL: "example.org/some.Type", value: ByteBuffer(bytes: [1, 2, 3])),
            ]),
        "request": RequestEnvelope(
            service: "dms.v1.Submitter", method: "Next", payload: ByteBuffer(bytes: [8, 1]),
            timeoutNanoseconds: 5_000_000_000,
            metadata: [
                MetadataEntry(key: "x-dms-submitter-token", value: "secret"),
                MetadataEntry(key: "x-request-id", value: ""),
            ]),
        "request too late": RequestEnvelope(
            service: "s", method: "m", payload: ByteBuffer(), timeoutNanoseconds: -1),
        "request empty": RequestEnvelope(service: "", method: "", payload: ByteBuffer()),
        "response": ResponseEnvelope(payload: ByteBuffer(bytes: [8, 1])),
        "response of an error": ResponseEnvelope(status: RPCStatus(down)),
        "response with a good status": ResponseEnvelope(
            status: RPCStatus(code: 0, message: ""), payload: ByteBuffer(bytes: [8, 1])),
    ]
}
