import DMSModel

/// A value that goes over the wire as the number of a protobuf enumeration.
protocol WireEnumeration {
    /// Nil where the number means nothing to us.
    init?(wireNumber: Int32)
    var wireNumber: Int32 { get }
}

extension Priority: WireEnumeration {
    /// 0, "unspecified", stands for low.
    init?(wireNumber: Int32) {
        switch wireNumber {
        case 0, 1: self = .low
        case 2: self = .mid
        case 3: self = .high
        default: return nil
        }
    }

    var wireNumber: Int32 {
        switch self {
        case .low: 1
        case .mid: 2
        case .high: 3
        }
    }
}

extension TaskStatus: WireEnumeration {
    init?(wireNumber: Int32) {
        guard let status = TaskStatus.allCases.first(where: { $0.wireNumber == wireNumber }) else { return nil }
        self = status
    }

    var wireNumber: Int32 {
        switch self {
        case .queued: 1
        case .dispatched: 2
        case .canceled: 3
        case .completed: 4
        case .failed: 5
        }
    }
}
