public import DMSModel

/// `dms.v1.NextRequest`.
extension NextRequest: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .nextRequest }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            maxTasks: fields.uint32(1), waitMilliseconds: fields.uint32(2), leaseMilliseconds: fields.uint32(3),
            submitterID: try fields.string(4), requestID: try fields.string(5), acks: try fields.messages(6))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.uint32(1, maxTasks)
        fields.uint32(2, waitMilliseconds)
        fields.uint32(3, leaseMilliseconds)
        fields.string(4, submitterID)
        fields.string(5, requestID)
        fields.messages(6, acks)
    }
}

/// `dms.v1.NextResponse`.
extension NextAnswer: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .nextResponse }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(leasedTasks: try fields.messages(1), acks: try fields.messages(2))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.messages(1, leasedTasks)
        fields.messages(2, acks)
    }
}

/// `dms.v1.AckRequest`.
public struct AckRequest: Sendable, Equatable, WireMessage {
    /// Field `leases`: the proofs of the tasks to keep for good.
    public var leases: [LeaseReference]

    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .ackRequest }

    /// Acknowledges the tasks of these leases.
    public init(leases: [LeaseReference]) { self.leases = leases }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) { leases = try fields.messages(1) }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) { fields.messages(1, leases) }
}

/// `dms.v1.AckResponse`.
public struct AckResponse: Sendable, Equatable, WireMessage {
    /// Field `outcomes`: one for each lease of the request.
    public var outcomes: [LeaseOutcome]

    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .ackResponse }

    /// An answer with these outcomes.
    public init(outcomes: [LeaseOutcome]) { self.outcomes = outcomes }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) { outcomes = try fields.messages(1) }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) { fields.messages(1, outcomes) }
}

/// `dms.v1.RenewRequest`.
extension LeaseRenewal: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .renewRequest }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(leases: try fields.messages(1), leaseMilliseconds: fields.uint32(2))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.messages(1, leases)
        fields.uint32(2, leaseMilliseconds)
    }
}

/// `dms.v1.RenewResponse`.
public struct RenewResponse: Sendable, Equatable, WireMessage {
    /// Field `outcomes`: one for each lease of the request.
    public var outcomes: [LeaseOutcome]

    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .renewResponse }

    /// An answer with these outcomes.
    public init(outcomes: [LeaseOutcome]) { self.outcomes = outcomes }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) { outcomes = try fields.messages(1) }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) { fields.messages(1, outcomes) }
}

/// `dms.v1.ReturnRequest`.
extension TaskReturn: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .returnRequest }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(lease: try fields.requiredMessage(1), reason: try fields.optionalString(2))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.message(1, lease)
        fields.optionalString(2, reason)
    }
}

/// `dms.v1.FinishRequest`.
extension TaskFinish: WireMessage {
    /// See ``WireMessage/descriptor``.
    public static var descriptor: MessageDescriptor { .finishRequest }

    /// See ``WireMessage/init(from:)``.
    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            lease: try fields.requiredMessage(1), succeeded: fields.bool(2), result: fields.bytes(3),
            error: try fields.string(4))
    }

    /// See ``WireMessage/write(to:)``.
    public func write(to fields: borrowing MessageWriter) {
        fields.message(1, lease)
        fields.bool(2, succeeded)
        fields.bytes(3, result)
        fields.string(4, error)
    }
}
