import DMSModel
import NIOCore
import Testing

@testable import HTTPServer

/// The list of a 422, as the client would see it; nil where the body is taken.
private func refusal<Body>(_ text: String, as make: (ByteBuffer) throws -> Body) -> String? {
    do {
        _ = try make(ByteBuffer(string: text))
        return nil
    } catch let error as InvalidRequest {
        return Answer(error).body.map { String(buffer: $0) }
    } catch {
        return "unexpected: \(error)"
    }
}

private func submissionRefusal(_ text: String) -> String? { refusal(text) { try TaskSubmission(body: $0) } }

@Suite struct RequestBodyTests {
    @Test func `a submission keeps its parameters byte for byte`() throws {
        let parameters = #"{ "n":12345678901234567890123,"x":1e400,"z":-0,"e":[],"o":{},"s":"\u00e9\/","n":1 }"#
        let body = #" {"task_id":"t1", "parameters" : \#(parameters) ,"user_id":"u","service":"s","extra":[1]} "#
        let submission = try TaskSubmission(body: ByteBuffer(string: body))
        #expect(submission.taskID == TaskID("t1"))
        #expect(submission.service == "s")
        #expect(submission.userID == "u")
        #expect(submission.priority == .low)
        #expect(submission.parameters == ByteBuffer(string: parameters))
    }

    @Test func `of a key that comes twice the last counts, also where it is spelt with escapes`() throws {
        let body =
            #"{"task_id":1,"task_id":"a","service":"s","user_id":"u","parameters":{"a":1},"priority":"high","#
            + #""parameters":{"b":2},"\u0070riority":"mid"}"#
        let submission = try TaskSubmission(body: ByteBuffer(string: body))
        #expect(submission.taskID == TaskID("a"))
        #expect(submission.parameters == ByteBuffer(string: #"{"b":2}"#))
        #expect(submission.priority == .mid)
    }

    @Test func `no body is a missing body`() {
        #expect(
            submissionRefusal("")
                == #"{"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]}"#)
    }

    @Test(arguments: [
        (" ", 1, "the text ends too early"), ("{", 1, "the text ends too early"),
        (#"{"a":NaN}"#, 5, "a value was expected"),
        (#"{"a":1,}"#, 7, "a key in double quotes was expected"),
        (#"{"a":01}"#, 6, "a comma or the closing bracket was expected"),
        (#"{"a":1} x"#, 8, "nothing may follow the value"),
        (#"{"a":"\ud800"}"#, 6, "a \\\\u escape is half of a surrogate pair"),
        ("{\"a\":\"\u{1}\"}", 6, "a control character must be escaped"),
    ])
    func `a text that is not JSON says where it stops being JSON`(text: String, offset: Int, problem: String) {
        #expect(
            submissionRefusal(text)
                == #"{"detail":[{"type":"json_invalid","loc":["body",\#(offset)],"msg":"JSON decode error","input":{},"#
                + #""ctx":{"error":"\#(problem)"}}]}"#)
    }

    @Test func `bytes that are not UTF-8 are not JSON`() throws {
        var body = ByteBuffer(string: #"{"a":""#)
        body.writeBytes([0xFF, UInt8(ascii: "\""), UInt8(ascii: "}")])
        let error = #expect(throws: InvalidRequest.self) { try TaskSubmission(body: body) }
        #expect(error?.errors.first?.type == "json_invalid")
        #expect(error?.errors.first?.location == [.name("body"), .offset(6)])
    }

    @Test(arguments: ["[1]", "null", "\"x\"", "17", "true"])
    func `a body that is no object echoes what it is`(text: String) {
        #expect(
            submissionRefusal(text)
                == #"{"detail":[{"type":"model_attributes_type","loc":["body"],"msg":"Input should be a valid dictionary "#
                + #"or object to extract fields from","input":\#(text)}]}"#)
    }

    @Test func `every bad field is named at once, in the order of the fields`() {
        let body = #"{"priority":"urgent","parameters":[],"service":7,"task_id":""}"#
        #expect(
            submissionRefusal(body)
                == #"{"detail":[{"type":"string_too_short","loc":["body","task_id"],"#
                + #""msg":"String should have at least 1 character","input":"","ctx":{"min_length":1}},"#
                + #"{"type":"string_type","loc":["body","service"],"msg":"Input should be a valid string","input":7},"#
                + #"{"type":"missing","loc":["body","user_id"],"msg":"Field required","input":\#(body)},"#
                + #"{"type":"dict_type","loc":["body","parameters"],"msg":"Input should be a valid dictionary","#
                + #""input":[]},"#
                + #"{"type":"enum","loc":["body","priority"],"msg":"Input should be 'low', 'mid' or 'high'","#
                + #""input":"urgent","ctx":{"expected":"'low', 'mid' or 'high'"}}]}"#)
    }

    @Test(arguments: ["null", "1", "\"LOW\"", "\"\"", "[\"low\"]"])
    func `a priority that is none of the three is refused, null too`(priority: String) {
        let body = #"{"task_id":"t","service":"s","user_id":"u","parameters":{},"priority":\#(priority)}"#
        #expect(
            submissionRefusal(body)
                == #"{"detail":[{"type":"enum","loc":["body","priority"],"msg":"Input should be 'low', 'mid' or 'high'","#
                + #""input":\#(priority),"ctx":{"expected":"'low', 'mid' or 'high'"}}]}"#)
    }

    @Test func `ids have 1 to 256 bytes, no control characters, and one of them is reserved`() {
        func body(_ id: String) -> String {
            #"{"task_id":"\#(id)","service":"s","user_id":"u","parameters":{}}"#
        }
        #expect(submissionRefusal(body(String(repeating: "x", count: 256))) == nil)
        #expect(submissionRefusal(body(String(repeating: "\\u00e9", count: 128))) == nil)
        let long = String(repeating: "x", count: 257)
        #expect(
            submissionRefusal(body(long))
                == #"{"detail":[{"type":"string_too_long","loc":["body","task_id"],"#
                + #""msg":"String should have at most 256 bytes of UTF-8","input":"\#(long)","ctx":{"max_length":256}}]}"#
        )
        #expect(
            submissionRefusal(body("a\\u0000"))
                == #"{"detail":[{"type":"value_error","loc":["body","task_id"],"#
                + #""msg":"Value error, String should not hold control characters","input":"a\u0000","#
                + #""ctx":{"error":"String should not hold control characters"}}]}"#)
        #expect(
            submissionRefusal(body("index"))
                == #"{"detail":[{"type":"value_error","loc":["body","task_id"],"#
                + #""msg":"Value error, The id 'index' is reserved","input":"index","#
                + #""ctx":{"error":"The id 'index' is reserved"}}]}"#)
    }

    @Test func `an input over 1 KiB is left out of the answer`() {
        func body(_ count: Int) -> String {
            #"{"task_id":"t","service":"s","user_id":"u","parameters":"\#(String(repeating: "x", count: count))"}"#
        }
        let text = String(repeating: "x", count: 1022)
        #expect(
            submissionRefusal(body(1022))
                == #"{"detail":[{"type":"dict_type","loc":["body","parameters"],"msg":"Input should be a valid dictionary","#
                + #""input":"\#(text)"}]}"#)
        #expect(
            submissionRefusal(body(1023))
                == #"{"detail":[{"type":"dict_type","loc":["body","parameters"],"msg":"Input should be a valid dictionary"}]}"#
        )
    }

    @Test func `parameters nest 512 deep and no deeper`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "{\"a\":", count: depth - 1) + "{}" + String(repeating: "}", count: depth - 1)
        }
        func body(_ parameters: String) -> String {
            #"{"task_id":"t","service":"s","user_id":"u","parameters":\#(parameters)}"#
        }
        let deepest = try TaskSubmission(body: ByteBuffer(string: body(nested(512))))
        #expect(deepest.parameters == ByteBuffer(string: nested(512)))
        let error = #expect(throws: InvalidRequest.self) {
            try TaskSubmission(body: ByteBuffer(string: body(nested(513))))
        }
        #expect(error?.errors.map(\.type) == ["value_error"])
        #expect(error?.errors.map(\.location) == [[.name("body"), .name("parameters")]])
    }

    @Test func `a field that nobody reads may nest as deep as it likes`() throws {
        let deep = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
        let body = #"{"task_id":"t","service":"s","user_id":"u","parameters":{"a":[]},"other":\#(deep)}"#
        let submission = try TaskSubmission(body: ByteBuffer(string: body))
        #expect(submission.parameters == ByteBuffer(string: #"{"a":[]}"#))
    }

    @Test func `blocked takes JSON's booleans only`() throws {
        let taken = try BlockChange(body: ByteBuffer(string: #"{"blocked":true,"reason":"caf\u00e9"}"#))
        #expect(taken.blocked)
        #expect(taken.reason == "caf\u{E9}")
        #expect(try BlockChange(body: ByteBuffer(string: #"{"blocked":false,"reason":null}"#)).reason == nil)
        for value in ["0", "1", "\"true\"", "null", "[]", "{}"] {
            #expect(
                refusal(#"{"blocked":\#(value)}"#) { try BlockChange(body: $0) }
                    == #"{"detail":[{"type":"bool_type","loc":["body","blocked"],"#
                    + #""msg":"Input should be a valid boolean","input":\#(value)}]}"#)
        }
    }

    @Test func `a block lists a bad flag and a bad reason together`() {
        #expect(
            refusal(#"{"reason":5}"#) { try BlockChange(body: $0) }
                == #"{"detail":[{"type":"missing","loc":["body","blocked"],"msg":"Field required","input":{"reason":5}},"#
                + #"{"type":"string_type","loc":["body","reason"],"msg":"Input should be a valid string","input":5}]}"#)
        let long = String(repeating: "x", count: Limits.reasonBytesMax + 1)
        let error = #expect(throws: InvalidRequest.self) {
            try BlockChange(body: ByteBuffer(string: #"{"blocked":true,"reason":"\#(long)"}"#))
        }
        #expect(error?.errors.map(\.type) == ["string_too_long"])
    }

    @Test func `a resumption needs no body, no reason, and takes one`() throws {
        #expect(try Resumption(body: ByteBuffer()).reason == nil)
        #expect(try Resumption(body: ByteBuffer(string: "{}")).reason == nil)
        #expect(try Resumption(body: ByteBuffer(string: #"{"reason":"ok"}"#)).reason == "ok")
        #expect(refusal("[]") { try Resumption(body: $0) } != nil)
        #expect(refusal(#"{"reason":[]}"#) { try Resumption(body: $0) } != nil)
    }

    @Test func `a priority change needs both of its fields`() throws {
        let change = try PriorityChange(body: ByteBuffer(string: #"{"task_id":"t","priority":"high"}"#))
        #expect(change.taskID == TaskID("t"))
        #expect(change.priority == .high)
        #expect(
            refusal("{}") { try PriorityChange(body: $0) }
                == #"{"detail":[{"type":"missing","loc":["body","task_id"],"msg":"Field required","input":{}},"#
                + #"{"type":"missing","loc":["body","priority"],"msg":"Field required","input":{}}]}"#)
    }

    @Test func `a cancellation needs its three fields`() throws {
        let body = #"{"task_id":"t","service":"s","user_id":"u"}"#
        #expect(
            try TaskCancellation(body: ByteBuffer(string: body))
                == TaskCancellation(taskID: TaskID("t"), service: "s", userID: "u"))
        #expect(
            refusal("{}") { try TaskCancellation(body: $0) }
                == #"{"detail":[{"type":"missing","loc":["body","task_id"],"msg":"Field required","input":{}},"#
                + #"{"type":"missing","loc":["body","service"],"msg":"Field required","input":{}},"#
                + #"{"type":"missing","loc":["body","user_id"],"msg":"Field required","input":{}}]}"#)
    }
}
