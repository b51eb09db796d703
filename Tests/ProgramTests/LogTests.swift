import DMSClient
import DMSModel
import Foundation
import Logging
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import dms_scheduler

/// Log lines hold what others chose, and stay one line that says what we say.
@Suite struct LogTests {
    /// What others may send: an end of a line and a forged one, and what turns or hides text.
    private static let hostile = [
        "a\nb", "a\r\nb", "a\u{0}b", "a\u{1B}[2Jb", "a\u{7F}b", "a\u{85}b", "a\u{9B}31mb", "a\u{2028}b", "a\u{2029}b",
        "a\u{202E}b", "a\u{202A}b", "a\u{2066}b", "a\u{2069}b", "a\u{200E}b", "a\u{200F}b", "a\u{61C}b", "a\u{200B}b",
        "a\u{FEFF}b", "a\u{E0041}b", String(decoding: [0x61, 0xFF, 0x9B, 0x62], as: UTF8.self),
    ]

    private final class Lines: Sendable {
        let text = Mutex("")
    }

    private func logged(_ format: Settings.LogFormat, _ body: (Logger) -> Void) -> String {
        let lines = Lines()
        body(
            Logger(label: "dms-test") { label in
                LineLogHandler(label: label, format: format) { line in lines.text.withLock { $0 += line } }
            })
        return lines.text.withLock { $0 }
    }

    private func isPrintable(_ line: Substring) -> Bool {
        line.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator: false
            default: true
            }
        }
    }

    @Test(arguments: LogTests.hostile)
    func `message, metadata and its keys stay on one line and print`(_ text: String) throws {
        for format in [Settings.LogFormat.text, .json] {
            let log = logged(format) { logger in
                var logger = logger
                logger[metadataKey: "of-logger\(text)"] = "\(text)"
                logger.info(
                    "message \(text)",
                    metadata: [
                        "key\(text)": "\(text)", "list": ["\(text)"], "map": ["\(text)": "\(text)"],
                        "value": .stringConvertible(text),
                    ])
            }
            #expect(log.hasSuffix("\n"))
            let line = log.dropLast()
            #expect(isPrintable(line), "\(line)")
            guard format == .json else { continue }
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
            #expect(object["message"] == "message \(text)")
            #expect(object["key\(text)"] == text)
        }
    }

    @Test func `a field of a text line cannot be taken for another field or for the message`() {
        let log = logged(.text) { logger in
            logger.info(
                "said", metadata: ["a": "x b=y [dms] granted", "c": "\"", "d": "\\", "e": "", "f": "plain", "g": "1=2"])
        }
        #expect(
            log.hasSuffix(#": a="x b=y [dms] granted" c="\"" d="\\" e="" f=plain g="1=2" [ProgramTests] said"# + "\n"),
            "\(log)")
    }

    @Test func `no metadata makes a key of a JSON line come twice`() throws {
        let log = logged(.json) { logger in
            logger.info(
                "true",
                metadata: [
                    "message": "false", "level": "false", "time": "false", "logger": "false", "message_": "third",
                    "plain": "x",
                ])
        }
        for key in ["time", "level", "logger", "message", "message_", "message__", "level_", "plain"] {
            #expect(log.components(separatedBy: "\"\(key)\":").count == 2, "\(key) in \(log)")
        }
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(log.utf8)) as? [String: String])
        #expect(object["message"] == "true")
        #expect(object["message_"] == "false")
        #expect(object["message__"] == "third")
    }

    @Test func `an error of an event is a field`() {
        let log = logged(.json) { $0.error("failed", error: TestFailure("why\u{9B}")) }
        #expect(log.contains(#""error.message":"why\u009b""#), "\(log)")
    }

    @Test(arguments: ["text", "json"])
    func `the reason of a task that is given back forges no line`(_ format: String) async throws {
        try await withFolder { folder in
            let scheduler = try await SchedulerProcess.start(
                folder: folder, environment: ["LOG_LEVEL": "debug", "DMS_LOG_FORMAT": format])
            let submitted = try await scheduler.run(
                "dms-admin", "submit", "--id", "a", "--service", "copy", "--user", "ada", "--parameters", "{}")
            #expect(submitted.code == 0, "\(submitted.errors)")
            let next = try await scheduler.run("dms-submitter", "next", "--lease", "1m", "--json")
            let token = String(try #require(next.output.firstMatch(of: #/"lease_token":"([^"]+)"/#)).1)
            let forged = "x\n2026-11-28T00:00:00.000000Z error dms-scheduler: [Scheduler] forged\u{1B}[2J\u{9B}\u{202E}"
            let returned = try await scheduler.run("dms-submitter", "return", "a", token, "--reason", forged)
            #expect(returned.code == 0, "\(returned.errors)")
            _ = try await scheduler.terminate()
            let lines = scheduler.program.errors.split(separator: "\n")
            #expect(lines.count { $0.contains("forged") } == 1)
            #expect(lines.first { $0.contains("forged") }?.contains("A task was given back") == true)
            #expect(lines.allSatisfy(isPrintable))
        }
    }

    @Test func `what ends the program is told on one line`() async throws {
        try await withFolder { folder in
            let ended = try await Program.run(
                "dms-scheduler", ["--http-host", "a\nb\u{1B}\u{9B}\u{202E}"], folder: folder)
            #expect(ended.code == 78)
            #expect(
                ended.errors.hasPrefix(#"dms-scheduler: DMS_HTTP_HOST (--http-host): 'a\u{A}b\u{1B}\u{9B}\u{202E}' "#))
            #expect(ended.errors.hasSuffix("\n"))
            #expect(isPrintable(ended.errors.dropLast()))
        }
    }
}
