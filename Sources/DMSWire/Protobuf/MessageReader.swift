import CProtobufC
import DMSModel
import NIOCore

/// Reads the fields of an unpacked message by their numbers; it lives no longer than the message.
///
/// Asking for a field that the message lacks, or as a type that it does not have, is a mistake in the caller and traps;
/// what the bytes say never does.
@safe public struct MessageReader: ~Copyable, ~Escapable {
    private let base: UnsafeRawPointer
    private let descriptor: MessageDescriptor

    /// The message must outlive the reader.
    @_lifetime(borrow message)
    init(_ message: UnsafePointer<ProtobufCMessage>) {
        unsafe base = UnsafeRawPointer(message)
        descriptor = unsafe MessageDescriptor(pointer: message.pointee.descriptor)
    }

    private func location(
        _ number: Int, _ type: ProtobufCType
    ) -> (field: UnsafePointer<ProtobufCFieldDescriptor>, value: UnsafeRawPointer) {
        let field = unsafe descriptor.field(number)
        guard unsafe field.pointee.type == type else {
            preconditionFailure("\(descriptor.name): field \(number) has another type")
        }
        return unsafe (field, base + Int(field.pointee.offset))
    }

    private func scalar<Value>(_ number: Int, _ type: ProtobufCType, as: Value.Type = Value.self) -> Value {
        unsafe location(number, type).value.load(as: Value.self)
    }

    func uint32(_ number: Int) -> UInt32 { scalar(number, PROTOBUF_C_TYPE_UINT32) }

    func uint64(_ number: Int) -> UInt64 { scalar(number, PROTOBUF_C_TYPE_UINT64) }

    func int32(_ number: Int) -> Int32 { scalar(number, PROTOBUF_C_TYPE_INT32) }

    func int64(_ number: Int) -> Int64 { scalar(number, PROTOBUF_C_TYPE_INT64) }

    func bool(_ number: Int) -> Bool { scalar(number, PROTOBUF_C_TYPE_BOOL, as: Int32.self) != 0 }

    /// The field's name in the schema.
    func name(_ number: Int) -> String { unsafe String(cString: descriptor.field(number).pointee.name) }

    /// A `bytes` field, copied; empty where it is absent.
    func bytes(_ number: Int) -> ByteBuffer {
        let data = unsafe scalar(number, PROTOBUF_C_TYPE_BYTES, as: ProtobufCBinaryData.self)
        return unsafe ByteBuffer(bytes: UnsafeBufferPointer(start: data.data, count: data.len))
    }

    /// A `string` field; throws where it is not UTF-8.
    func string(_ number: Int) throws(WireError) -> String {
        // protoc-c is shown every string as bytes, so that a NUL does not end it.
        let data = unsafe scalar(number, PROTOBUF_C_TYPE_BYTES, as: ProtobufCBinaryData.self)
        guard unsafe data.len > 0 else { return "" }
        // Not `String(validating:as:)`, which is generic at run time: it costs more than all the rest of a small message.
        let bytes = unsafe Span(_unsafeStart: data.data, count: data.len)
        guard let text = try? UTF8Span(validating: bytes) else {
            throw .malformed("\(descriptor.name).\(name(number)) is not UTF-8")
        }
        return String(copying: text)
    }

    /// A `string` field whose text is mostly one of a few: these are not made anew.
    func string(_ number: Int, mostly known: [String]) throws(WireError) -> String {
        let data = unsafe scalar(number, PROTOBUF_C_TYPE_BYTES, as: ProtobufCBinaryData.self)
        let bytes = unsafe UnsafeBufferPointer(start: data.data, count: data.len)
        for text in known where text.utf8.count == bytes.count {
            if unsafe text.utf8.elementsEqual(bytes) { return text }
        }
        return try string(number)
    }

    /// An `optional string` field; nil where it is absent.
    func optionalString(_ number: Int) throws(WireError) -> String? {
        let field = unsafe descriptor.field(number)
        // protoc-c is shown a oneof of one field, whose case is the number of the field that is set.
        let setField = unsafe (base + Int(field.pointee.quantifier_offset)).load(as: UInt32.self)
        return setField == UInt32(number) ? try string(number) : nil
    }

    /// An enumeration; throws where the number means nothing to us.
    func enumeration<Value: WireEnumeration>(
        _ number: Int, as: Value.Type = Value.self
    ) throws(WireError) -> Value {
        try value(scalar(number, PROTOBUF_C_TYPE_ENUM), of: number)
    }

    private func value<Value: WireEnumeration>(_ wireNumber: Int32, of number: Int) throws(WireError) -> Value {
        guard let value = Value(wireNumber: wireNumber) else {
            throw .invalid(
                FieldViolation(
                    field: name(number), kind: .outOfRange, message: "The number \(wireNumber) has no meaning here"))
        }
        return value
    }

    /// A list of enumerations.
    func enumerations<Value: WireEnumeration>(
        _ number: Int, of: Value.Type = Value.self
    ) throws(WireError) -> [Value] {
        let (field, list) = unsafe location(number, PROTOBUF_C_TYPE_ENUM)
        let count = unsafe (base + Int(field.pointee.quantifier_offset)).load(as: Int.self)
        var values: [Value] = []
        guard count > 0, let numbers = unsafe list.load(as: UnsafePointer<Int32>?.self) else { return values }
        values.reserveCapacity(count)
        for index in 0..<count { values.append(try value(unsafe numbers[index], of: number)) }
        return values
    }

    /// An embedded message; nil where it is absent.
    func message<Value: WireMessage>(_ number: Int, as: Value.Type = Value.self) throws(WireError) -> Value? {
        let message = unsafe scalar(
            number, PROTOBUF_C_TYPE_MESSAGE, as: UnsafePointer<ProtobufCMessage>?.self)
        guard let message = unsafe message else { return nil }
        return try Value(from: unsafe MessageReader(message))
    }

    /// An embedded message that must be there.
    func requiredMessage<Value: WireMessage>(
        _ number: Int, as: Value.Type = Value.self
    ) throws(WireError) -> Value {
        guard let value = try message(number, as: Value.self) else { throw .missing(name(number)) }
        return value
    }

    /// A list of messages; throws where there are more than that, before any is read.
    func messages<Value: WireMessage>(
        _ number: Int, of: Value.Type = Value.self, atMost countMax: Int = .max
    ) throws(WireError) -> [Value] {
        let (field, list) = unsafe location(number, PROTOBUF_C_TYPE_MESSAGE)
        let count = unsafe (base + Int(field.pointee.quantifier_offset)).load(as: Int.self)
        var values: [Value] = []
        guard count > 0, let messages = unsafe list.load(as: UnsafePointer<UnsafePointer<ProtobufCMessage>>?.self)
        else { return values }
        guard count <= countMax else { throw .tooMuch("There may be at most \(countMax) entries of \(name(number))") }
        values.reserveCapacity(count)
        for index in 0..<count { values.append(try Value(from: unsafe MessageReader(messages[index]))) }
        return values
    }
}
