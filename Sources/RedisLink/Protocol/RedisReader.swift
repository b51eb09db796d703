import CHiredis
public import NIOCore

/// The reader of libhiredis: bytes in, answers out.
///
/// The one place that touches its C structures.
@safe struct RedisReader: ~Copyable {
    /// An array may announce this many elements; hiredis allocates for what is announced, before it arrives.
    private static let elementsMax: Int32 = 1 << 20
    /// The reader moves what it has not used to the front of its buffer, so it is fed in small slices.
    private static let sliceBytes = 4096

    private let reader: UnsafeMutablePointer<redisReader>

    init() {
        guard let reader = unsafe redisReaderCreateWithFunctions(RedisReader.functions) else {
            preconditionFailure("hiredis has no memory for a reader")
        }
        unsafe self.reader = reader
        // Keep the buffer between answers: freeing and growing it again costs more than it holds.
        unsafe reader.pointee.maxbuf = 0
    }

    deinit { unsafe redisReaderFree(reader) }

    /// Takes bytes, and calls the body with each answer that they complete; throws where they are no RESP.
    func feed(_ bytes: ByteBuffer, _ body: (borrowing RedisReply) -> Void) throws(RedisError) {
        var rest = bytes
        while rest.readableBytes > 0 {
            let count = min(rest.readableBytes, RedisReader.sliceBytes)
            unsafe rest.withUnsafeReadableBytes { bytes in
                let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
                _ = unsafe redisReaderFeed(reader, start, count)
            }
            rest.moveReaderIndex(forwardBy: count)
            try takeReplies(body)
        }
    }

    private func takeReplies(_ body: (borrowing RedisReply) -> Void) throws(RedisError) {
        while true {
            var object: UnsafeMutableRawPointer?
            guard unsafe redisReaderGetReply(reader, &object) == REDIS_OK else {
                throw .unexpectedReply("Redis's answer is no RESP: \(problem)")
            }
            guard let object = unsafe object else { return }
            unsafe body(RedisReply(object.assumingMemoryBound(to: redisReply.self)))
            unsafe freeReplyObject(object)
        }
    }

    private var problem: String {
        unsafe withUnsafeBytes(of: reader.pointee.errstr) { text in
            unsafe String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// hiredis' own functions, but for a limit on arrays.
    private nonisolated(unsafe) static let functions: UnsafeMutablePointer<redisReplyObjectFunctions> = {
        let functions = UnsafeMutablePointer<redisReplyObjectFunctions>.allocate(capacity: 1)
        unsafe functions.initialize(to: defaults)
        unsafe functions.pointee.createArray = { task, count in
            count > RedisReader.elementsMax ? nil : unsafe RedisReader.defaults.createArray(task, count)
        }
        return unsafe functions
    }()

    private static let defaults: redisReplyObjectFunctions = {
        guard let probe = unsafe redisReaderCreate(), let functions = unsafe probe.pointee.fn else {
            preconditionFailure("hiredis has no memory for a reader")
        }
        defer { unsafe redisReaderFree(probe) }
        return unsafe functions.pointee
    }()
}

/// One answer of Redis, to be looked at while a decode closure runs; it can't be kept.
@safe public struct RedisReply: ~Copyable {
    /// What an answer is.
    public enum Kind: Sendable {
        case string
        case status
        case error
        case integer
        case null
        case array
    }

    private let reply: UnsafeMutablePointer<redisReply>

    fileprivate init(_ reply: UnsafeMutablePointer<redisReply>) { unsafe self.reply = reply }

    public var kind: Kind {
        switch unsafe reply.pointee.type {
        case REDIS_REPLY_STRING: .string
        case REDIS_REPLY_STATUS: .status
        case REDIS_REPLY_ERROR: .error
        case REDIS_REPLY_INTEGER: .integer
        case REDIS_REPLY_ARRAY: .array
        default: .null
        }
    }

    /// How many elements an array has; 0 for anything else.
    public var count: Int { kind == .array ? unsafe reply.pointee.elements : 0 }

    /// The number; throws where the answer is none.
    public func integer() throws(RedisError) -> Int {
        guard kind == .integer else { throw unexpected("a number") }
        return unsafe Int(reply.pointee.integer)
    }

    /// The bytes of a string or status, copied once; throws where the answer is neither.
    public func bytes() throws(RedisError) -> ByteBuffer {
        guard kind == .string || kind == .status else { throw unexpected("a string") }
        return unsafe ByteBuffer(bytes: UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len))
    }

    /// The same; nil for null.
    public func optionalBytes() throws(RedisError) -> ByteBuffer? { kind == .null ? nil : try bytes() }

    /// The text of a string or status; bytes that are no UTF-8 become U+FFFD.
    public func text() throws(RedisError) -> String { String(buffer: try bytes()) }

    /// The error that Redis answered with; nil where the answer is none.
    public var error: RedisError? {
        guard kind == .error else { return nil }
        let text = unsafe String(
            decoding: UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len), as: UTF8.self)
        let words = text.split(separator: " ", maxSplits: 1)
        return .reply(code: words.first.map(String.init) ?? "", message: words.count == 2 ? String(words[1]) : "")
    }

    /// Looks at an element of an array; throws where there is none of that number.
    public func element<Value>(
        _ index: Int, _ body: (borrowing RedisReply) throws(RedisError) -> Value
    ) throws(RedisError) -> Value {
        guard index < count, let element = unsafe reply.pointee.element[index] else {
            throw unexpected("an array of more than \(index) elements")
        }
        return try body(unsafe RedisReply(element))
    }

    /// Looks at every element of an array; throws where the answer is none.
    public func map<Value>(
        _ body: (borrowing RedisReply) throws(RedisError) -> Value
    ) throws(RedisError) -> [Value] {
        guard kind == .array else { throw unexpected("an array") }
        var values: [Value] = []
        values.reserveCapacity(count)
        for index in 0..<count { values.append(try element(index, body)) }
        return values
    }

    /// The number that an element of an array is.
    public func integer(at index: Int) throws(RedisError) -> Int {
        try element(index) { element throws(RedisError) in try element.integer() }
    }

    /// The bytes of the string that an element of an array is.
    public func bytes(at index: Int) throws(RedisError) -> ByteBuffer {
        try element(index) { element throws(RedisError) in try element.bytes() }
    }

    /// The same; nil for null.
    public func optionalBytes(at index: Int) throws(RedisError) -> ByteBuffer? {
        try element(index) { element throws(RedisError) in try element.optionalBytes() }
    }

    private func unexpected(_ expected: String) -> RedisError {
        error ?? .unexpectedReply("Redis answered \(kind) where \(expected) was expected")
    }
}
