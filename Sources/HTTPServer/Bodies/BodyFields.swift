import DMSModel
import NIOCore

/// Reads the fields of a JSON body one by one and gathers everything that is wrong with them.
///
/// A field that is wrong is read as nil and leaves its reason in ``errors``; the caller reads them all, then looks there.
struct BodyFields {
    private let text: JSONText
    /// Whether some value nests deeper than parameters may, so that they must be looked at once more.
    private let nestsDeep: Bool
    private(set) var errors: [FieldError] = []

    /// Takes the bytes of a whole body; throws where they are no JSON object.
    init(_ body: ByteBuffer) throws(InvalidRequest) {
        guard body.readableBytes > 0 else {
            let null = ByteBuffer(string: "null")
            let missing = FieldError("missing", at: [.name("body")], "Field required", input: null)
            throw InvalidRequest(errors: [missing])
        }
        (text, nestsDeep) = try BodyFields.scan(body)
        guard text.root.kind == .object else {
            let error = FieldError(
                "model_attributes_type", at: [.name("body")],
                "Input should be a valid dictionary or object to extract fields from",
                input: text.slice(text.root.range))
            throw InvalidRequest(errors: [error])
        }
    }

    /// One level for the body, then what parameters may have; a body that nests deeper is scanned again without a limit,
    /// because a field that nobody reads may nest as it likes, and a field that is read must be named.
    private static func scan(_ body: ByteBuffer) throws(InvalidRequest) -> (JSONText, nestsDeep: Bool) {
        do throws(JSONError) {
            return (try JSONText(body, nestingMax: Limits.parametersNestingMax + 1), false)
        } catch  where error.problem == .tooDeep {
            do throws(JSONError) {
                return (try JSONText(body, nestingMax: body.readableBytes), true)
            } catch {
                throw BodyFields.invalidJSON(error)
            }
        } catch {
            throw BodyFields.invalidJSON(error)
        }
    }

    private static func invalidJSON(_ error: JSONError) -> InvalidRequest {
        let entry = FieldError(
            FieldError.invalidJSON, at: [.name("body"), .offset(error.offset)], "JSON decode error",
            input: ByteBuffer(string: "{}"), context: .init("error", text: error.problem.rawValue))
        return InvalidRequest(errors: [entry])
    }

    /// A string that must be there and follow a rule.
    mutating func string(_ name: String, _ rule: (String) -> FieldViolation?) -> String? {
        guard let value = required(name) else { return nil }
        return string(value, name, rule)
    }

    /// A string that may be missing or null: nil for both, and for one that is wrong.
    mutating func optionalString(_ name: String, _ rule: (String) -> FieldViolation?) -> String? {
        guard let value = text[name]?.value, value.kind != .null else { return nil }
        return string(value, name, rule)
    }

    /// A JSON object, byte for byte as it stands in the body.
    mutating func parameters(_ name: String) -> ByteBuffer? {
        guard let value = required(name) else { return nil }
        guard value.kind == .object else {
            refuse("dict_type", name, "Input should be a valid dictionary", value)
            return nil
        }
        let parameters = text.slice(value.range)
        if nestsDeep, let violation = FieldRules.parameters(parameters, field: name) {
            errors.append(FieldError(violation, in: "body", input: parameters))
            return nil
        }
        return parameters
    }

    /// A priority by its name; `fallback` where the field is missing, and an error where there is no fallback.
    mutating func priority(_ name: String, fallback: Priority? = nil) -> Priority? {
        if let fallback, text[name] == nil { return fallback }
        guard let value = required(name) else { return nil }
        if value.kind == .string, let priority = Priority(rawValue: text.string(value)) { return priority }
        let expected = "'low', 'mid' or 'high'"
        refuse("enum", name, "Input should be " + expected, value, context: .init("expected", text: expected))
        return nil
    }

    /// `true` or `false`, and nothing that might stand for them.
    mutating func bool(_ name: String) -> Bool? {
        guard let value = required(name) else { return nil }
        switch value.kind {
        case .true: return true
        case .false: return false
        case .object, .array, .string, .number, .null:
            refuse("bool_type", name, "Input should be a valid boolean", value)
            return nil
        }
    }

    private mutating func required(_ name: String) -> JSONValue? {
        if let member = text[name] { return member.value }
        refuse("missing", name, "Field required", text.root)
        return nil
    }

    private mutating func string(_ value: JSONValue, _ name: String, _ rule: (String) -> FieldViolation?) -> String? {
        guard value.kind == .string else {
            refuse("string_type", name, "Input should be a valid string", value)
            return nil
        }
        let string = text.string(value)
        guard let violation = rule(string) else { return string }
        errors.append(FieldError(violation, in: "body", input: text.slice(value.range)))
        return nil
    }

    private mutating func refuse(
        _ type: String, _ name: String, _ message: String, _ value: JSONValue, context: FieldError.Context? = nil
    ) {
        errors.append(
            FieldError(
                type, at: [.name("body"), .name(name)], message, input: text.slice(value.range), context: context))
    }
}
