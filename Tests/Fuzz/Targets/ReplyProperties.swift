import DMSModel
import NIOCore

@testable import RedisLink
@testable import Scheduler

/// Answers of Redis: cut anywhere they are the same, written again they are read as the same, and whatever a script
/// answers is read or refused.
///
/// The first byte says how many of the next are sizes of pieces.
enum ReplyProperties {
    static func check(_ input: FuzzInput) throws {
        var input = input
        let sizes = input.take(Int(input.byte() % 16))
        let whole = read([input.bytes])
        try hold(whole == read(input.bytes.pieces(by: sizes)), "answers depend on where their bytes are cut")
        var written = ByteBuffer()
        for value in whole.values { write(value, into: &written) }
        try hold(read([written]) == Reading(values: whole.values), "answers are not read as they were written")
        try decode(input.bytes)
    }

    private struct Reading: Equatable {
        var values: [RedisValue] = []
        var isRefused = false
    }

    private static func read(_ pieces: [ByteBuffer]) -> Reading {
        var reading = Reading()
        var reader = RedisReader()
        do {
            for var piece in pieces {
                while piece.readableBytes > 0 {
                    try reader.feed(&piece)
                    while let reply = try reader.next() { reading.values.append(try RedisValue(reply.view)) }
                }
            }
        } catch {
            reading.isRefused = true
        }
        return reading
    }

    private static func write(_ value: RedisValue, into buffer: inout ByteBuffer) {
        switch value {
        case .null: buffer.writeString("$-1\r\n")
        case .integer(let number): buffer.writeString(":\(number)\r\n")
        case .bytes(let bytes):
            buffer.writeString("$\(bytes.readableBytes)\r\n")
            buffer.writeImmutableBuffer(bytes)
            buffer.writeString("\r\n")
        case .status(let text): buffer.writeString("+\(text)\r\n")
        case .error(.reply(let code, let message)):
            buffer.writeString("-\(code)" + (message.isEmpty ? "" : " \(message)") + "\r\n")
        case .error(let error): preconditionFailure("no answer holds \(error)")
        case .array(let values):
            buffer.writeString("*\(values.count)\r\n")
            for value in values { write(value, into: &buffer) }
        }
    }

    /// Every answer is given to every script's decoder: a shape that it does not know is an error.
    private static func decode(_ bytes: ByteBuffer) throws {
        var reader = RedisReader()
        var rest = bytes
        while rest.readableBytes > 0 {
            guard (try? reader.feed(&rest)) != nil else { return }
            while let reply = try? reader.next() {
                if let outcome = try? HandOutScript.decode(reply.view) {
                    let tasks = outcome.answers.reduce(0) { $0 + $1.tasks.count }
                    try hold(outcome.skipped >= 0 || tasks == 0, "more tasks are skipped than there are")
                }
                if case .page(let page) = try? ListScript.decode(reply.view) {
                    try hold(page.unreadable >= 0, "more records are read than came")
                }
                if let statistics = try? ReadStatsScript.decode(reply.view) { _ = statistics.overview.total }
                if let outcome = try? ReadTaskScript.decode(reply.view) { _ = outcome.overview.total }
                _ = try? EndLeasesScript.decode(reply.view)
                _ = try? IndexTasksScript.decode(reply.view)
                _ = try? ScanIDs.decode(reply.view, from: .ordered)
                if let stored = try? reply.view.optionalBytes() { _ = BlockState(stored: stored) }
            }
        }
    }
}
