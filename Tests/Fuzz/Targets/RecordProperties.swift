import Foundation
import NIOCore

@testable import DMSModel

/// Records: found by their fields' places they are what the JSON parser finds, and written they are read as the same.
///
/// The first byte chooses what is read: a whole record, one whose parts come from the input, or a time.
enum RecordProperties {
    static func check(_ input: FuzzInput) throws {
        var input = input
        switch input.choice(of: 3) {
        case 0: try checkRecord(input.bytes)
        case 1: try checkRecord(composed(input))
        default: try checkTimestamp(input)
        }
    }

    private static func checkRecord(_ bytes: ByteBuffer) throws {
        let record = TaskRecord(json: bytes)
        let text = try? JSONText(bytes, nestingMax: TaskRecord.recordNestingMax)
        if let layout = RecordLayout(bytes.readableBytesUInt8Span), let quick = TaskRecord(bytes, layout) {
            guard let text else { throw BrokenProperty(description: "a record was read that is no JSON") }
            try hold(quick == TaskRecord(kept: text), "a record's places are not its fields")
        }
        let start = Timestamp(microseconds: 1_700_000_000_000_000)
        let leased = LeasedTask(json: bytes, leasedAt: start)
        try hold(leased?.record == record, "a leased task is another task")
        if let text, leased != nil {
            let token = text.stringMember("lease") ?? ""
            try hold(
                leased?.leaseToken == token || leased?.leaseToken == "", "a lease's token is not the record's")
        }
        guard var record else { return }
        // A result is kept otherwise than it is shown.
        record.result = nil
        var written = ByteBuffer()
        record.writeJSON(into: &written)
        let again = TaskRecord(json: written)
        try hold(again?.taskID == record.taskID, "a record is not read as it was written")
        try hold(again?.parameters == record.parameters, "parameters are not read as they were written")
        if abs(record.enqueuedAt.microseconds) < 1 << 55, abs(record.updatedAt.microseconds) < 1 << 55 {
            try hold(again == record, "a record is not read as it was written")
        }
    }

    /// A record as the scripts write it, whose strings and parameters come from the input.
    private static func composed(_ input: FuzzInput) -> ByteBuffer {
        var input = input
        func part(_ count: UInt8) -> String { String(buffer: input.take(Int(count))) }
        let (id, service, user) = (part(input.byte() % 8), part(input.byte() % 8), part(input.byte() % 8))
        let parameters = part(input.byte())
        return ByteBuffer(
            string: """
                {"task_id":"\(id)","service":"\(service)","user_id":"\(user)","parameters":{\(parameters)},\
                "priority":"low","status":"dispatched","enqueued_at":"2025-11-23T10:11:12.123456Z",\
                "updated_at":"2025-11-23T10:11:13Z","attempt":3,"lease":"abc","lease_ms":1000\(String(buffer: input.bytes))}
                """)
    }

    private static func checkTimestamp(_ input: FuzzInput) throws {
        guard let text = input.text, let time = Timestamp(text: text) else { return }
        let written = time.description
        guard let again = Timestamp(text: written) else {
            throw BrokenProperty(description: "a time is written as none: \(written)")
        }
        let first = Timestamp(text: "0000-01-01T00:00:00Z"), last = Timestamp(text: "9999-12-31T23:59:59.999999Z")
        if let first, let last, first <= time, time <= last {
            try hold(again == time, "a time is not read as it was written")
        }
        try hold(again.description == written, "a time is written in two ways")
        try hold(Timestamp(seconds: time.seconds, nanoseconds: time.nanoseconds) == time, "a time has two values")
    }
}
