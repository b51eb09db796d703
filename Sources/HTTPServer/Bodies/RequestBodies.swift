import DMSModel
import NIOCore

extension TaskSubmission {
    /// The body of `POST /tasks`.
    init(body: ByteBuffer) throws(InvalidRequest) {
        var fields = try BodyFields(body)
        let id = fields.taskID()
        let service = fields.name("service")
        let userID = fields.name("user_id")
        let parameters = fields.parameters("parameters")
        let priority = fields.priority("priority", fallback: .low)
        guard let id, let service, let userID, let parameters, let priority else {
            throw InvalidRequest(errors: fields.errors)
        }
        self.init(taskID: id, service: service, userID: userID, parameters: parameters, priority: priority)
    }
}

extension TaskCancellation {
    /// The body of `POST /tasks/cancel`.
    init(body: ByteBuffer) throws(InvalidRequest) {
        var fields = try BodyFields(body)
        let id = fields.taskID()
        let service = fields.name("service")
        let userID = fields.name("user_id")
        guard let id, let service, let userID else { throw InvalidRequest(errors: fields.errors) }
        self.init(taskID: id, service: service, userID: userID)
    }
}

/// The body of `POST /admin/priority`.
struct PriorityChange: Equatable {
    var taskID: TaskID
    var priority: Priority

    init(body: ByteBuffer) throws(InvalidRequest) {
        var fields = try BodyFields(body)
        let id = fields.taskID()
        let priority = fields.priority("priority")
        guard let id, let priority else { throw InvalidRequest(errors: fields.errors) }
        taskID = id
        self.priority = priority
    }
}

/// The body of `POST /admin/block`.
struct BlockChange: Equatable {
    var blocked: Bool
    var reason: String?

    init(body: ByteBuffer) throws(InvalidRequest) {
        var fields = try BodyFields(body)
        let blocked = fields.bool("blocked")
        reason = fields.reason()
        guard let blocked, fields.errors.isEmpty else { throw InvalidRequest(errors: fields.errors) }
        self.blocked = blocked
    }
}

/// The body of `POST /admin/resume`, which may be left out altogether.
struct Resumption: Equatable {
    var reason: String?

    init(body: ByteBuffer) throws(InvalidRequest) {
        guard body.readableBytes > 0 else { return }
        var fields = try BodyFields(body)
        reason = fields.reason()
        guard fields.errors.isEmpty else { throw InvalidRequest(errors: fields.errors) }
    }
}

extension BodyFields {
    fileprivate mutating func taskID() -> TaskID? {
        string("task_id") { FieldRules.taskID(TaskID($0)) }.map { TaskID($0) }
    }

    fileprivate mutating func name(_ field: String) -> String? {
        string(field) { FieldRules.name($0, field: field) }
    }

    fileprivate mutating func reason() -> String? {
        optionalString("reason") { FieldRules.reason($0) }
    }
}
