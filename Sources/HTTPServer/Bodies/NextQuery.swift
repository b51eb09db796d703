import DMSModel
import NIOCore

extension NextRequest {
    /// The query of `POST /submitter/next`; of a name that comes twice the last counts.
    ///
    /// A name that is unknown is refused: a misspelt `lease_ms` would hand the task out for good.
    init(query: [RequestTarget.QueryItem]?) throws(InvalidRequest) {
        guard let query else {
            throw InvalidRequest(errors: [
                FieldError("value_error", at: [.name("query")], "The query is not percent-encoded UTF-8")
            ])
        }
        self.init()
        var errors: [FieldError] = []
        let last = { (name: String) in query.last { $0.name == name }?.value }
        if let text = last("wait_ms") {
            waitMilliseconds = NextRequest.milliseconds(
                text, "wait_ms", 0...Limits.nextWaitMillisecondsMax, &errors)
        }
        if let text = last("lease_ms") {
            leaseMilliseconds = NextRequest.milliseconds(
                text, "lease_ms", Limits.leaseMillisecondsMin...Limits.leaseMillisecondsMax, &errors)
        }
        if let text = last("submitter_id") {
            submitterID = text
            if let violation = FieldRules.optionalName(text, field: "submitter_id") {
                errors.append(FieldError(violation, in: "query", input: JSONString.encode(text)))
            }
        }
        errors += NextRequest.knownNames.unknown(in: query)
        guard errors.isEmpty else { throw InvalidRequest(errors: errors) }
    }

    private static let knownNames: QueryNames = ["wait_ms", "lease_ms", "submitter_id"]

    /// A whole number of milliseconds that fits the model; whether the service takes it is the service's to say.
    private static func milliseconds(
        _ text: String, _ name: String, _ range: ClosedRange<Int>, _ errors: inout [FieldError]
    ) -> UInt32 {
        guard let number = QueryNumber.read(text) else {
            errors.append(QueryNumber.error(text, name))
            return 0
        }
        if let value = UInt32(exactly: number) { return value }
        // No range holds what does not fit, negative numbers among it.
        if let violation = FieldRules.range(.max, field: name, range) {
            errors.append(FieldError(violation, in: "query", input: JSONString.encode(text)))
        }
        return 0
    }
}
