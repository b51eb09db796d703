public import NIOCore

/// A value that REST answers and the command lines show as JSON.
///
/// Written by hand, so that order and numbers are the contract's.
public protocol JSONWritable {
    /// Appends the value as compact JSON.
    func writeJSON(into buffer: inout ByteBuffer)
}

extension TaskRecord: JSONWritable {}

extension QueueOverview: JSONWritable {
    /// Writes `{"total","high","mid","low"}`.
    public func writeJSON(into buffer: inout ByteBuffer) {
        buffer.writeString("{\"total\":\(total),\"high\":\(high),\"mid\":\(mid),\"low\":\(low)}")
    }
}

extension QueuePosition: JSONWritable {
    /// Writes `{"priority","position_in_priority","global_position"}`.
    public func writeJSON(into buffer: inout ByteBuffer) {
        buffer.writeString(
            """
            {"priority":"\(priority.rawValue)","position_in_priority":\(positionInPriority),\
            "global_position":\(globalPosition)}
            """)
    }
}

extension TaskSummary: JSONWritable {
    /// Writes `{"record","queue_position","overview"}`.
    public func writeJSON(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{\"record\":")
        record.writeJSON(into: &buffer)
        buffer.writeStaticString(",\"queue_position\":")
        if let queuePosition {
            queuePosition.writeJSON(into: &buffer)
        } else {
            buffer.writeStaticString("null")
        }
        buffer.writeStaticString(",\"overview\":")
        overview.writeJSON(into: &buffer)
        buffer.writeStaticString("}")
    }
}

extension Statistics: JSONWritable {
    /// The documented fields.
    ///
    /// Later counters are not among them.
    public func writeJSON(into buffer: inout ByteBuffer) {
        let updated = lastUpdated.map { "\"\($0)\"" } ?? "null"
        buffer.writeString(
            """
            {"queued":\(queued),"dispatched":\(dispatched),"canceled":\(canceled),"last_updated":\(updated),\
            "queue_overview":
            """)
        overview.writeJSON(into: &buffer)
        buffer.writeStaticString("}")
    }
}

extension BlockState: JSONWritable {
    /// `updated_at` is left out where the flag was never set.
    public func writeJSON(into buffer: inout ByteBuffer) {
        buffer.writeString("{\"blocked\":\(blocked),\"reason\":")
        if let reason {
            JSONString.write(reason, into: &buffer)
        } else {
            buffer.writeStaticString("null")
        }
        if let updatedAt { buffer.writeString(",\"updated_at\":\"\(updatedAt)\"") }
        buffer.writeStaticString("}")
    }
}
