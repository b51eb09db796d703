import CProtobufC
import NIOCore

/// The memory of one message while it is packed or unpacked: taken from the front, given back all at once.
///
/// A small message fits on the stack; a larger one takes chunks that double in size. What a hostile message can make us
/// allocate is bounded by a ceiling, after which libprotobuf-c is told that there is no more memory.
@safe struct Arena: ~Copyable {
    /// What fits on the stack: most requests and all small answers.
    private static let firstChunkBytes = 1024
    private static let chunkBytesMax = 1 << 20
    /// What protobuf-c's structs need; the widest of their members are pointers and 64-bit integers.
    private static let alignment = 8
    /// Buffers up to this size are copied, which costs less than keeping them.
    private static let copiedBytesMax = 1024

    private var cursor: UnsafeMutableRawPointer
    private var bytesLeftInChunk: Int
    private var chunks: [UnsafeMutableRawPointer] = unsafe []
    private var nextChunkBytes = 4 * Arena.firstChunkBytes
    private var bytesLeft: Int
    /// Whether something was refused because the ceiling was reached.
    private(set) var isExhausted = false
    /// Buffers whose memory the message points into, until the arena is gone.
    private var kept: [ByteBuffer] = []

    private init(_ firstChunk: UnsafeMutableRawBufferPointer, start: UnsafeMutableRawPointer, bytesMax: Int) {
        unsafe cursor = start
        bytesLeftInChunk = firstChunk.count
        bytesLeft = bytesMax
    }

    deinit {
        unsafe chunks.forEach { unsafe $0.deallocate() }
    }

    /// Lends an arena that is gone when `body` returns, and everything that was allocated with it.
    static func lend<Value, Failure: Error>(
        bytesMax: Int = .max, _ body: (UnsafeMutablePointer<Arena>) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        try unsafe withUnsafeTemporaryAllocation(byteCount: firstChunkBytes, alignment: alignment) {
            (chunk) throws(Failure) -> Value in
            guard let start = chunk.baseAddress else {
                preconditionFailure("a temporary allocation of more than no bytes has an address")
            }
            var arena = unsafe Arena(chunk, start: start, bytesMax: bytesMax)
            return try unsafe withUnsafeMutablePointer(to: &arena) { (arena) throws(Failure) -> Value in
                try unsafe body(arena)
            }
        }
    }

    /// Memory for `count` bytes, uninitialized; nil where the ceiling is reached.
    mutating func allocate(_ count: Int) -> UnsafeMutableRawPointer? {
        let rounded = (count + Arena.alignment - 1) & ~(Arena.alignment - 1)
        guard count >= 0, rounded >= count, rounded <= bytesLeft else {
            isExhausted = true
            return nil
        }
        bytesLeft -= rounded
        if rounded > bytesLeftInChunk { addChunk(atLeast: rounded) }
        let taken = unsafe cursor
        unsafe cursor += rounded
        bytesLeftInChunk -= rounded
        return unsafe taken
    }

    private mutating func addChunk(atLeast count: Int) {
        let size = max(nextChunkBytes, count)
        nextChunkBytes = min(nextChunkBytes * 2, Arena.chunkBytesMax)
        unsafe cursor = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: Arena.alignment)
        unsafe chunks.append(cursor)
        bytesLeftInChunk = size
    }

    /// Memory of our own making, which has no ceiling.
    mutating func allocateOwn(_ count: Int) -> UnsafeMutableRawPointer {
        guard let memory = unsafe allocate(count) else {
            preconditionFailure("a message of our own outgrew the arena, which has no ceiling when packing")
        }
        return unsafe memory
    }

    /// A text's bytes, copied.
    mutating func data(of text: String) -> ProtobufCBinaryData {
        var text = text
        let count = text.utf8.count
        guard count > 0 else { return unsafe ProtobufCBinaryData(len: 0, data: nil) }
        let memory = unsafe allocateOwn(count)
        text.withUTF8 { bytes in
            unsafe UnsafeMutableRawBufferPointer(start: memory, count: count).copyMemory(
                from: UnsafeRawBufferPointer(bytes))
        }
        return unsafe ProtobufCBinaryData(len: count, data: memory.assumingMemoryBound(to: UInt8.self))
    }

    /// A buffer's bytes: copied where they are few, otherwise kept and pointed at.
    mutating func data(of buffer: ByteBuffer) -> ProtobufCBinaryData {
        let count = buffer.readableBytes
        guard count > 0 else { return unsafe ProtobufCBinaryData(len: 0, data: nil) }
        guard count > Arena.copiedBytesMax else {
            let memory = unsafe allocateOwn(count)
            unsafe buffer.withUnsafeReadableBytes { bytes in
                unsafe UnsafeMutableRawBufferPointer(start: memory, count: count).copyMemory(from: bytes)
            }
            return unsafe ProtobufCBinaryData(len: count, data: memory.assumingMemoryBound(to: UInt8.self))
        }
        kept.append(buffer)
        // The bytes stay where they are as long as their storage lives and nobody writes to it; `kept` sees to both.
        return unsafe buffer.withUnsafeReadableBytesWithStorageManagement { bytes, _ in
            let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return unsafe ProtobufCBinaryData(len: count, data: UnsafeMutablePointer(mutating: start))
        }
    }
}

extension ProtobufCAllocator {
    /// Lets libprotobuf-c allocate from an arena; freeing does nothing, the arena goes as a whole.
    init(_ arena: UnsafeMutablePointer<Arena>) {
        unsafe self.init(
            alloc: { data, count in
                unsafe data?.assumingMemoryBound(to: Arena.self).pointee.allocate(count)
            },
            free: { _, _ in },
            allocator_data: UnsafeMutableRawPointer(arena))
    }
}
