import Foundation
import NIOCore

@testable import DMSModel
@testable import HTTPServer

/// Bodies: what is taken follows the rules, and what is refused is answered with JSON.
///
/// The first byte chooses the request.
enum BodyProperties {
    static func check(_ input: FuzzInput) throws {
        var input = input
        let kind = input.choice(of: 5)
        let body = input.bytes
        do throws(InvalidRequest) {
            switch kind {
            case 0: checkSubmission(try TaskSubmission(body: body), body)
            case 1: checkID(try TaskCancellation(body: body).taskID, body)
            case 2: checkID(try PriorityChange(body: body).taskID, body)
            case 3: _ = try BlockChange(body: body)
            default: _ = try Resumption(body: body)
            }
        } catch {
            try checkAnswer(to: error)
        }
    }

    /// A broken property is no refusal; it ends the run here.
    private static func certain(_ check: () throws -> Void) {
        do { try check() } catch { fatalError("\(error)") }
    }

    private static func checkSubmission(_ submission: TaskSubmission, _ body: ByteBuffer) {
        certain {
            try hold(FieldRules.parameters(submission.parameters) == nil, "parameters are against the rules")
            try hold(FieldRules.name(submission.service, field: "service") == nil, "a service is against the rules")
            try hold(FieldRules.name(submission.userID, field: "user_id") == nil, "a user is against the rules")
        }
        checkID(submission.taskID, body)
        let time = Timestamp(microseconds: 1_700_000_000_000_000)
        let record = TaskRecord(
            taskID: submission.taskID, service: submission.service, userID: submission.userID,
            parameters: submission.parameters, priority: submission.priority, enqueuedAt: time, updatedAt: time)
        certain {
            var written = ByteBuffer()
            record.writeJSON(into: &written)
            try hold(TaskRecord(json: written) == record, "a submitted task is not read as it was written")
        }
    }

    private static func checkID(_ id: TaskID, _ body: ByteBuffer) {
        certain {
            try hold(FieldRules.taskID(id) == nil, "an id is against the rules")
            guard let object = try? JSONSerialization.jsonObject(with: Data(body.readableBytesView)),
                let members = object as? [String: Any], let text = members["task_id"] as? String
            else { return }
            guard let ours = try? JSONText(body, nestingMax: body.readableBytes), members.count == ours.members.count
            else { return }
            try hold(JSONProperties.isSame(id.text, text), "the id is another than Foundation's")
        }
    }

    static func checkAnswer(to refusal: InvalidRequest) throws {
        try hold(!refusal.errors.isEmpty, "a refusal has no reason")
        let body = Answer(refusal).body ?? ByteBuffer()
        try hold(
            (try? JSONText(body, nestingMax: 1000)) != nil, "a refusal is no JSON: \(String(buffer: body))")
    }
}
