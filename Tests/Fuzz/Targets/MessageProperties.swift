import DMSModel
import NIOCore

@testable import DMSWire

/// Messages: what is read from any bytes is written, and read again as the same.
///
/// The first byte chooses the message.
enum MessageProperties {
    static func check(_ input: FuzzInput) throws {
        var input = input
        let message = all[input.choice(of: all.count)]
        try message(input.bytes)
    }

    private static let all: [@Sendable (ByteBuffer) throws -> Void] = [
        { try check(RequestEnvelope.self, $0) }, { try checkResponse($0) }, { try check(RPCStatus.self, $0) },
        { try check(Timestamp.self, $0) }, { try check(TaskRecord.self, $0) }, { try check(QueuePosition.self, $0) },
        { try check(QueueOverview.self, $0) }, { try check(TaskSummary.self, $0) }, { try check(Statistics.self, $0) },
        { try check(BlockState.self, $0) }, { try check(TaskSubmission.self, $0) },
        { try check(GetTaskRequest.self, $0) }, { try check(TaskCancellation.self, $0) },
        { try check(TaskQuery.self, $0) }, { try check(TaskPage.self, $0) }, { try check(OverviewRequest.self, $0) },
        { try check(GetStatsRequest.self, $0) }, { try check(LeaseReference.self, $0) },
        { try check(LeaseOutcome.self, $0) }, { try check(LeasedTask.self, $0) }, { try check(NextRequest.self, $0) },
        { try check(NextAnswer.self, $0) }, { try check(AckRequest.self, $0) }, { try check(AckResponse.self, $0) },
        { try check(LeaseRenewal.self, $0) }, { try check(RenewResponse.self, $0) },
        { try check(TaskReturn.self, $0) }, { try check(TaskFinish.self, $0) },
        { try check(SetPriorityRequest.self, $0) }, { try check(BlockRequest.self, $0) },
        { try check(ResumeRequest.self, $0) }, { try check(GetBlockRequest.self, $0) },
        { try check(HealthCheckRequest.self, $0) }, { try check(HealthCheckResponse.self, $0) },
    ]

    private static func check<Value: WireMessage & Equatable>(_ type: Value.Type, _ bytes: ByteBuffer) throws {
        guard let value = try decoded(type, bytes) else { return }
        let written = value.encoded()
        try hold(try Value.decode(written) == value, "\(type) is not read as it was written")
        // An answer packed together with its envelope, as the server does it.
        try hold(
            AnswerEnvelope(value).encoded() == ResponseEnvelope(payload: written).encoded(),
            "\(type) is packed otherwise in an answer")
    }

    private static func checkResponse(_ bytes: ByteBuffer) throws {
        try check(ResponseEnvelope.self, bytes)
        guard let error = try decoded(ResponseEnvelope.self, bytes)?.error else { return }
        let status = RPCStatus(error)
        try hold(RPCError(status) == error, "an error is not read as it was written")
        if let known = SchedulerError(error) {
            try hold(RPCError(known).reason == error.reason, "the scheduler's own error lost its reason")
        }
    }

    /// Nil where the bytes are refused; the error is one that a server answers.
    private static func decoded<Value: WireMessage>(_ type: Value.Type, _ bytes: ByteBuffer) throws -> Value? {
        do throws(WireError) {
            return try Value.decode(bytes)
        } catch {
            try hold(
                error.schedulerError.reason == .malformed || error.schedulerError.reason == .invalidField
                    || error.schedulerError.reason == .limitBody, "\(type) is refused for another reason: \(error)")
            return nil
        }
    }
}
