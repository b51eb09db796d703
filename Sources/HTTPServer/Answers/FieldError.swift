import DMSModel
import NIOCore

/// One entry of a 422's list, in the shape that FastAPI's clients know.
struct FieldError: Error, Equatable {
    /// The kind, such as `missing` or `string_type`, from a closed set.
    var type: String
    /// Where the offending value is, such as `["body", "task_id"]`.
    var location: [Location]
    /// A sentence for people.
    var message: String
    /// The offending value as JSON; nil leaves it out.
    var input: ByteBuffer?
    /// What a program may need to build a sentence of its own.
    var context: Context?

    /// A step on the way to a value.
    enum Location: Equatable {
        case name(String)
        case offset(Int)
    }

    /// The one pair of a `ctx` object.
    struct Context: Equatable {
        var key: String
        /// The value as JSON.
        var value: ByteBuffer

        init(_ key: String, text: String) {
            self.key = key
            value = JSONString.encode(text)
        }

        init(_ key: String, number: Int) {
            self.key = key
            value = ByteBuffer(string: String(number))
        }
    }

    /// Inputs larger than this are not repeated: an answer should not grow with what was wrong in the question.
    static let inputBytesMax = 1024
    /// Nor in number: a query of a few kilobytes may be wrong in thousands of places.
    static let countMax = 32
    /// The type of a body that is no JSON at all.
    static let invalidJSON = "json_invalid"

    init(
        _ type: String, at location: [Location], _ message: String, input: ByteBuffer? = nil, context: Context? = nil
    ) {
        self.type = type
        self.location = location
        self.message = message
        self.input = input.flatMap { $0.readableBytes <= FieldError.inputBytesMax ? $0 : nil }
        self.context = context
    }

    /// A violation of the rules that both doors share, as this door shows it.
    init(_ violation: FieldViolation, in part: String, input: ByteBuffer? = nil) {
        let (type, context): (String, Context?) =
            switch violation.kind {
            case .missing: ("missing", nil)
            case .tooShort(let bytes): ("string_too_short", Context("min_length", number: bytes))
            case .tooLong(let bytes): ("string_too_long", Context("max_length", number: bytes))
            case .notAnObject: ("dict_type", nil)
            case .controlCharacter, .reserved, .tooDeep, .outOfRange, .invalidJSON, .foreignToken:
                ("value_error", Context("error", text: violation.message))
            }
        let message = type == "value_error" ? "Value error, " + violation.message : violation.message
        self.init(type, at: [.name(part), .name(violation.field)], message, input: input, context: context)
    }

    /// Appends the entry: `type`, `loc`, `msg`, then `input` and `ctx` where there are any.
    func writeJSON(into buffer: inout ByteBuffer) {
        buffer.writeStaticString("{\"type\":")
        JSONString.write(type, into: &buffer)
        buffer.writeStaticString(",\"loc\":[")
        for (index, step) in location.enumerated() {
            if index > 0 { buffer.writeStaticString(",") }
            switch step {
            case .name(let name): JSONString.write(name, into: &buffer)
            case .offset(let offset): buffer.writeString(String(offset))
            }
        }
        buffer.writeStaticString("],\"msg\":")
        JSONString.write(message, into: &buffer)
        if let input {
            buffer.writeStaticString(",\"input\":")
            buffer.writeImmutableBuffer(input)
        }
        if let context {
            buffer.writeStaticString(",\"ctx\":{")
            JSONString.write(context.key, into: &buffer)
            buffer.writeStaticString(":")
            buffer.writeImmutableBuffer(context.value)
            buffer.writeStaticString("}")
        }
        buffer.writeStaticString("}")
    }
}

/// A request that no service was asked about: every field that is wrong with it, in the order of the fields.
struct InvalidRequest: Error, Equatable {
    var errors: [FieldError]
}
