import DMSModel
import NIOCore
import Testing

/// Each rule at its limit and one past it.
@Suite struct FieldRulesTests {
    @Test func `a name has 1 to 256 bytes of UTF-8`() {
        for text in ["a", String(repeating: "a", count: 256), String(repeating: "é", count: 128), " ", "index"] {
            #expect(FieldRules.name(text, field: "service") == nil)
        }
        #expect(FieldRules.name("", field: "service")?.kind == .tooShort(minimumBytes: 1))
        for text in [String(repeating: "a", count: 257), String(repeating: "é", count: 128) + "a"] {
            let violation = FieldRules.name(text, field: "service")
            #expect(violation?.kind == .tooLong(maximumBytes: 256))
            #expect(violation?.field == "service")
        }
        // One character as Swift counts them, 257 bytes as the limit does.
        #expect(
            FieldRules.name("a" + String(repeating: "\u{301}", count: 128), field: "f")?.kind
                == .tooLong(maximumBytes: 256))
    }

    @Test func `an optional name may be empty, and keeps the other rules`() {
        #expect(FieldRules.optionalName("", field: "submitter_id") == nil)
        #expect(FieldRules.optionalName(String(repeating: "a", count: 256), field: "f") == nil)
        #expect(
            FieldRules.optionalName(String(repeating: "a", count: 257), field: "f")?.kind == .tooLong(maximumBytes: 256)
        )
        #expect(FieldRules.optionalName("a\n", field: "f")?.kind == .controlCharacter)
    }

    @Test func `no control character may stand in a name, any other character may`() {
        for value in UInt32(0)..<0x300 {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let isControl = value < 0x20 || (0x7F...0x9F).contains(value)
            for text in [String(scalar), "a\(scalar)b", "e\u{301}\(scalar)"] {
                let kind = FieldRules.name(text, field: "user_id")?.kind
                #expect(kind == (isControl ? .controlCharacter : nil), "U+\(String(value, radix: 16))")
            }
        }
        #expect(FieldRules.name("\r\n", field: "f")?.kind == .controlCharacter)
        #expect(FieldRules.name("\u{200D}\u{2028}\u{FEFF}\u{10FFFF}", field: "f") == nil)
    }

    @Test func `the id index is reserved, ids like it are not`() {
        let violation = FieldRules.taskID(TaskID("index"))
        #expect(violation?.kind == .reserved)
        #expect(violation?.field == "task_id")
        for id in ["Index", "index ", "inde", "indexes", "dms:task:index", "{index}"] {
            #expect(FieldRules.taskID(TaskID(id)) == nil)
        }
    }

    @Test func `a task id keeps the rules of a name, under the field it is given`() {
        #expect(FieldRules.taskID(TaskID(String(repeating: "a", count: 256))) == nil)
        #expect(FieldRules.taskID(TaskID(String(repeating: "a", count: 257)))?.kind == .tooLong(maximumBytes: 256))
        #expect(FieldRules.taskID(TaskID(""))?.kind == .tooShort(minimumBytes: 1))
        #expect(FieldRules.taskID(TaskID("\u{7F}"))?.kind == .controlCharacter)
        #expect(FieldRules.taskID(TaskID(""), field: "leases[3].task_id")?.field == "leases[3].task_id")
    }

    @Test func `a reason has up to 4096 bytes, of any kind`() {
        for text in ["", "line\nline\t\u{0}", String(repeating: "é", count: 2048)] {
            #expect(FieldRules.reason(text) == nil)
        }
        let violation = FieldRules.reason(String(repeating: "é", count: 2048) + "a")
        #expect(violation?.kind == .tooLong(maximumBytes: 4096))
        #expect(violation?.field == "reason")
    }

    @Test func `parameters are one JSON object, also with white space around it`() {
        for text in ["{}", " {\"a\":1}\n", #"{"a":{"b":[]},"a":1e999}"#] {
            #expect(FieldRules.parameters(ByteBuffer(string: text)) == nil)
        }
        for text in ["[]", "null", "1", "\"{}\"", "true"] {
            #expect(FieldRules.parameters(ByteBuffer(string: text))?.kind == .notAnObject)
        }
        for text in ["", "{", "{}{}", "{\"a\":NaN}", "{\"a\":1,}", "{\"a\":\"\\ud800\"}", "\u{FEFF}{}"] {
            #expect(FieldRules.parameters(ByteBuffer(string: text))?.kind == .invalidJSON)
        }
        #expect(
            FieldRules.parameters(ByteBuffer(bytes: [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D]))?.kind == .invalidJSON)
        let violation = FieldRules.parameters(ByteBuffer(string: "{\"a\":x}"), field: "p")
        #expect(violation?.field == "p")
        #expect(violation?.message == "Not JSON at byte 5: a value was expected")
    }

    @Test func `parameters nest up to 512 levels, their own object counted`() {
        func nested(_ depth: Int) -> ByteBuffer {
            let arrays = depth - 1
            return ByteBuffer(
                string: "{\"a\":" + String(repeating: "[", count: arrays) + String(repeating: "]", count: arrays) + "}")
        }
        #expect(FieldRules.parameters(nested(512)) == nil)
        #expect(FieldRules.parameters(nested(513))?.kind == .tooDeep)
    }

    @Test func `parameters have up to a mebibyte`() {
        #expect(throws: Never.self) { try FieldRules.checkParametersSize(0) }
        #expect(throws: Never.self) { try FieldRules.checkParametersSize(1_048_576) }
        let error = #expect(throws: SchedulerError.self) { try FieldRules.checkParametersSize(1_048_577) }
        #expect(error?.reason == .limitParameters)
    }

    @Test(arguments: [true, false])
    func `a result is one JSON text, of a failure too, and only a failure has an error`(succeeded: Bool) {
        let lease = LeaseReference(taskID: TaskID("t"), token: "")
        for (text, kind) in [
            ("", nil), ("1", nil), (" {} ", nil), ("{", FieldViolation.Kind.invalidJSON), ("1 2", .invalidJSON),
        ] {
            let finish = TaskFinish(lease: lease, succeeded: succeeded, result: ByteBuffer(string: text), error: "no")
            #expect(FieldRules.result(of: finish)?.kind == kind)
            #expect((FieldRules.error(of: finish) == nil) == !succeeded)
        }
    }

    @Test func `a number lies in its range, both ends counted`() {
        for value: UInt32 in [1, 2, 1000] { #expect(FieldRules.range(value, field: "max_tasks", 1...1000) == nil) }
        for value: UInt32 in [0, 1001, .max] {
            let violation = FieldRules.range(value, field: "max_tasks", 1...1000)
            #expect(violation?.kind == .outOfRange)
            #expect(violation?.field == "max_tasks")
            #expect(violation?.message == "Value should be from 1 to 1000")
        }
    }

    @Test func `the limits are those of the contract`() {
        #expect(Limits.nameBytesMax == 256)
        #expect(Limits.parametersBytesMax == 1_048_576)
        #expect(Limits.parametersNestingMax == 512)
        #expect(Limits.nextTasksMax == 1000)
        #expect(Limits.nextWaitMillisecondsMax == 600_000)
        #expect(Limits.leaseMillisecondsMin == 1000)
        #expect(Limits.leaseMillisecondsMax == 86_400_000)
        #expect(Limits.frameDataBytesMax == 4_194_304)
    }

    @Test func `a body holds the largest task, and a hand-out fits a frame`() {
        // Three names at their limit, every byte of them as \u00XX, and the parameters at theirs.
        #expect(Limits.bodyBytesMax > Limits.parametersBytesMax + 3 * 6 * Limits.nameBytesMax)
        #expect(Limits.handOutBytesMax < Limits.frameDataBytesMax)
        #expect(Limits.handOutBytesMax > Limits.parametersBytesMax + 5 * 6 * Limits.nameBytesMax)
    }
}
