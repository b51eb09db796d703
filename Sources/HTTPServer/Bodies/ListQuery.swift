import DMSModel
import NIOCore

extension TaskQuery {
    /// The query of `GET /tasks`.
    ///
    /// `status` and `priority` may come several times, or hold several names with commas between them; of any other name that
    /// comes twice the last counts. What is empty is not there; a name that is unknown is refused, or a misspelt filter would show all.
    init(query: [RequestTarget.QueryItem]?) throws(InvalidRequest) {
        guard let query else {
            throw InvalidRequest(errors: [
                FieldError("value_error", at: [.name("query")], "The query is not percent-encoded UTF-8")
            ])
        }
        var errors: [FieldError] = []
        let last = { (name: String) in query.last { $0.name == name && !$0.value.isEmpty }?.value }
        self.init(
            pageToken: last("cursor") ?? "",
            statuses: TaskQuery.names(
                query, "status", "'queued', 'dispatched', 'canceled', 'completed' or 'failed'", &errors),
            priorities: TaskQuery.names(query, "priority", "'low', 'mid' or 'high'", &errors))
        if let text = last("limit") { pageSize = TaskQuery.limit(text, &errors) }
        service = TaskQuery.name(last("service"), "service", &errors)
        userID = TaskQuery.name(last("user_id"), "user_id", &errors)
        if let text = last("newest_first") { newestFirst = TaskQuery.flag(text, "newest_first", &errors) }
        errors += TaskQuery.knownNames.unknown(in: query)
        guard errors.isEmpty else { throw InvalidRequest(errors: errors) }
    }

    private static let knownNames: QueryNames = [
        "status", "priority", "service", "user_id", "limit", "cursor", "newest_first",
    ]

    private static func names<Value: RawRepresentable<String>>(
        _ query: [RequestTarget.QueryItem], _ name: String, _ expected: String, _ errors: inout [FieldError]
    ) -> [Value] {
        var values: [Value] = []
        for item in query where item.name == name && !item.value.isEmpty {
            for text in item.value.split(separator: ",", omittingEmptySubsequences: false) {
                if let value = Value(rawValue: String(text)) {
                    values.append(value)
                } else {
                    refuse("enum", name, "Input should be " + expected, String(text), &errors, expected)
                }
            }
        }
        return values
    }

    private static func name(_ text: String?, _ name: String, _ errors: inout [FieldError]) -> String {
        guard let text else { return "" }
        if let violation = FieldRules.optionalName(text, field: name) {
            errors.append(FieldError(violation, in: "query", input: JSONString.encode(text)))
        }
        return text
    }

    /// Any number from 0 on: what is above the most that a page holds stands for that.
    private static func limit(_ text: String, _ errors: inout [FieldError]) -> UInt32 {
        guard let number = QueryNumber.read(text) else {
            errors.append(QueryNumber.error(text, "limit"))
            return 0
        }
        if number < 0 {
            let violation = FieldViolation(field: "limit", kind: .outOfRange, message: "Value should be at least 0")
            errors.append(FieldError(violation, in: "query", input: JSONString.encode(text)))
        }
        return UInt32(clamping: number)
    }

    /// A truth as pydantic reads it, whose errors these are.
    private static func flag(_ text: String, _ name: String, _ errors: inout [FieldError]) -> Bool {
        switch text.lowercased() {
        case "true", "t", "yes", "y", "on", "1": return true
        case "false", "f", "no", "n", "off", "0": return false
        default:
            refuse("bool_parsing", name, "Input should be a valid boolean, unable to interpret input", text, &errors)
            return false
        }
    }

    private static func refuse(
        _ type: String, _ name: String, _ message: String, _ input: String, _ errors: inout [FieldError],
        _ expected: String? = nil
    ) {
        errors.append(
            FieldError(
                type, at: [.name("query"), .name(name)], message, input: JSONString.encode(input),
                context: expected.map { .init("expected", text: $0) }))
    }
}
