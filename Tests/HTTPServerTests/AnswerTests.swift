import DMSModel
import HTTPTypes
import HummingbirdCore
import NIOCore
import Testing

@testable import HTTPServer

@Suite struct AnswerTests {
    private func body(_ answer: Answer) -> String? { answer.body.map { String(buffer: $0) } }

    @Test(arguments: SchedulerError.Reason.allCases)
    func `every reason is answered with the table's status and the message`(reason: SchedulerError.Reason) {
        let answer = Answer(SchedulerError(reason, #"Why: "so""#), part: "body")
        #expect(answer.status == reason.httpStatus)
        #expect(answer.headers[.reason] == reason.rawValue)
        #expect(body(answer) == #"{"detail":"Why: \"so\""}"#)
        let saysWhen = [503, 429].contains(reason.httpStatus)
        #expect(answer.headers[.retryAfter] == (saysWhen ? "1" : nil))
    }

    @Test(arguments: [
        (Duration.milliseconds(1), "1"), (.seconds(1), "1"), (.milliseconds(1001), "2"), (.seconds(30), "30"),
        (.zero, "1"),
    ])
    func `Retry-After is rounded up`(delay: Duration, seconds: String) {
        let error = SchedulerError(.storeUnavailable, "x", retryAfter: delay)
        #expect(Answer(error, part: "body").headers[.retryAfter] == seconds)
    }

    @Test func `fields that the service refuses become a list`() {
        let violation = FieldViolation(field: "wait_ms", kind: .outOfRange, message: "Too much")
        let answer = Answer(SchedulerError.invalid([violation]), part: "query")
        #expect(answer.status == 422)
        #expect(
            body(answer)
                == #"{"detail":[{"type":"value_error","loc":["query","wait_ms"],"msg":"Value error, Too much","#
                + #""ctx":{"error":"Too much"}}]}"#)
    }

    @Test func `a list of what is wrong ends somewhere`() {
        let error = FieldError("enum", at: [.name("query")], "no")
        let answer = Answer(InvalidRequest(errors: Array(repeating: error, count: 5000)))
        #expect(answer.body?.readableBytes ?? 0 < 100 * FieldError.countMax)
    }

    @Test func `an answer to HEAD has the body's headers and no body`() {
        let answer = Answer.notFound
        let response = answer.response(toHead: true)
        #expect(response.status.code == 404)
        #expect(response.headers[.contentLength] == "22")
        #expect(response.headers[.contentType] == "application/json")
        #expect(response.body.contentLength == 0)
        #expect(answer.response(toHead: false).body.contentLength == 22)
    }

    @Test func `values are written field by field in the contract's order`() {
        let overview = QueueOverview(high: 1, mid: 2, low: 3)
        #expect(body(Answer(overview)) == #"{"total":6,"high":1,"mid":2,"low":3}"#)
        var statistics = Statistics(queued: 9, dispatched: 8, canceled: 7, lastUpdated: nil, overview: overview)
        #expect(
            body(Answer(statistics))
                == #"{"queued":9,"dispatched":8,"canceled":7,"last_updated":null,"#
                + #""queue_overview":{"total":6,"high":1,"mid":2,"low":3}}"#)
        statistics.lastUpdated = Timestamp(microseconds: 1)
        #expect(body(Answer(statistics))?.contains(#""last_updated":"1970-01-01T00:00:00.000001Z","#) == true)
        #expect(
            body(Answer(BlockState(blocked: false, reason: nil, updatedAt: nil)))
                == #"{"blocked":false,"reason":null}"#)
        #expect(
            body(Answer(BlockState(blocked: true, reason: "a\nb", updatedAt: Timestamp(microseconds: 0))))
                == #"{"blocked":true,"reason":"a\nb","updated_at":"1970-01-01T00:00:00.000000Z"}"#)
    }

    @Test func `a summary shows a position, or null`() {
        let time = Timestamp(microseconds: 0)
        let record = TaskRecord(
            taskID: TaskID("t"), service: "s", userID: "u", parameters: ByteBuffer(string: "{ }"), priority: .mid,
            enqueuedAt: time, updatedAt: time)
        var summary = TaskSummary(
            record: record, queuePosition: QueuePosition(priority: .mid, positionInPriority: 2, globalPosition: 5),
            overview: QueueOverview(high: 3, mid: 2, low: 0))
        let recordText =
            #"{"task_id":"t","service":"s","user_id":"u","parameters":{ },"priority":"mid","status":"queued","#
            + #""enqueued_at":"1970-01-01T00:00:00.000000Z","updated_at":"1970-01-01T00:00:00.000000Z"}"#
        #expect(
            body(Answer(summary))
                == #"{"record":\#(recordText),"queue_position":{"priority":"mid","position_in_priority":2,"#
                + #""global_position":5},"overview":{"total":5,"high":3,"mid":2,"low":0}}"#)
        summary.queuePosition = nil
        #expect(body(Answer(summary))?.contains(#""queue_position":null,"overview""#) == true)
    }
}
