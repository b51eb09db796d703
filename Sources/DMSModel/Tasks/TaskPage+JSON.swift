public import NIOCore

extension TaskPage: JSONWritable {
    /// Writes `{"tasks":[…],"next_cursor":"…"}`; the cursor is null at the end.
    public func writeJSON(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{\"tasks\":[")
        for (index, task) in tasks.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            task.writeJSON(into: &buffer)
        }
        buffer.writeStaticString("],\"next_cursor\":")
        if nextPageToken.isEmpty {
            buffer.writeStaticString("null")
        } else {
            JSONString.write(nextPageToken, into: &buffer)
        }
        buffer.writeStaticString("}")
    }
}
