import DMSModel
import NIOCore
import Testing

@testable import ClientCommands
@testable import dms_submitter

/// What a worker makes of a command's output, and how times are read.
@Suite struct WorkerValueTests {
    private func head(_ text: String, bytesMax: Int = 100) -> OutputHead {
        var head = OutputHead(bytesMax: bytesMax)
        head.append(Array(text.utf8))
        return head
    }

    @Test(arguments: [
        (#"{"a": 1}"#, #"{"a": 1}"#), (" [1,\n2]\r\n", "[1,\n2]"), ("7", "7"), ("null", "null"),
        ("done\n", #""done\n""#), ("{\"a\":", #""{\"a\":""#), ("1 2", #""1 2""#),
    ])
    func `output is a result as it is where it is JSON, and else a string`(_ output: String, _ result: String) {
        #expect(head(output).result.map { String(buffer: $0) } == result)
    }

    @Test(arguments: ["", " \n\t"]) func `white space is no result`(_ output: String) {
        #expect(head(output).result == nil)
    }

    @Test func `bytes that are no text are marked`() throws {
        var head = OutputHead(bytesMax: 10)
        head.append([0xFF, 0x41])
        #expect(head.result.map { String(buffer: $0) } == "\"\u{FFFD}A\"")
    }

    @Test func `output may be as long as the limit, and not a byte longer`() {
        #expect(!head("0123456789", bytesMax: 10).isTooLong)
        var head = head("0123456789", bytesMax: 10)
        head.append([])
        #expect(!head.isTooLong)
        head.append([0x41])
        #expect(head.isTooLong)
        #expect(head.bytes.readableBytes == 10)
    }

    @Test func `the end of the errors is kept, without half a character or a line break behind it`() {
        var tail = OutputTail(bytesMax: 6)
        for part in ["0123456789", "abcdefghij", "x\u{E9}yzé\n"] { tail.append(Array(part.utf8)) }
        #expect(tail.text == "yzé")
        var bad = OutputTail(bytesMax: 6)
        bad.append([0x41, 0xFF, 0xFF, 0xFF, 0x00, 0x42])
        #expect(bad.text.utf8.count <= 6)
        #expect(bad.text.hasSuffix("B"))
        #expect(OutputTail(bytesMax: 6).text == "")
    }

    @Test(arguments: [
        "DMS_OPERATOR_TOKEN=x", "DMS_SUBMITTER_TOKEN=", "DMS_OPERATOR_TOKEN_FILE=/a",
        "DMS_SUBMITTER_TOKEN_PREVIOUS=x=y", "DMS_" + "READER_TOKEN_NEXT=x",
    ])
    func `a variable with one of the scheduler's tokens is known by its name`(_ entry: String) {
        #expect(InheritedBytes.isToken(Array(entry.utf8)))
    }

    @Test(arguments: [
        "DMS_SERVER=DMS_OPERATOR_TOKEN", "DMS_" + "TOKENS=x", "XDMS_OPERATOR_TOKEN=x", "GITHUB_TOKEN=x",
        "DMS_KEY_FILE=x",
        "dms_operator_token=x", "=DMS_OPERATOR_TOKEN", "", "DMS",
    ])
    func `any other variable is none of these`(_ entry: String) { #expect(!InheritedBytes.isToken(Array(entry.utf8))) }

    @Test(arguments: [
        ("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("1h", 3_600_000), ("2", 2000), ("0.5s", 500), ("0", 0),
        ("24h", 86_400_000),
    ])
    func `a length of time is read`(_ text: String, _ milliseconds: UInt32) {
        #expect(TimeArgument(text)?.milliseconds == milliseconds)
    }

    @Test(arguments: ["", "s", "-1s", "25h", "1d", "nan", "inf", "1 s", "+1"])
    func `what is no length of time is refused`(_ text: String) {
        #expect(TimeArgument(text) == nil)
    }
}
