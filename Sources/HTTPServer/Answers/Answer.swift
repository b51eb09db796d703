import DMSMetrics
import DMSModel
import HTTPTypes
import Hummingbird
import NIOCore

/// A status, a few headers and a body, JSON nearly always: all that this door ever answers with.
struct Answer: Equatable {
    var status: Int
    var headers: HTTPFields
    /// Nil for an answer without a body.
    var body: ByteBuffer?
    /// What the body is.
    var contentType = "application/json"

    /// A body that is the value's JSON.
    init(_ value: some JSONWritable, status: Int = 200) {
        var body = ByteBuffer()
        value.writeJSON(into: &body)
        self.init(status: status, body: body)
    }

    /// A task that was handed out; its lease, where it has one, stands in the headers.
    init(_ task: LeasedTask) {
        self.init(task.record)
        guard let expiresAt = task.leaseExpiresAt else { return }
        headers[.leaseToken] = task.leaseToken
        headers[.leaseExpiresAt] = expiresAt.description
    }

    /// Figures for Prometheus.
    init(_ page: MetricsPage) {
        self.init(status: 200, body: page.text)
        contentType = MetricsPage.contentType
    }

    init(status: Int, headers: HTTPFields = [:], body: ByteBuffer?) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// There is nothing to say.
    static var noContent: Answer { Answer(status: 204, body: nil) }

    /// The process serves.
    static var alive: Answer { Answer(status: 200, body: ByteBuffer(string: #"{"status":"ok"}"#)) }

    /// The description of this door for programs.
    static let openAPI = Answer(status: 200, body: ByteBuffer(bytes: PackageResources.openapi_json))

    static var notFound: Answer { Answer(status: 404, detail: "Not Found", reason: .methodUnknown) }

    static func methodNotAllowed(allow: String) -> Answer {
        Answer(status: 405, detail: "Method Not Allowed", reason: .methodNotAllowed, headers: [.allow: allow])
    }

    static var targetTooLong: Answer {
        Answer(
            status: 414, detail: "A request's target may have at most \(Limits.HTTP.targetBytesMax) bytes",
            reason: .limitHead)
    }

    static var internalServerError: Answer {
        Answer(status: 500, detail: "Internal Server Error", reason: .outcomeUnknown)
    }

    /// `{"detail": "<sentence>"}`, and the reason in a header.
    init(status: Int, detail: String, reason: SchedulerError.Reason, headers: HTTPFields = [:]) {
        self.init(status: status, headers: headers, body: Answer.detailBody(detail))
        self.headers[.reason] = reason.rawValue
    }

    /// The reason of an error that the framework answers by itself.
    static func reason(ofStatus status: Int) -> SchedulerError.Reason {
        switch status {
        case 431: .limitHead
        case 400..<500: .malformed
        default: .outcomeUnknown
        }
    }

    /// The body of an error that is a sentence.
    static func detailBody(_ detail: String) -> ByteBuffer {
        var body = ByteBuffer(string: "{\"detail\":")
        JSONString.write(detail, into: &body)
        body.writeStaticString("}")
        return body
    }

    /// 422 with its list.
    init(_ invalid: InvalidRequest) {
        var body = ByteBuffer(string: "{\"detail\":[")
        for (index, error) in invalid.errors.prefix(FieldError.countMax).enumerated() {
            if index > 0 { body.writeStaticString(",") }
            error.writeJSON(into: &body)
        }
        body.writeStaticString("]}")
        self.init(status: 422, body: body)
        let isJSON = !invalid.errors.contains { $0.type == FieldError.invalidJSON }
        headers[.reason] = (isJSON ? SchedulerError.Reason.invalidField : .malformed).rawValue
    }

    /// What the service layer refused; the status comes from the one table that both doors share.
    ///
    /// `part` says where the request's fields stand: `body`, `query` or `path`.
    init(_ error: SchedulerError, part: String) {
        if error.reason == .invalidField, !error.violations.isEmpty {
            self.init(InvalidRequest(errors: error.violations.map { FieldError($0, in: part) }))
            return
        }
        let status = error.reason.httpStatus
        self.init(status: status, detail: error.message, reason: error.reason)
        if status == 503 || status == 429 { headers[.retryAfter] = Answer.retrySeconds(error.retryAfter) }
    }

    /// Whole seconds, rounded up: a client that comes back then is never too early.
    private static func retrySeconds(_ delay: Duration?) -> String {
        guard let delay else { return "1" }
        let (seconds, attoseconds) = delay.components
        return String(max(1, seconds + (attoseconds > 0 ? 1 : 0)))
    }

    /// The answer as the server writes it; to a `HEAD` without the body, but with the body's headers.
    func response(toHead: Bool) -> Response {
        var fields = headers
        if let body {
            fields[.contentType] = contentType
            fields[.contentLength] = String(body.readableBytes)
        }
        let content = toHead ? nil : body.map { ResponseBody(byteBuffer: $0) }
        return Response(status: .init(code: status), headers: fields, body: content ?? ResponseBody())
    }
}

extension HTTPField.Name {
    /// Which error it is, as programs tell them apart: the name in the table that both servers share.
    static let reason = known("X-DMS-Reason")
    /// The proof of being a task's holder.
    fileprivate static let leaseToken = known("X-DMS-Lease-Token")
    /// When the lease ends, RFC 3339.
    fileprivate static let leaseExpiresAt = known("X-DMS-Lease-Expires-At")

    private static func known(_ name: String) -> HTTPField.Name {
        guard let field = HTTPField.Name(name) else { preconditionFailure("\(name) is a header's name") }
        return field
    }
}
