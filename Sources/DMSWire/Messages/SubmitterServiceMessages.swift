public import DMSModel

/// `dms.v1.NextRequest`.
extension NextRequest: WireMessage {
    public static var descriptor: MessageDescriptor { .nextRequest }

    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            maxTasks: fields.uint32(1), waitMilliseconds: fields.uint32(2), leaseMilliseconds: fields.uint32(3),
            submitterID: try fields.string(4), requestID: try fields.string(5), acks: try fields.messages(6))
    }

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
    public static var descriptor: MessageDescriptor { .nextResponse }

    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(leasedTasks: try fields.messages(1), acks: try fields.messages(2))
    }

    public func write(to fields: borrowing MessageWriter) {
        fields.messages(1, leasedTasks)
        fields.messages(2, acks)
    }
}

/// `dms.v1.AckRequest`.
public struct AckRequest: Sendable, Equatable, WireMessage {
    public var leases: [LeaseReference]

    public static var descriptor: MessageDescriptor { .ackRequest }

    public init(leases: [LeaseReference]) { self.leases = leases }

    public init(from fields: borrowing MessageReader) throws(WireError) { leases = try fields.messages(1) }

    public func write(to fields: borrowing MessageWriter) { fields.messages(1, leases) }
}

/// `dms.v1.AckResponse`.
public struct AckResponse: Sendable, Equatable, WireMessage {
    public var outcomes: [LeaseOutcome]

    public static var descriptor: MessageDescriptor { .ackResponse }

    public init(outcomes: [LeaseOutcome]) { self.outcomes = outcomes }

    public init(from fields: borrowing MessageReader) throws(WireError) { outcomes = try fields.messages(1) }

    public func write(to fields: borrowing MessageWriter) { fields.messages(1, outcomes) }
}

/// `dms.v1.RenewRequest`.
extension LeaseRenewal: WireMessage {
    public static var descriptor: MessageDescriptor { .renewRequest }

    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(leases: try fields.messages(1), leaseMilliseconds: fields.uint32(2))
    }

    public func write(to fields: borrowing MessageWriter) {
        fields.messages(1, leases)
        fields.uint32(2, leaseMilliseconds)
    }
}

/// `dms.v1.RenewResponse`.
public struct RenewResponse: Sendable, Equatable, WireMessage {
    public var outcomes: [LeaseOutcome]

    public static var descriptor: MessageDescriptor { .renewResponse }

    public init(outcomes: [LeaseOutcome]) { self.outcomes = outcomes }

    public init(from fields: borrowing MessageReader) throws(WireError) { outcomes = try fields.messages(1) }

    public func write(to fields: borrowing MessageWriter) { fields.messages(1, outcomes) }
}

/// `dms.v1.ReturnRequest`.
extension TaskReturn: WireMessage {
    public static var descriptor: MessageDescriptor { .returnRequest }

    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(lease: try fields.requiredMessage(1), reason: try fields.optionalString(2))
    }

    public func write(to fields: borrowing MessageWriter) {
        fields.message(1, lease)
        fields.optionalString(2, reason)
    }
}

/// `dms.v1.FinishRequest`.
extension TaskFinish: WireMessage {
    public static var descriptor: MessageDescriptor { .finishRequest }

    public init(from fields: borrowing MessageReader) throws(WireError) {
        self.init(
            lease: try fields.requiredMessage(1), succeeded: fields.bool(2), result: fields.bytes(3),
            error: try fields.string(4))
    }

    public func write(to fields: borrowing MessageWriter) {
        fields.message(1, lease)
        fields.bool(2, succeeded)
        fields.bytes(3, result)
        fields.string(4, error)
    }
}
