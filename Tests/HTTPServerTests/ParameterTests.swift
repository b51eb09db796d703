import DMSModel
import NIOCore
import TestSupport
import Testing

/// `parameters` come back with the same text, whatever is done to their task.
@Suite struct ParameterTests {
    private static let nested = String(repeating: "[", count: 511) + String(repeating: "]", count: 511)

    @Test(arguments: [
        #"{}"#, #"{ }"#, #"{"n":123456789012345678901234567890}"#, #"{"n":-9007199254740993,"m":18446744073709551616}"#,
        #"{"n":1e400,"m":-1E-400,"o":-0,"p":-0.0,"q":0.1000,"r":1E+2,"s":3.0}"#,
        #"{"a":[],"b":{},"c":[[],{}],"d":[{"e":[]}]}"#, #"{"s":"\u00e9\/\"\\\b\f\n\r\t\ud83d\ude80","":""}"#,
        #"{"s":"é😀","é":1}"#, #"{"e\u0301":1,"é":2}"#, #"{"a":1,"a":2,"A":3,"\u0061":4}"#,
        #"{"s":",\"priority\":\"high\",\"status\":\"queued\",\"enqueued_at\":\"x\",\"updated_at\":\"y\"}"}"#,
        #"{"o":{"a":1,"priority":"high","status":"queued","enqueued_at":"x","updated_at":"y"}}"#,
        #"{"a":1,"priority":"high","status":"queued","enqueued_at":"x","updated_at":"y"}"#,
        #"{"a":{"z":1,"priority":"high","status":"queued","enqueued_at":"x","updated_at":"y","attempt":7}}"#,
        #"{"parameters":{"task_id":"other","service":"r","user_id":"v"},"task_id":"other"}"#,
        "{\n\t\"a\" :\r\n [ 1 , 2 ]\n}", #"{"deep":\#(nested)}"#, #"{"lua":"%s%1$f","null":null,"t":true,"f":false}"#,
    ])
    func `parameters stay byte for byte through every operation`(parameters: String) async throws {
        try await withScheduler { server, _ in
            let text = Array((#""parameters":"# + parameters + #","priority""#).utf8)
            func expectUntouched(_ answer: HTTPAnswer, status: Int = 200) {
                #expect(answer.status == status)
                #expect(answer.body.readableBytesView.firstRange(of: text) != nil, "\(answer.text)")
            }
            expectUntouched(
                try await server.post("/tasks", submission("t", parameters: parameters)), status: 201)
            expectUntouched(try await server.get("/tasks/t"))
            expectUntouched(
                try await server.post("/admin/priority", #"{"task_id":"t","priority":"mid"}"#, token: "sesame"))
            expectUntouched(try await server.get("/tasks/t"))
            expectUntouched(try await server.next())
            expectUntouched(
                try await server.post("/tasks/cancel", #"{"task_id":"t","service":"s","user_id":"u"}"#))
            let last = try await server.get("/tasks/t")
            expectUntouched(last)
            #expect(
                last.timeless.contains(
                    record("t", parameters: parameters, priority: "mid", status: "canceled", later: #","attempt":1"#)))
        }
    }

    @Test func `a mebibyte of parameters is taken, a byte more is not`() async throws {
        try await withScheduler { server, _ in
            let largest = #"{"x":"\#(String(repeating: "y", count: Limits.parametersBytesMax - 8))"}"#
            #expect(largest.utf8.count == Limits.parametersBytesMax)
            let answer = try await server.post("/tasks", submission("t", parameters: largest))
            #expect(answer.status == 201)
            #expect(answer.timeless == record("t", parameters: largest))
            #expect(try await server.next().timeless.contains(largest))
            #expect(try await server.get("/tasks/t").timeless.contains(largest))
            let larger = largest.dropLast() + " }"
            let refused = try await server.post("/tasks", submission("u", parameters: String(larger)))
            #expect(refused.status == 413)
            #expect(refused.text == #"{"detail":"The parameters have 1048577 bytes; at most 1048576 are taken"}"#)
            #expect(try await server.get("/tasks/u").status == 404)
        }
    }

    @Test func `parameters nest 512 deep and no deeper`() async throws {
        try await withScheduler { server, _ in
            let deepest = #"{"a":\#(ParameterTests.nested)}"#
            #expect(try await server.post("/tasks", submission("t", parameters: deepest)).status == 201)
            let answer = try await server.post(
                "/tasks", submission("u", parameters: #"{"a":[\#(ParameterTests.nested)]}"#))
            #expect(answer.status == 422)
            #expect(answer.text.contains(#"{"type":"value_error","loc":["body","parameters"],"#))
            #expect(try await server.get("/tasks/u").status == 404)
        }
    }

    @Test(arguments: [
        #"{"x":NaN}"#, #"{"x":1,}"#, #"{"x":"\ud800"}"#, #"{"x":Infinity}"#, #"{'x':1}"#, #"{"x":.5}"#, #"{"x":+1}"#,
        "{\"x\":\"\u{1}\"}", "{/**/}",
    ])
    func `what is not JSON is refused`(parameters: String) async throws {
        try await withServer { server in
            let answer = try await server.post("/tasks", submission("t", parameters: parameters))
            #expect(answer.status == 422)
            #expect(answer.text.hasPrefix(#"{"detail":[{"type":"json_invalid","loc":["body","#))
        }
    }
}
