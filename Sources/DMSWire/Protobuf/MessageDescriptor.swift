import CDMSProto
import CProtobufC

/// Which protobuf message a value is sent as.
@safe public struct MessageDescriptor: Sendable {
    /// Constant for the life of the process: protoc-c's tables are static.
    nonisolated(unsafe) let pointer: UnsafePointer<ProtobufCMessageDescriptor>

    init(pointer: UnsafePointer<ProtobufCMessageDescriptor>) { unsafe self.pointer = unsafe pointer }

    /// Takes the descriptor from an initialized struct: its address is the one that libprotobuf-c knows it by.
    private init<CMessage>(_ initialize: (UnsafeMutablePointer<CMessage>?) -> Void) {
        let sample = UnsafeMutablePointer<CMessage>.allocate(capacity: 1)
        unsafe initialize(sample)
        unsafe pointer = UnsafeRawPointer(sample).load(as: ProtobufCMessage.self).descriptor
        unsafe sample.deallocate()
    }

    /// The full name, such as `dms.v1.Task`.
    public var name: String { unsafe String(cString: pointer.pointee.name) }

    /// The description of a field; asking for one that the message lacks is a mistake in this module.
    func field(_ number: Int) -> UnsafePointer<ProtobufCFieldDescriptor> {
        // Our messages number their fields from 1 without gaps, so that a field's number says where it stands.
        guard number >= 1, unsafe number <= Int(pointer.pointee.n_fields) else {
            preconditionFailure("\(name) has no field \(number)")
        }
        let field = unsafe pointer.pointee.fields + (number - 1)
        guard unsafe field.pointee.id == UInt32(number) else {
            preconditionFailure("\(name) has no field \(number) at its place")
        }
        return unsafe field
    }
}

extension MessageDescriptor {
    static let request = unsafe MessageDescriptor(ttrpc__request__init)
    static let response = unsafe MessageDescriptor(ttrpc__response__init)
    static let keyValue = unsafe MessageDescriptor(ttrpc__key_value__init)

    static let status = unsafe MessageDescriptor(google__rpc__status__init)
    static let any = unsafe MessageDescriptor(google__protobuf__any__init)
    static let timestamp = unsafe MessageDescriptor(google__protobuf__timestamp__init)
    static let duration = unsafe MessageDescriptor(google__protobuf__duration__init)
    static let errorInfo = unsafe MessageDescriptor(google__rpc__error_info__init)
    static let retryInfo = unsafe MessageDescriptor(google__rpc__retry_info__init)
    static let badRequest = unsafe MessageDescriptor(google__rpc__bad_request__init)
    static let fieldViolation = unsafe MessageDescriptor(google__rpc__bad_request__field_violation__init)

    static let task = unsafe MessageDescriptor(dms__v1__task__init)
    static let queuePosition = unsafe MessageDescriptor(dms__v1__queue_position__init)
    static let queueOverview = unsafe MessageDescriptor(dms__v1__queue_overview__init)
    static let taskSummary = unsafe MessageDescriptor(dms__v1__task_summary__init)
    static let stats = unsafe MessageDescriptor(dms__v1__stats__init)
    static let blockState = unsafe MessageDescriptor(dms__v1__block_state__init)

    static let enqueueRequest = unsafe MessageDescriptor(dms__v1__enqueue_request__init)
    static let getTaskRequest = unsafe MessageDescriptor(dms__v1__get_task_request__init)
    static let cancelTaskRequest = unsafe MessageDescriptor(dms__v1__cancel_task_request__init)
    static let listTasksRequest = unsafe MessageDescriptor(dms__v1__list_tasks_request__init)
    static let listTasksResponse = unsafe MessageDescriptor(dms__v1__list_tasks_response__init)
    static let overviewRequest = unsafe MessageDescriptor(dms__v1__overview_request__init)
    static let getStatsRequest = unsafe MessageDescriptor(dms__v1__get_stats_request__init)

    static let leaseRef = unsafe MessageDescriptor(dms__v1__lease_ref__init)
    static let leaseOutcome = unsafe MessageDescriptor(dms__v1__lease_outcome__init)
    static let leasedTask = unsafe MessageDescriptor(dms__v1__leased_task__init)
    static let nextRequest = unsafe MessageDescriptor(dms__v1__next_request__init)
    static let nextResponse = unsafe MessageDescriptor(dms__v1__next_response__init)
    static let ackRequest = unsafe MessageDescriptor(dms__v1__ack_request__init)
    static let ackResponse = unsafe MessageDescriptor(dms__v1__ack_response__init)
    static let renewRequest = unsafe MessageDescriptor(dms__v1__renew_request__init)
    static let renewResponse = unsafe MessageDescriptor(dms__v1__renew_response__init)
    static let returnRequest = unsafe MessageDescriptor(dms__v1__return_request__init)
    static let finishRequest = unsafe MessageDescriptor(dms__v1__finish_request__init)

    static let setPriorityRequest = unsafe MessageDescriptor(dms__v1__set_priority_request__init)
    static let blockRequest = unsafe MessageDescriptor(dms__v1__block_request__init)
    static let resumeRequest = unsafe MessageDescriptor(dms__v1__resume_request__init)
    static let getBlockRequest = unsafe MessageDescriptor(dms__v1__get_block_request__init)

    static let healthCheckRequest = unsafe MessageDescriptor(grpc__health__v1__health_check_request__init)
    static let healthCheckResponse = unsafe MessageDescriptor(grpc__health__v1__health_check_response__init)
}
