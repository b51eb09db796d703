public import NIOCore

/// Which values a request's fields may have; the service layer and the doors ask the same rules.
public enum FieldRules {
    /// Ids that can name no task: the record of `index` would take the key of the index set.
    private static let reservedTaskIDs: Set<String> = ["index"]

    /// What is wrong with a task id; nil where nothing is.
    public static func taskID(_ id: TaskID, field: String = "task_id") -> FieldViolation? {
        if let violation = name(id.text, field: field) { return violation }
        guard !reservedTaskIDs.contains(id.text) else {
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
        let isControl = { (scalar: Unicode.Scalar) in scalar.properties.generalCategory == .control }
        guard !text.unicodeScalars.contains(where: isControl) else {
            return FieldViolation(
                field: field, kind: .controlCharacter, message: "String should not hold control characters")
        }
        return nil
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
            let kind: FieldViolation.Kind = error.problem == .tooDeep ? .tooDeep : .invalidJSON
            return FieldViolation(
                field: field, kind: kind, message: "Not JSON at byte \(error.offset): \(error.problem.rawValue)")
        }
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
}
