public import NIOCore

/// A record's JSON, as Redis keeps it and as the REST door shows it:
/// `{"task_id","service","user_id","parameters","priority","status","enqueued_at","updated_at"}`, later fields behind.
///
/// The two differ in a result: it is shown as the JSON that it is, and kept as a string that holds its text.
extension TaskRecord {
    /// How deep a kept record may nest; what was kept once is read back, so this is wider than what a submission may do.
    static let recordNestingMax = 1 << 16

    /// Reads a record that was kept by this scheduler or by the Python service.
    ///
    /// Its fields may stand in any order and spacing, with unknown ones between them. Nil where the text is no record: a field
    /// missing, there twice or of the wrong type, or no JSON at all. `lib_record.lua` reads the same.
    public init?(json: ByteBuffer) {
        if let layout = RecordLayout(json.readableBytesUInt8Span), let record = TaskRecord(json, layout) {
            self = record
        } else {
            guard let text = TaskRecord.keptText(json) else { return nil }
            self.init(kept: text)
        }
    }

    /// From a record whose fields' places are known.
    init?(_ json: ByteBuffer, _ layout: borrowing RecordLayout) {
        let text = json.readableBytesUInt8Span
        guard let taskID = String(text, layout.taskID), let service = String(text, layout.service),
            let userID = String(text, layout.userID),
            let parameters = json.getSlice(
                at: json.readerIndex + layout.parameters.lowerBound, length: layout.parameters.count),
            let priority = String(text, layout.priority).flatMap(Priority.init(rawValue:)),
            let status = String(text, layout.status).flatMap(TaskStatus.init(rawValue:)),
            let enqueuedAt = Timestamp(text, layout.enqueuedAt), let updatedAt = Timestamp(text, layout.updatedAt),
            let submitterID = String(text, layout.submitterID)
        else { return nil }
        self.init(
            taskID: TaskID(taskID), service: service, userID: userID, parameters: parameters, priority: priority,
            status: status, enqueuedAt: enqueuedAt, updatedAt: updatedAt, attempt: layout.attempt,
            submitterID: submitterID)
    }

    /// Whether a lease's token may have this letter.
    static func isOfToken(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    fileprivate static func keptText(_ json: ByteBuffer) -> JSONText? {
        try? JSONText(json, nestingMax: recordNestingMax)
    }

    /// From a record that was read as JSON.
    init?(kept text: JSONText) {
        guard !text.holdsTwice(TaskRecord.keptNames),
            let taskID = text.stringMember("task_id"), let service = text.stringMember("service"),
            let userID = text.stringMember("user_id"), let parameters = text["parameters"],
            parameters.value.kind == .object,
            let priority = text.stringMember("priority").flatMap(Priority.init(rawValue:)),
            let status = text.stringMember("status").flatMap(TaskStatus.init(rawValue:)),
            let enqueuedAt = text.stringMember("enqueued_at").flatMap({ Timestamp(text: $0) }),
            let updatedAt = text.stringMember("updated_at").flatMap({ Timestamp(text: $0) })
        else { return nil }
        self.init(
            taskID: TaskID(taskID), service: service, userID: userID, parameters: text.slice(parameters.slot),
            priority: priority, status: status, enqueuedAt: enqueuedAt, updatedAt: updatedAt,
            attempt: text["attempt"].flatMap { UInt32(String(buffer: text.slice($0.value.range))) } ?? 0,
            submitterID: text.stringMember("submitter_id") ?? "",
            result: text.keptText("result").map { ByteBuffer(string: $0) }, error: text.keptText("error"))
    }

    /// Every field that a kept record may have and that means something.
    private static let keptNames = [
        "task_id", "service", "user_id", "parameters", "priority", "status", "enqueued_at", "updated_at", "attempt",
        "returned", "lease", "lease_ms", "submitter_id", "request_id", "result", "error",
    ]

    /// Appends the record as compact JSON; times in RFC 3339, UTC, microseconds, `Z`.
    public func writeJSON(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{\"task_id\":")
        JSONString.write(taskID.text, into: &buffer)
        buffer.writeStaticString(",\"service\":")
        JSONString.write(service, into: &buffer)
        buffer.writeStaticString(",\"user_id\":")
        JSONString.write(userID, into: &buffer)
        buffer.writeStaticString(",\"parameters\":")
        buffer.writeImmutableBuffer(parameters)
        buffer.writeStaticString(",\"priority\":\"")
        buffer.writeString(priority.rawValue)
        buffer.writeStaticString("\",\"status\":\"")
        buffer.writeString(status.rawValue)
        buffer.writeStaticString("\",\"enqueued_at\":\"")
        enqueuedAt.write(into: &buffer)
        buffer.writeStaticString("\",\"updated_at\":\"")
        updatedAt.write(into: &buffer)
        buffer.writeStaticString("\"")
        if attempt > 0 {
            buffer.writeStaticString(",\"attempt\":")
            buffer.writeString(String(attempt))
        }
        if !submitterID.isEmpty {
            buffer.writeStaticString(",\"submitter_id\":")
            JSONString.write(submitterID, into: &buffer)
        }
        if let result {
            buffer.writeStaticString(",\"result\":")
            buffer.writeImmutableBuffer(result)
        }
        if let error {
            buffer.writeStaticString(",\"error\":")
            JSONString.write(error, into: &buffer)
        }
        buffer.writeStaticString("}")
    }
}

extension LeasedTask {
    /// Reads a kept record that was handed out; its lease, where it has one, counts from that time.
    ///
    /// Nil where the text is no record.
    public init?(json: ByteBuffer, leasedAt start: Timestamp) {
        if let layout = RecordLayout(json.readableBytesUInt8Span), let record = TaskRecord(json, layout),
            let token = String(json.readableBytesUInt8Span, layout.lease)
        {
            let end = start.later(milliseconds: layout.leaseMilliseconds)
            self.init(record, leaseToken: token, leaseExpiresAt: token.isEmpty ? nil : end)
            return
        }
        guard let text = TaskRecord.keptText(json), let record = TaskRecord(kept: text) else { return nil }
        guard let token = text.stringMember("lease"), !token.isEmpty, token.utf8.allSatisfy(TaskRecord.isOfToken),
            let length = text["lease_ms"].flatMap({ Int64(String(buffer: text.slice($0.value.range))) })
        else {
            self.init(record)
            return
        }
        self.init(
            record, leaseToken: token,
            leaseExpiresAt: start.later(milliseconds: length))
    }
}

extension String {
    /// A part of a text; nil where it is not UTF-8.
    fileprivate init?(_ text: Span<UInt8>, _ range: Range<Int>) {
        guard let part = try? UTF8Span(validating: text.extracting(range)) else { return nil }
        self.init(copying: part)
    }
}

extension JSONText {
    /// Whether one of these names is there more than once.
    fileprivate func holdsTwice(_ names: [String]) -> Bool {
        let span = bytes.readableBytesUInt8Span
        var isThere = Array(repeating: false, count: names.count)
        for member in members {
            for (index, name) in names.enumerated() where JSONString.matches(name, span, in: member.key) {
                if isThere[index] { return true }
                isThere[index] = true
            }
        }
        return false
    }

    /// What came of a task: kept as a string that holds its text; another program may have put the JSON itself there.
    fileprivate func keptText(_ name: String) -> String? {
        guard let member = self[name], member.value.kind != .null else { return nil }
        return stringMember(name) ?? String(buffer: slice(member.value.range))
    }

    /// The text of a member that is a string; nil where it is missing or something else.
    public func stringMember(_ name: String) -> String? {
        guard let member = self[name], member.value.kind == .string else { return nil }
        return string(member.value)
    }
}
