import CProtobufC
import NIOCore

/// Sets the fields of a message that is about to be packed, by their numbers; it lives no longer than the message.
///
/// Fields that are not set keep protobuf's default, which is not sent.
@safe public struct MessageWriter: ~Copyable, ~Escapable {
    private let base: UnsafeMutableRawPointer
    private let descriptor: MessageDescriptor
    private let arena: UnsafeMutablePointer<Arena>

    @_lifetime(borrow arena)
    private init(
        _ base: UnsafeMutableRawPointer, _ descriptor: MessageDescriptor, _ arena: UnsafeMutablePointer<Arena>
    ) {
        unsafe self.base = unsafe base
        self.descriptor = descriptor
        unsafe self.arena = unsafe arena
    }

    /// A protobuf-c struct of the value, with all it points to in the arena.
    static func make<Value: WireMessage>(
        _ value: Value, in arena: UnsafeMutablePointer<Arena>
    ) -> UnsafeMutablePointer<ProtobufCMessage> {
        let descriptor = Value.descriptor
        let base = unsafe arena.pointee.allocateOwn(descriptor.pointer.pointee.sizeof_message)
        unsafe protobuf_c_message_init(descriptor.pointer, base)
        value.write(to: unsafe MessageWriter(base, descriptor, arena))
        return unsafe base.assumingMemoryBound(to: ProtobufCMessage.self)
    }

    private func field(_ number: Int, _ type: ProtobufCType) -> UnsafePointer<ProtobufCFieldDescriptor> {
        let field = unsafe descriptor.field(number)
        guard unsafe field.pointee.type == type else {
            preconditionFailure("\(descriptor.name): field \(number) has another type")
        }
        return unsafe field
    }

    private func set<Value: BitwiseCopyable>(_ number: Int, _ type: ProtobufCType, to value: Value) {
        let offset = unsafe Int(field(number, type).pointee.offset)
        unsafe (base + offset).storeBytes(of: value, as: Value.self)
    }

    func uint32(_ number: Int, _ value: UInt32) { set(number, PROTOBUF_C_TYPE_UINT32, to: value) }

    func uint64(_ number: Int, _ value: UInt64) { set(number, PROTOBUF_C_TYPE_UINT64, to: value) }

    func int32(_ number: Int, _ value: Int32) { set(number, PROTOBUF_C_TYPE_INT32, to: value) }

    func int64(_ number: Int, _ value: Int64) { set(number, PROTOBUF_C_TYPE_INT64, to: value) }

    func bool(_ number: Int, _ value: Bool) { set(number, PROTOBUF_C_TYPE_BOOL, to: Int32(value ? 1 : 0)) }

    func string(_ number: Int, _ value: String) {
        unsafe set(number, PROTOBUF_C_TYPE_BYTES, to: arena.pointee.data(of: value))
    }

    func bytes(_ number: Int, _ value: ByteBuffer) {
        unsafe set(number, PROTOBUF_C_TYPE_BYTES, to: arena.pointee.data(of: value))
    }

    /// A `bytes` field that holds a packed message.
    func packed(_ number: Int, _ value: some WireMessage) {
        let message = unsafe MessageWriter.make(value, in: arena)
        let count = unsafe protobuf_c_message_get_packed_size(message)
        guard count > 0 else { return }
        let memory = unsafe arena.pointee.allocateOwn(count).bindMemory(to: UInt8.self, capacity: count)
        unsafe protobuf_c_message_pack(message, memory)
        unsafe set(number, PROTOBUF_C_TYPE_BYTES, to: ProtobufCBinaryData(len: count, data: memory))
    }

    /// An `optional string`; nil leaves it absent, an empty one is sent.
    func optionalString(_ number: Int, _ value: String?) {
        guard let value else { return }
        string(number, value)
        let caseOffset = unsafe Int(field(number, PROTOBUF_C_TYPE_BYTES).pointee.quantifier_offset)
        unsafe (base + caseOffset).storeBytes(of: UInt32(number), as: UInt32.self)
    }

    func enumeration(_ number: Int, _ value: some WireEnumeration) {
        set(number, PROTOBUF_C_TYPE_ENUM, to: value.wireNumber)
    }

    func enumerations(_ number: Int, _ values: [some WireEnumeration]) {
        let list = unsafe list(number, PROTOBUF_C_TYPE_ENUM, of: Int32.self, count: values.count)
        for (index, value) in values.enumerated() { unsafe list[index] = value.wireNumber }
    }

    func message(_ number: Int, _ value: (some WireMessage)?) {
        guard let value else { return }
        unsafe set(number, PROTOBUF_C_TYPE_MESSAGE, to: Optional(MessageWriter.make(value, in: arena)))
    }

    func messages(_ number: Int, _ values: [some WireMessage]) {
        let list = unsafe list(
            number, PROTOBUF_C_TYPE_MESSAGE, of: UnsafeMutablePointer<ProtobufCMessage>?.self, count: values.count)
        for (index, value) in values.enumerated() { unsafe list[index] = unsafe MessageWriter.make(value, in: arena) }
    }

    /// Makes room for a list and sets the field to it.
    private func list<Element>(
        _ number: Int, _ type: ProtobufCType, of: Element.Type, count: Int
    ) -> UnsafeMutablePointer<Element> {
        let memory = unsafe arena.pointee.allocateOwn(count * MemoryLayout<Element>.stride)
        let countOffset = unsafe Int(field(number, type).pointee.quantifier_offset)
        unsafe (base + countOffset).storeBytes(of: count, as: Int.self)
        unsafe set(number, type, to: Optional(memory))
        return unsafe memory.bindMemory(to: Element.self, capacity: count)
    }
}
