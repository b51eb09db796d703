import DMSModel
import DMSWire
import NIOCore
import Testing

@Suite struct RPCErrorTests {
    @Test(arguments: SchedulerError.Reason.allCases)
    func `every reason comes back from the wire with its code`(reason: SchedulerError.Reason) throws {
        let envelope = ResponseEnvelope(status: RPCStatus(SchedulerError(reason, "a sentence")))
        let error = try #require(try ResponseEnvelope.decode(envelope.encoded()).error)
        #expect(error.knownReason == reason)
        #expect(error.statusCode == reason.statusCode)
        #expect(error.message == "a sentence")
        let isRetried = reason.statusCode == .unavailable || reason.statusCode == .resourceExhausted
        #expect(error.retryAfter == (isRetried ? .seconds(1) : nil))
        #expect(SchedulerError(error)?.reason == reason)
    }

    @Test func `an error that says when to try again is believed`() throws {
        let error = SchedulerError(.submissionsBlocked, "closed", retryAfter: .milliseconds(1500))
        let status = try RPCStatus.decode(RPCStatus(error).encoded())
        #expect(RPCError(status).retryAfter == .milliseconds(1500))
    }

    @Test func `violations come back with their fields`() throws {
        let error = SchedulerError.invalid([
            FieldViolation(field: "task_id", kind: .missing, message: "Field required"),
            FieldViolation(field: "service", kind: .tooShort(minimumBytes: 1), message: "too short"),
        ])
        let read = RPCError(try RPCStatus.decode(RPCStatus(error).encoded()))
        #expect(
            read.violations == [
                RPCError.Violation(field: "task_id", message: "Field required"),
                RPCError.Violation(field: "service", message: "too short"),
            ])
    }

    @Test func `a reason and a code from elsewhere are kept as they are`() throws {
        let vector = try #require(try MessageVector.all().first { $0.name == "status from elsewhere" })
        let error = RPCError(try RPCStatus.decode(try vector.bytes))
        #expect(error.code == 77)
        #expect(error.statusCode == nil)
        #expect(error.reason == "ODD")
        #expect(error.knownReason == nil)
        #expect(SchedulerError(error) == nil)
    }

    @Test func `a status without details is an error without a reason`() {
        let error = RPCError(RPCStatus(code: 14, message: "gone"))
        #expect(error == RPCError(code: 14, reason: "", message: "gone"))
        #expect(error.description == "unavailable: gone")
    }

    @Test func `damaged details are passed over`() {
        let status = RPCStatus(
            code: 3, message: "m",
            details: [
                PackedMessage(typeURL: "type.googleapis.com/google.rpc.ErrorInfo", value: ByteBuffer(bytes: [0xff])),
                PackedMessage(typeURL: "", value: ByteBuffer(bytes: [1])),
                PackedMessage(
                    typeURL: "type.googleapis.com/google.rpc.RetryInfo", value: ByteBuffer(bytes: [0x0a, 9])),
            ])
        #expect(RPCError(status) == RPCError(code: 3, reason: "", message: "m"))
    }

    @Test func `an answer with code 0 is no error`() {
        #expect(ResponseEnvelope(status: RPCStatus(code: 0, message: "")).error == nil)
        #expect(ResponseEnvelope().error == nil)
    }

    @Test func `the last value of a metadata key counts, byte for byte`() {
        let envelope = RequestEnvelope(
            service: "s", method: "m", payload: ByteBuffer(),
            metadata: [
                MetadataEntry(key: "k\u{e9}", value: "1"), MetadataEntry(key: "k\u{e9}", value: "2"),
                MetadataEntry(key: "ke\u{301}", value: "3"),
            ])
        #expect(envelope.metadata("k\u{e9}") == "2")
        #expect(envelope.metadata("K") == nil)
    }
}
