import DMSModel
import Foundation
import NIOCore
import Testing

/// A record as Redis keeps it.
@Suite struct TaskRecordJSONTests {
    static let golden =
        #"{"task_id":"t-1","service":"mail","user_id":"ann","parameters":{"a":[1.0,{}]},"priority":"mid","#
        + #""status":"queued","enqueued_at":"2025-11-23T10:11:12.123456Z","updated_at":"2025-11-23T10:11:13.000000Z"}"#

    static let record = TaskRecord(
        taskID: TaskID("t-1"), service: "mail", userID: "ann", parameters: ByteBuffer(string: #"{"a":[1.0,{}]}"#),
        priority: .mid, enqueuedAt: Timestamp(microseconds: 1_763_892_672_123_456),
        updatedAt: Timestamp(microseconds: 1_763_892_673_000_000))

    static func written(_ record: TaskRecord) -> ByteBuffer {
        var buffer = ByteBuffer()
        record.writeJSON(into: &buffer)
        return buffer
    }

    static func read(_ text: String) -> TaskRecord? { TaskRecord(json: ByteBuffer(string: text)) }

    /// The golden text with one of its pieces replaced.
    static func read(replacing piece: String, with other: String) -> TaskRecord? {
        guard let range = golden.range(of: piece) else { return nil }
        return read(golden.replacingCharacters(in: range, with: other))
    }

    @Test func `a record is written in the order of the contract, without white space`() {
        #expect(String(buffer: TaskRecordJSONTests.written(TaskRecordJSONTests.record)) == TaskRecordJSONTests.golden)
        #expect(TaskRecordJSONTests.read(TaskRecordJSONTests.golden) == TaskRecordJSONTests.record)
    }

    @Test func `later fields come behind the record's own, and only where they say something`() {
        var record = TaskRecordJSONTests.record
        record.attempt = 3
        record.submitterID = "worker \"1\""
        let expected = TaskRecordJSONTests.golden.dropLast() + #","attempt":3,"submitter_id":"worker \"1\""}"#
        #expect(String(buffer: TaskRecordJSONTests.written(record)) == expected)
        #expect(TaskRecord(json: TaskRecordJSONTests.written(record)) == record)
        record.attempt = .max
        record.submitterID = ""
        #expect(TaskRecord(json: TaskRecordJSONTests.written(record)) == record)
    }

    @Test func `records of any priority, status, name and parameters go round`() {
        let names = [
            "a", "é", "e\u{301}", "\"\\/", "\u{0}\u{1F}\n", "😀", "index", "}],\"status\":\"queued\"", "\u{2028}",
        ]
        let parameters = [
            "{}", " { } ", #"{"n":123456789012345678901234567890,"f":1.10,"e":[],"d":1,"d":2}"#,
            #"{"priority":"high","status":"failed","parameters":{"status":"queued"}}"#,
            #"{"s":"\u00e9\/\ud83d\ude00 é"}"#,
            "{\n\t\"a\" : 1e400\r\n}",
        ]
        for priority in Priority.allCases {
            for status in TaskStatus.allCases {
                for (name, parameters) in names.flatMap({ name in parameters.map { (name, $0) } }) {
                    let record = TaskRecord(
                        taskID: TaskID(name), service: name + "s", userID: name + "u",
                        parameters: ByteBuffer(string: parameters), priority: priority, status: status,
                        enqueuedAt: Timestamp(microseconds: -1), updatedAt: Timestamp(microseconds: 1), attempt: 7,
                        submitterID: name)
                    let read = TaskRecord(json: TaskRecordJSONTests.written(record))
                    #expect(read == record)
                    // `String ==` would not see a normalisation.
                    #expect(read.map { Array($0.service.utf8) } == Array((name + "s").utf8))
                    #expect(read.map { Array($0.submitterID.utf8) } == Array(name.utf8))
                }
            }
        }
    }

    @Test func `a record of the Python service is read, its naive times as UTC`() throws {
        let text = TaskRecordJSONTests.golden.split(separator: "Z").joined()
        let record = try #require(TaskRecordJSONTests.read(text))
        #expect(record == TaskRecordJSONTests.record)
        let whole = TaskRecordJSONTests.read(
            replacing: "2025-11-23T10:11:12.123456Z", with: "2025-11-23T10:11:12")
        #expect(whole?.enqueuedAt == Timestamp(microseconds: 1_763_892_672_000_000))
    }

    @Test func `a record with white space, escapes, another order and unknown fields is read`() throws {
        let record = try #require(
            TaskRecordJSONTests.read(
                """
                 { "later": {"x": [1]}, "status": "\\u0071ueued", "priority": "mid", "parameters" : {"a":[1.0,{}]} ,
                "user_id": "ann", "serv\\u0069ce": "mail", "task_id": "t\\u002d1", "retries": 3,
                "updated_at": "2025-11-23T10:11:13+00:00", "enqueued_at": "2025-11-23T10:11:12.123456Z" }

                """))
        // The white space in the parameters' place belongs to what was kept there.
        #expect(String(buffer: record.parameters) == #" {"a":[1.0,{}]} "#)
        var trimmed = record
        trimmed.parameters = TaskRecordJSONTests.record.parameters
        #expect(trimmed == TaskRecordJSONTests.record)
    }

    @Test(arguments: [
        #""task_id":"t-1""#, #""service":"mail""#, #""user_id":"ann""#, #""parameters":{}"#, #""priority":"mid""#,
        #""status":"queued""#, #""enqueued_at":"2025-11-23T10:11:12.123456Z""#, #""attempt":1"#,
        #""stat\u0075s":"queued""#,
    ])
    func `a record that has a field of ours twice is none, since nobody knows which counts`(field: String) {
        let text = TaskRecordJSONTests.golden.dropLast()
        #expect(TaskRecordJSONTests.read(text + ",\(field),\(field)}") == nil)
        #expect(TaskRecordJSONTests.read("{\(field),\(field)," + TaskRecordJSONTests.golden.dropFirst()) == nil)
        #expect(TaskRecordJSONTests.read(text + ",\"x\":1,\"x\":2}") == TaskRecordJSONTests.record)
    }

    @Test(arguments: ["task_id", "service", "user_id", "parameters", "priority", "status", "enqueued_at", "updated_at"])
    func `a record without one of its fields, or with one of another kind, is none`(field: String) {
        let without = TaskRecordJSONTests.golden.replacingOccurrences(of: "\"\(field)\":", with: "\"\(field)x\":")
        #expect(TaskRecordJSONTests.read(without) == nil)
        for value in ["null", "1", "true", "[]", "\"\"", "\"x\"", "{\"a\":1}"] {
            // Any text may be an id or a name, any object parameters.
            let isName = ["task_id", "service", "user_id"].contains(field) && value.hasPrefix("\"")
            let isParameters = field == "parameters" && value.hasPrefix("{")
            let text = without.dropLast() + ",\"\(field)\":\(value)}"
            #expect((TaskRecordJSONTests.read(String(text)) != nil) == (isName || isParameters), "\(value)")
        }
    }

    @Test(arguments: [
        (#""mid""#, #""urgent""#), (#""mid""#, #""Mid""#), (#""mid""#, #""""#), (#""queued""#, #""QUEUED""#),
        (#""queued""#, #""done""#), ("12.123456Z", "12.123456Z "), ("2025-11-23T10:11:13", "2025-02-29T10:11:13"),
        ("2025-11-23T10:11:13", "yesterday"), ("1.0", "NaN"), ("1.0", "01"), ("[1.0,{}]", "[1.0,{},]"),
        ("t-1", "\\ud800"),
    ])
    func `a record with a value that is none is refused`(piece: String, other: String) {
        #expect(TaskRecordJSONTests.golden.contains(piece))
        #expect(TaskRecordJSONTests.read(replacing: piece, with: other) == nil)
    }

    @Test(arguments: [
        "", " ", "{}", "[]", "null", "\"t-1\"", "1", "t-1", "{\"task_id\":\"t-1\"}", "[\(golden)]", golden + golden,
    ])
    func `a text that is no record is refused`(text: String) { #expect(TaskRecordJSONTests.read(text) == nil) }

    @Test func `every part of a record that starts with it and is shorter is refused`() {
        let bytes = Array(TaskRecordJSONTests.golden.utf8)
        for count in 0..<bytes.count { #expect(TaskRecord(json: ByteBuffer(bytes: bytes.prefix(count))) == nil) }
    }

    @Test(arguments: [
        ("0", 0), ("1", 1), ("4294967295", UInt32.max), ("4294967296", 0), ("-1", 0), ("1.0", 0), ("1e2", 0),
        ("1.5", 0),
        ("null", 0), ("true", 0), ("\"3\"", 0), ("[3]", 0), ("{\"n\":3}", 0), ("99999999999999999999999", 0),
        (" 5 ", 5),
    ])
    func `an attempt that is no count is as if it were not there`(text: String, attempt: UInt32) {
        let json = TaskRecordJSONTests.golden.dropLast() + ",\"attempt\":\(text)}"
        var expected = TaskRecordJSONTests.record
        expected.attempt = attempt
        #expect(TaskRecordJSONTests.read(String(json)) == expected)
    }

    @Test(arguments: [",\"returned\":\"x", ",\"lease_ms\":1,\"lease\":\"x", ",\"lease\":\"x"])
    func `a record that is no UTF-8 is none, be it in a field that nobody is shown`(later: String) {
        let leaseTail = later.hasPrefix(",\"lease\"") ? "\",\"lease_ms\":1}" : "\"}"
        for (byte, isText) in [(UInt8(ascii: "y"), true), (0xF6, false)] {
            var text = ByteBuffer(string: TaskRecordJSONTests.golden.dropLast() + later)
            text.writeInteger(byte)
            text.writeString(leaseTail)
            #expect((TaskRecord(json: text) != nil) == isText)
            #expect((LeasedTask(json: text, leasedAt: Timestamp(microseconds: 0)) != nil) == isText)
        }
    }

    @Test func `a result or an error that another program kept as JSON is read as that`() throws {
        let text = TaskRecordJSONTests.golden.dropLast()
        let result = try #require(TaskRecordJSONTests.read(text + #","result": {"x": [1]} }"#)).result
        #expect(result.map { String(buffer: $0) } == #"{"x": [1]}"#)
        #expect(TaskRecordJSONTests.read(text + #","error":[1]}"#)?.error == "[1]")
        #expect(TaskRecordJSONTests.read(text + #","result":null,"error":null}"#) == TaskRecordJSONTests.record)
    }

    @Test func `a submitter id that is no text is as if it were not there`() {
        for value in ["null", "1", "[]", "{}"] {
            let json = TaskRecordJSONTests.golden.dropLast() + ",\"submitter_id\":\(value)}"
            #expect(TaskRecordJSONTests.read(String(json)) == TaskRecordJSONTests.record)
        }
    }

    @Test func `a record that was kept is read however deep its parameters nest`() {
        let deep = "{\"a\":" + String(repeating: "[", count: 5000) + String(repeating: "]", count: 5000) + "}"
        var record = TaskRecordJSONTests.record
        record.parameters = ByteBuffer(string: deep)
        #expect(TaskRecord(json: TaskRecordJSONTests.written(record)) == record)
    }

    /// Records whose fields are found by their places, and near misses; behind a blank each is left to the JSON parser.
    @Test(arguments: [
        "", #","attempt":3"#, #","attempt":3,"submitter_id":"w""#, #","attempt":4294967295"#, #","attempt":4294967296"#,
        #","attempt":3,"returned":"abc""#, #","attempt":3,"returned":"abc","lease":"tok","lease_ms":30000"#,
        #","attempt":3,"lease":"tok","lease_ms":30000,"submitter_id":"w\"1""#, #","attempt":"3""#, #","attempt":-3"#,
        #","attempt":3,"lease":"tok","lease_ms":30000,"submitter_id":"w","result":"{\",\\\"priority\\\":\\\"high\":1}""#,
        #","attempt":1,"error":"\",\"priority\":\"high\"""#,
        #","attempt":1,"result":"[1]","error":"no""#, #","submitter_id":"w","attempt":3"#, #","other":1"#, " ",
        #","attempt":0"#,
    ])
    func `a record reads the same by its fields' places and by the parser`(later: String) throws {
        let parameters = [
            "{}", #"{"a":[1.0,{}]}"#, #"{"x":",\"priority\":\"high\",\"status\":\"queued\""}"#, "{ }",
            #"{"parameters":{}}"#,
            #"{"priority":"high","status":"canceled","enqueued_at":"x"}"#,
        ]
        for parameters in parameters {
            for id in ["t-1", #"t\"1"#, "ü", #"\u00fc"#] {
                let text =
                    TaskRecordJSONTests.golden.replacingOccurrences(of: #"{"a":[1.0,{}]}"#, with: parameters)
                    .replacingOccurrences(of: "t-1", with: id).dropLast() + later + "}"
                let record = TaskRecordJSONTests.read(String(text))
                #expect(record == TaskRecordJSONTests.read(text + " "), "\(text)")
                #expect(record != nil, "\(text)")
                let start = Timestamp(microseconds: 1_000_000)
                let leased = LeasedTask(json: ByteBuffer(string: String(text)), leasedAt: start)
                #expect(leased == LeasedTask(json: ByteBuffer(string: text + " "), leasedAt: start), "\(text)")
            }
        }
    }

    @Test func `a lease is read with its token and its end`() throws {
        let text = TaskRecordJSONTests.golden.dropLast() + #","attempt":1,"lease":"tok","lease_ms":2000}"#
        let leased = try #require(
            LeasedTask(json: ByteBuffer(string: String(text)), leasedAt: Timestamp(microseconds: 5)))
        #expect(leased.leaseToken == "tok")
        #expect(leased.leaseExpiresAt == Timestamp(microseconds: 2_000_005))
        #expect(leased.record.attempt == 1)
    }
}

@Suite struct FarLeaseTests {
    @Test(arguments: ["", ",\"result\":\"1\""])
    func `a kept lease that is longer than time can be counted ends at its end`(later: String) throws {
        for length in ["9223372036854775807", "999999999999999"] {
            let text = """
                {"task_id":"t","service":"c","user_id":"u","parameters":{},"priority":"low","status":"dispatched",\
                "enqueued_at":"2025-11-23T10:11:12.000000Z","updated_at":"2025-11-23T10:11:12.000000Z","attempt":1,\
                "lease":"x","lease_ms":\(length)\(later)}
                """
            let start = Timestamp(microseconds: 9_000_000_000_000_000_000)
            let task = try #require(LeasedTask(json: ByteBuffer(string: text), leasedAt: start))
            #expect(task.leaseExpiresAt == Timestamp(microseconds: .max))
            #expect(task.leaseToken == "x")
        }
    }
}
