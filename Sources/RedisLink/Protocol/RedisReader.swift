internal import CHiredis
internal import NIOCore

// The only file that sees hiredis' pointers. `RedisReader` owns the reader, `ReceivedReply` owns an answer, and
// `RedisReply` is a borrowed look at one.

/// Why the bytes of a peer are no RESP, or more of it than is taken.
struct RedisProtocolError: Error, Equatable, CustomStringConvertible {
    let description: String
}

/// What an answer may announce; past it the connection is given up.
enum ReplyLimits {
    /// Elements of one array.
    static let elementsMax: Int32 = 1 << 20
    /// Bytes of a string; Redis's own default limit (`proto-max-bulk-len`).
    static let stringBytesMax = 512 << 20
    /// Bytes of a line: a status, an error, an integer.
    static let lineBytesMax = 1 << 20
    /// Bytes of the line that announces a string or an array.
    static let headerBytesMax = 32
    /// Bytes given to hiredis at once: it moves what it has not parsed yet to the front after each feed.
    static let feedBytesMax = 4096
}

/// Parses RESP2 with hiredis' reader.
@safe
struct RedisReader: ~Copyable {
    private let reader: UnsafeMutablePointer<redisReader>
    private let hooks: UnsafeMutablePointer<ReaderHooks>

    init() {
        // hiredis answers nil only where malloc does.
        guard let reader = unsafe redisReaderCreate(), let defaults = unsafe reader.pointee.fn else {
            fatalError("hiredis could not allocate a reader")
        }
        let hooks = UnsafeMutablePointer<ReaderHooks>.allocate(capacity: 1)
        unsafe hooks.initialize(to: ReaderHooks(defaults: defaults.pointee))
        unsafe reader.pointee.fn = ReaderHooks.functions(of: hooks)
        unsafe reader.pointee.privdata = UnsafeMutableRawPointer(hooks)
        unsafe reader.pointee.maxbuf = 0
        unsafe self.reader = reader
        unsafe self.hooks = hooks
    }

    deinit {
        // Frees an unfinished answer too, by the hooks' table: so the hooks go last.
        unsafe redisReaderFree(reader)
        unsafe hooks.deinitialize(count: 1)
        unsafe hooks.deallocate()
    }

    /// Takes a slice of the bytes; call ``next()`` until it answers nil before the next slice.
    mutating func feed(_ bytes: inout ByteBuffer) throws(RedisProtocolError) {
        let count = min(bytes.readableBytes, ReplyLimits.feedBytesMax)
        let status = unsafe bytes.withUnsafeReadableBytes { readable in
            unsafe redisReaderFeed(reader, readable.baseAddress?.assumingMemoryBound(to: CChar.self), count)
        }
        bytes.moveReaderIndex(forwardBy: count)
        guard status == REDIS_OK else { throw failure() }
    }

    /// The next whole answer; nil waits for more bytes, an error is for ever.
    mutating func next() throws(RedisProtocolError) -> ReceivedReply? {
        var object: UnsafeMutableRawPointer?
        guard unsafe redisReaderGetReply(reader, &object) == REDIS_OK else { throw failure() }
        guard let object = unsafe object else {
            try checkUnfinished()
            return nil
        }
        return unsafe ReceivedReply(object.assumingMemoryBound(to: redisReply.self))
    }

    /// Refuses what is announced, or unfinished, beyond the limits.
    private func checkUnfinished() throws(RedisProtocolError) {
        let start = unsafe reader.pointee.pos
        let count = unsafe reader.pointee.len - start
        guard count > 0, let bytes = unsafe reader.pointee.buf, let type = currentType else { return }
        guard type == REDIS_REPLY_STRING || type == REDIS_REPLY_ARRAY else {
            if count > ReplyLimits.lineBytesMax { throw RedisProtocolError(description: "a line without an end") }
            return
        }
        var announced = 0
        for offset in 0..<min(count, ReplyLimits.headerBytesMax) {
            let byte = unsafe UInt8(bitPattern: bytes[start + offset])
            if byte == UInt8(ascii: "\r") { return }
            guard let digit = byte.wholeDigit else { continue }
            announced = announced * 10 + digit
            if announced > ReplyLimits.stringBytesMax {
                throw RedisProtocolError(description: "a string of more than \(ReplyLimits.stringBytesMax) bytes")
            }
        }
        if count >= ReplyLimits.headerBytesMax { throw RedisProtocolError(description: "a length without an end") }
    }

    /// The type of the item that hiredis waits for; nil between two items.
    private var currentType: Int32? {
        let index = unsafe Int(reader.pointee.ridx)
        guard index >= 0 else { return nil }
        let type = unsafe withUnsafeBytes(of: &reader.pointee.rstack) { stack in
            unsafe stack.load(fromByteOffset: index * MemoryLayout<redisReadTask>.stride, as: redisReadTask.self).type
        }
        return type > 0 ? type : nil
    }

    private func failure() -> RedisProtocolError {
        if let refusal = unsafe hooks.pointee.refusal { return refusal }
        let text = unsafe withUnsafeBytes(of: &reader.pointee.errstr) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return RedisProtocolError(description: text.isEmpty ? "malformed RESP" : text)
    }
}

extension UInt8 {
    fileprivate var wholeDigit: Int? {
        self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") ? Int(self - UInt8(ascii: "0")) : nil
    }
}

/// hiredis' table of constructors with two of them guarded; the reader's `privdata` points here.
@unsafe
private struct ReaderHooks {
    let defaults: redisReplyObjectFunctions
    private var functions: redisReplyObjectFunctions
    /// Why a constructor refused; hiredis itself would say "out of memory".
    var refusal: RedisProtocolError?

    init(defaults: redisReplyObjectFunctions) {
        unsafe self.defaults = defaults
        unsafe self.functions = defaults
        // hiredis allocates all elements before the first has come.
        unsafe functions.createArray = { task, count in
            guard let hooks = unsafe ReaderHooks.from(task) else { return nil }
            guard count <= ReplyLimits.elementsMax else {
                unsafe hooks.pointee.refusal = RedisProtocolError(
                    description: "an array of more than \(ReplyLimits.elementsMax) elements")
                return nil
            }
            return unsafe hooks.pointee.defaults.createArray(task, count)
        }
        // hiredis skips the two bytes behind a string without a look at them.
        unsafe functions.createString = { task, text, count in
            guard let hooks = unsafe ReaderHooks.from(task), let text = unsafe text else { return nil }
            guard unsafe text[count] == 13, unsafe text[count + 1] == 10 else {
                unsafe hooks.pointee.refusal = RedisProtocolError(description: "a string does not end where it should")
                return nil
            }
            return unsafe hooks.pointee.defaults.createString(task, text, count)
        }
    }

    /// The table's address inside the hooks' own memory, which outlives the reader.
    static func functions(
        of hooks: UnsafeMutablePointer<ReaderHooks>
    ) -> UnsafeMutablePointer<redisReplyObjectFunctions>? {
        guard let offset = unsafe MemoryLayout<ReaderHooks>.offset(of: \.functions) else { return nil }
        return unsafe UnsafeMutableRawPointer(hooks).advanced(by: offset)
            .assumingMemoryBound(to: redisReplyObjectFunctions.self)
    }

    private static func from(_ task: UnsafePointer<redisReadTask>?) -> UnsafeMutablePointer<ReaderHooks>? {
        unsafe task?.pointee.privdata?.assumingMemoryBound(to: ReaderHooks.self)
    }
}

/// A whole answer, freed with its last use.
@safe
struct ReceivedReply: ~Copyable {
    private let object: UnsafeMutablePointer<redisReply>

    fileprivate init(_ object: UnsafeMutablePointer<redisReply>) { unsafe self.object = object }

    deinit { unsafe freeReplyObject(object) }

    /// A look at it.
    var view: RedisReply {
        @_lifetime(borrow self) get { unsafe RedisReply(borrowing: self, object: object) }
    }
}

/// A borrowed look at an answer of Redis, or at an element of one.
///
/// It lives no longer than the closure that it is given to; take out of it what shall stay. An answer that has not the
/// expected shape is an error (``RedisError/unexpectedReply(_:)``), never a trap.
@safe
public struct RedisReply: ~Escapable {
    private let object: UnsafeMutablePointer<redisReply>

    @_lifetime(borrow owner)
    fileprivate init(borrowing owner: borrowing ReceivedReply, object: UnsafeMutablePointer<redisReply>) {
        unsafe self.object = object
    }

    @_lifetime(copy parent)
    private init(inside parent: borrowing RedisReply, object: UnsafeMutablePointer<redisReply>) {
        unsafe self.object = object
    }

    /// What an answer is.
    public enum Kind: Sendable { case string, array, integer, null, status, error }

    /// What this answer is.
    public var kind: Kind {
        switch unsafe object.pointee.type {
        case REDIS_REPLY_STRING: .string
        case REDIS_REPLY_ARRAY: .array
        case REDIS_REPLY_INTEGER: .integer
        case REDIS_REPLY_STATUS: .status
        case REDIS_REPLY_ERROR: .error
        default: .null
        }
    }

    /// The number of elements of an array; 0 of anything else.
    public var count: Int {
        kind == .array ? unsafe Int(object.pointee.elements) : 0
    }

    /// An element of an array.
    ///
    /// Throws ``RedisError/unexpectedReply(_:)`` where this is no array or a shorter one, and ``RedisError/reply(code:message:)`` where
    /// this is an error answer.
    public subscript(_ index: Int) -> RedisReply {
        @_lifetime(copy self)
        get throws(RedisError) {
            guard index >= 0, index < count, let element = unsafe object.pointee.element[index] else {
                throw shapeError("an array of more than \(index) elements")
            }
            return unsafe RedisReply(inside: self, object: element)
        }
    }

    /// The value of an integer answer; nil of anything else.
    var integerValue: Int? {
        kind == .integer ? unsafe Int(object.pointee.integer) : nil
    }

    /// The bytes of a string, a status or an error, in place; empty of anything else.
    public var span: Span<UInt8> {
        @_lifetime(copy self)
        get {
            switch kind {
            case .string, .status, .error:
                let bytes = unsafe UnsafeRawBufferPointer(start: object.pointee.str, count: object.pointee.len)
                    .assumingMemoryBound(to: UInt8.self)
                return unsafe _overrideLifetime(Span(_unsafeElements: bytes), copying: self)
            case .array, .integer, .null:
                return unsafe _overrideLifetime(Span(), copying: self)
            }
        }
    }
}
