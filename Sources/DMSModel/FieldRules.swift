public import NIOCore

/// Which values a request's fields may have; the service layer and the doors ask the same rules.
public enum FieldRules {
    /// An id that can name no task: its record would take the key of the index set.
    private static let reservedTaskID = "index"

    /// What is wrong with a task id; nil where nothing is.
    public static func taskID(_ id: TaskID, field: String = "task_id") -> FieldViolation? {
        if let violation = name(id.text, field: field) { return violation }
        guard id.text != reservedTaskID else {
            return FieldViolation(field: field, kind: .reserved, message: "The id '\(id)' is reserved")
        }
        return nil
    }

    /// What is wrong with a service, user or task name: 1 to 256 bytes, no control characters.
    public static func name(_ text: String, field: String) -> FieldViolation? {
        if text.utf8.isEmpty {
            return FieldViolation(
                field: field, kind: .tooShort(minimumBytes: 1), message: "String should have at least 1 character")
        }
        return optionalName(text, field: field)
    }

    /// The same rule for a name that may be empty.
    public static func optionalName(_ text: String, field: String) -> FieldViolation? {
        if let violation = length(text, field: field, bytesMax: Limits.nameBytesMax) { return violation }
        guard !holdsControlCharacter(text) else {
            return FieldViolation(
                field: field, kind: .controlCharacter, message: "String should not hold control characters")
        }
        return nil
    }

    /// Whether one of U+0000 … U+001F and U+007F … U+009F is in the text; by its bytes, since Unicode's tables are slow.
    private static func holdsControlCharacter(_ text: String) -> Bool {
        var previous: UInt8 = 0
        for byte in text.utf8 {
            if byte < 0x20 || byte == 0x7F || previous == 0xC2 && byte < 0xA0 { return true }
            previous = byte
        }
        return false
    }

    /// The reason of a block: any text of bounded length.
    public static func reason(_ text: String, field: String = "reason") -> FieldViolation? {
        length(text, field: field, bytesMax: Limits.reasonBytesMax)
    }

    private static func length(_ text: String, field: String, bytesMax: Int) -> FieldViolation? {
        guard text.utf8.count > bytesMax else { return nil }
        return FieldViolation(
            field: field, kind: .tooLong(maximumBytes: bytesMax),
            message: "String should have at most \(bytesMax) bytes of UTF-8")
    }

    /// What is wrong with a task's parameters: they must be one JSON object by RFC 8259, nested at most 512 deep.
    ///
    /// Their size is a limit of its own (``SchedulerError/Reason/limitParameters``), see ``checkParametersSize(_:)``.
    public static func parameters(_ bytes: ByteBuffer, field: String = "parameters") -> FieldViolation? {
        do {
            let text = try JSONText(bytes, nestingMax: Limits.parametersNestingMax)
            guard text.root.kind == .object else {
                return FieldViolation(field: field, kind: .notAnObject, message: "Input should be a valid dictionary")
            }
            return nil
        } catch {
            return notJSON(error, field: field)
        }
    }

    private static func notJSON(_ error: JSONError, field: String) -> FieldViolation {
        FieldViolation(
            field: field, kind: error.problem == .tooDeep ? .tooDeep : .invalidJSON,
            message: "Not JSON at byte \(error.offset): \(error.problem.rawValue)")
    }

    /// Throws ``SchedulerError/Reason/limitParameters`` where the parameters are larger than a task may carry.
    public static func checkParametersSize(_ bytes: Int) throws(SchedulerError) {
        guard bytes > Limits.parametersBytesMax else { return }
        throw SchedulerError(
            .limitParameters, "The parameters have \(bytes) bytes; at most \(Limits.parametersBytesMax) are taken")
    }

    /// What is wrong with a number that must lie in a range.
    public static func range(_ value: UInt32, field: String, _ range: ClosedRange<Int>) -> FieldViolation? {
        guard !range.contains(Int(value)) else { return nil }
        return FieldViolation(
            field: field, kind: .outOfRange,
            message: "Value should be from \(range.lowerBound) to \(range.upperBound)")
    }

    /// What is wrong with the length of a lease; 0 stands for what the method says.
    public static func leaseMilliseconds(_ value: UInt32) -> FieldViolation? {
        value == 0
            ? nil : range(value, field: "lease_ms", Limits.leaseMillisecondsMin...Limits.leaseMillisecondsMax)
    }

    /// What is wrong with the proof of being a task's holder; whether the token is right is another question.
    public static func lease(_ lease: LeaseReference, field: String) -> FieldViolation? {
        taskID(lease.taskID, field: "\(field).task_id")
            ?? length(lease.token, field: "\(field).lease_token", bytesMax: Limits.nameBytesMax)
    }

    /// What is wrong with several of them: how many, or the first that is not well-formed.
    public static func leases(_ leases: [LeaseReference], field: String) -> FieldViolation? {
        guard leases.count <= Limits.leasesPerCallMax else {
            return FieldViolation(
                field: field, kind: .outOfRange, message: "At most \(Limits.leasesPerCallMax) leases are taken")
        }
        for (index, lease) in leases.enumerated() {
            if let violation = self.lease(lease, field: "\(field)[\(index)]") { return violation }
        }
        return nil
    }

    /// What is wrong with a result: it is one JSON text; a task that failed may have one too.
    public static func result(of finish: TaskFinish, field: String = "result") -> FieldViolation? {
        guard finish.result.readableBytes > 0 else { return nil }
        do {
            _ = try JSONText(finish.result, nestingMax: Limits.parametersNestingMax)
            return nil
        } catch {
            return notJSON(error, field: field)
        }
    }

    /// What is wrong with an error: any text of bounded length, and only a task that failed has one.
    public static func error(of finish: TaskFinish, field: String = "error") -> FieldViolation? {
        guard !finish.succeeded || finish.error.isEmpty else {
            return FieldViolation(field: field, kind: .outOfRange, message: "A task that succeeded has no error")
        }
        return length(finish.error, field: field, bytesMax: Limits.errorBytesMax)
    }

    /// Throws ``SchedulerError/Reason/limitResult`` where the result is larger than a task may have.
    public static func checkResultSize(_ bytes: Int) throws(SchedulerError) {
        guard bytes > Limits.resultBytesMax else { return }
        throw SchedulerError(
            .limitResult, "The result has \(bytes) bytes; at most \(Limits.resultBytesMax) are taken")
    }
}
