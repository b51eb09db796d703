public import NIOCore

extension RedisReply {
    /// The value of an integer answer.
    public func integer() throws(RedisError) -> Int {
        guard let value = integerValue else { throw shapeError("an integer") }
        return value
    }

    /// The integer that a string answer spells, or that an integer answer is: a hash's field is always a string.
    public func decimal() throws(RedisError) -> Int {
        if let value = integerValue { return value }
        guard let value = Int(try text()) else { throw shapeError("a decimal integer") }
        return value
    }

    /// The text of a string or a status; bytes that are no UTF-8 become U+FFFD.
    public func text() throws(RedisError) -> String {
        try requireString()
        return repairedText
    }

    /// As ``text()``; nil of a null.
    public func optionalText() throws(RedisError) -> String? {
        if kind == .null { return nil }
        return try text()
    }

    /// A copy of the bytes of a string or a status.
    public func bytes() throws(RedisError) -> ByteBuffer {
        try requireString()
        let span = span
        var buffer = ByteBufferAllocator().buffer(capacity: span.count)
        unsafe span.withUnsafeBytes { unsafe _ = buffer.writeBytes($0) }
        return buffer
    }

    /// Copies of the bytes of an array's strings, which share one piece of memory.
    public func slices() throws(RedisError) -> [ByteBuffer] {
        let sizes = try map { string throws(RedisError) in try string.withSpan { $0.count } }
        var all = ByteBufferAllocator().buffer(capacity: sizes.reduce(0, +))
        for index in sizes.indices {
            try self[index].withSpan { span in unsafe span.withUnsafeBytes { unsafe _ = all.writeBytes($0) } }
        }
        return sizes.map { all.readSlice(length: $0) ?? ByteBuffer() }
    }

    /// As ``bytes()``; nil of a null.
    public func optionalBytes() throws(RedisError) -> ByteBuffer? {
        if kind == .null { return nil }
        return try bytes()
    }

    /// Reads the bytes of a string or a status in place.
    public func withSpan<Value>(_ body: (Span<UInt8>) throws(RedisError) -> Value) throws(RedisError) -> Value {
        try requireString()
        return try body(span)
    }

    /// Reads an element of an array.
    public func element<Value>(
        _ index: Int, _ body: (borrowing RedisReply) throws(RedisError) -> Value
    ) throws(RedisError) -> Value {
        try body(try self[index])
    }

    /// Reads every element of an array, in order.
    public func map<Value>(
        _ body: (borrowing RedisReply) throws(RedisError) -> Value
    ) throws(RedisError) -> [Value] {
        guard kind == .array else { throw shapeError("an array") }
        var values: [Value] = []
        values.reserveCapacity(count)
        for index in 0..<count { values.append(try body(try self[index])) }
        return values
    }

    /// The value of an element that is an integer.
    public func integer(at index: Int) throws(RedisError) -> Int { try self[index].integer() }

    /// A copy of the bytes of an element that is a string.
    public func bytes(at index: Int) throws(RedisError) -> ByteBuffer { try self[index].bytes() }

    /// As ``bytes(at:)``; nil of a null.
    public func optionalBytes(at index: Int) throws(RedisError) -> ByteBuffer? { try self[index].optionalBytes() }

    /// The error that an error answer is; nil of anything else.
    public var error: RedisError? {
        guard kind == .error else { return nil }
        return RedisError(errorText: repairedText)
    }

    /// What to throw where this answer is not `expected`; an error answer is thrown as itself.
    public func shapeError(_ expected: String) -> RedisError {
        error ?? .unexpectedReply("\(expected) was expected, not \(summary)")
    }

    private func requireString() throws(RedisError) {
        switch kind {
        case .string, .status: return
        case .array, .integer, .null, .error: throw shapeError("a string")
        }
    }

    private var repairedText: String {
        unsafe span.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    }

    /// What it is, without its content: that may be somebody's data.
    private var summary: String {
        switch kind {
        case .string: "a string of \(span.count) bytes"
        case .array: "an array of \(count) elements"
        case .integer: "an integer"
        case .null: "null"
        case .status: "a status"
        case .error: "an error"
        }
    }
}
