import CProtobufC
public import NIOCore

/// A value that goes over the wire as one protobuf message.
///
/// A new message takes its descriptor, what it reads and what it writes; libprotobuf-c does the rest.
public protocol WireMessage: Sendable {
    /// Which message it is.
    static var descriptor: MessageDescriptor { get }

    /// Takes the value from the fields of an unpacked message; throws where a field's value has no meaning.
    init(from fields: borrowing MessageReader) throws(WireError)

    /// Puts the value into the fields of a message that is about to be packed.
    func write(to fields: borrowing MessageWriter)
}

/// How much memory unpacking may take: what honest messages need at most is about ten times their size.
private enum UnpackLimit {
    static let bytesAlways = 256 << 10
    static let factor = 16

    static func bytesMax(messageBytes: Int) -> Int { bytesAlways + factor * messageBytes }
}

extension WireMessage {
    /// Unpacks a message that fills the readable bytes of a buffer.
    ///
    /// Fields that we do not know are ignored, as protobuf wants it.
    public static func decode(_ bytes: ByteBuffer) throws(WireError) -> Self {
        let outcome: Result<Self, WireError> = unsafe bytes.withUnsafeReadableBytes { bytes in
            let limit = UnpackLimit.bytesMax(messageBytes: bytes.count)
            return unsafe Arena.lend(bytesMax: limit) { arena in
                var allocator = unsafe ProtobufCAllocator(arena)
                let start = unsafe bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
                guard
                    let message = unsafe protobuf_c_message_unpack(
                        descriptor.pointer, &allocator, bytes.count, start)
                else {
                    return .failure(
                        unsafe arena.pointee.isExhausted
                            ? .tooComplex : .malformed("The bytes are no \(descriptor.name)"))
                }
                do throws(WireError) {
                    return .success(try Self(from: unsafe MessageReader(UnsafePointer(message))))
                } catch {
                    return .failure(error)
                }
            }
        }
        return try outcome.get()
    }

    /// Appends the packed message to a buffer.
    public func encode(into buffer: inout ByteBuffer) {
        unsafe Arena.lend { arena in
            let message = unsafe MessageWriter.make(self, in: arena)
            let size = unsafe protobuf_c_message_get_packed_size(message)
            guard size > 0 else { return }
            unsafe buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: size) { out in
                let start = unsafe out.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe protobuf_c_message_pack(message, start)
            }
        }
    }

    /// The packed message in a buffer of its own.
    public func encoded() -> ByteBuffer {
        var buffer = ByteBuffer()
        encode(into: &buffer)
        return buffer
    }
}
