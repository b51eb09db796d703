public import DMSModel

/// `dms.v1.LeaseRef`.
extension LeaseReference: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .leaseRef }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(taskID: TaskID(try fields.string(1)), token: try fields.string(2))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, taskID.text)
        fields.string(2, token)
    }
}

/// `dms.v1.LeasedTask`.
extension LeasedTask: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .leasedTask }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            try fields.requiredMessage(1), leaseToken: try fields.string(2), leaseExpiresAt: try fields.message(3))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.message(1, record)
        fields.string(2, leaseToken)
        fields.message(3, leaseExpiresAt)
    }
}

/// `dms.v1.LeaseOutcome`.
extension LeaseOutcome: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .leaseOutcome }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        let status = try fields.message(2, as: RPCStatus.self)
        self.init(
            taskID: TaskID(try fields.string(1)), error: status.flatMap(LeaseOutcome.error), isCanceled: fields.bool(3),
            leaseExpiresAt: try fields.message(4))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.string(1, taskID.text)
        fields.message(2, error.map { RPCStatus($0) })
        fields.bool(3, isCanceled)
        fields.message(4, leaseExpiresAt)
    }

    /// The error of an outcome; one whose reason is none of ours is of unknown outcome to us.
    private static func error(of status: RPCStatus) -> SchedulerError? {
        guard status.code != 0 else { return nil }
        let error = RPCError(status)
        return SchedulerError(error) ?? SchedulerError(.outcomeUnknown, error.description)
    }
}
