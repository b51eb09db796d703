import DMSModel
import NIOCore
import RedisLink
import TestSupport
import Testing

@testable import Scheduler

/// The scripts' reader of records against the scheduler's own: what the one reads the other does, and as the same.
@Suite struct RecordGrammarTests {
    /// The record in our form, and whether it was read as JSON to get there; without a form where it is none.
    private static let script =
        [PackageResources.lib_json_lua, PackageResources.lib_time_lua, PackageResources.lib_record_lua]
        .map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
            + """

            local answers = {}
            for word = 1, #ARGV, 2 do
                local front, priority, status, enqueued_at, updated_at, later, is_foreign = read(ARGV[word], ARGV[word + 1])
                answers[#answers + 1] = front and join(front, priority, status, enqueued_at, updated_at, later) or ''
                answers[#answers + 1] = is_foreign and 1 or 0
            end
            return answers
            """

    private struct Reading {
        var form: ByteBuffer?
        var isForeign: Bool
    }

    private static func read(_ records: [(text: [UInt8], id: String)], _ redis: TestRedis) async throws -> [Reading] {
        // The texts are any bytes, and the test's client sends text: so they go as hexadecimal digits.
        let script = """
            local function bytes(digits)
                return (string.gsub(digits, '..', function(pair) return string.char(tonumber(pair, 16)) end))
            end
            local ARGV = {unpack(ARGV)}
            for word = 1, #ARGV do ARGV[word] = bytes(ARGV[word]) end
            """
        func digits(_ bytes: some Sequence<UInt8>) -> String {
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
        let words = records.flatMap { [digits($0.text), digits($0.id.utf8)] }
        let answer = try await redis.call(["EVAL", script + "\n" + RecordGrammarTests.script, "0"] + words)
        guard case .array(let values) = answer, values.count == 2 * records.count else {
            throw TestFailure("the script answered \(answer)")
        }
        return records.indices.map { index in
            guard case .bytes(let form) = values[2 * index] else { return Reading(form: nil, isForeign: true) }
            return Reading(
                form: form.readableBytes > 0 ? form : nil, isForeign: values[2 * index + 1].integer == 1)
        }
    }

    @Test func `the scripts read each record of the vectors as its own form, or not at all`() async throws {
        let vectors = try RecordVector.all()
        try await TestRedis.with { redis in
            let readings = try await RecordGrammarTests.read(vectors.map { ($0.bytes, $0.id) }, redis)
            for (vector, reading) in zip(vectors, readings) {
                #expect(reading.form.map { String(buffer: $0) } == vector.form, "\(vector)")
            }
            // What is in our form is no work any more.
            let forms = vectors.filter { $0.form != nil }
            let again = try await RecordGrammarTests.read(forms.map { (Array(($0.form ?? "").utf8), $0.id) }, redis)
            for (vector, reading) in zip(forms, again) {
                #expect(reading.form.map { String(buffer: $0) } == vector.form, "\(vector)")
                #expect(!reading.isForeign || vector.name == "a result and an error", "\(vector)")
            }
        }
    }

    @Test(arguments: [UInt64.random(in: 0 ... .max), 1, 2])
    func `what is changed at random is read by both, and as the same, or by neither`(seed: UInt64) async throws {
        let vectors = try RecordVector.all()
        try await TestRedis.with { redis in
            var generator = SplitMix(state: seed)
            for _ in 0..<40 {
                let records = (0..<100).compactMap { _ -> (text: [UInt8], id: String)? in
                    guard let vector = vectors.randomElement(using: &generator), vector.bytes.count < 4096 else {
                        return nil
                    }
                    return (RecordGrammarTests.changed(vector.bytes, vectors, &generator), vector.id)
                }
                let readings = try await RecordGrammarTests.read(records, redis)
                for (record, reading) in zip(records, readings) {
                    let ours = TaskRecord(json: ByteBuffer(bytes: record.text))
                        .flatMap { $0.taskID == TaskID(record.id) ? $0 : nil }
                    // A record in our form is taken at its word; whoever hands it out looks at it once more.
                    if ours == nil, !reading.isForeign { continue }
                    let theirs = reading.form.flatMap { TaskRecord(json: $0) }
                    #expect(
                        ours == theirs && (reading.form == nil) == (ours == nil),
                        "seed \(seed): \(String(decoding: record.text, as: UTF8.self))")
                }
            }
        }
    }

    /// Pieces that JSON and records are made of, and near misses.
    private static let pieces = [
        " ", "\n", "\t", "\u{B}", ",", ":", "{", "}", "[", "]", "\"", "\\", "\\u0041", "\\ud83d\\ude00", "\\udc00",
        "\\/", "0",
        "1", "-", "-0", "1e5", "1.", ".5", "1E+2", "null", "true", "tru", "NaN", "\"attempt\":2,", ",\"attempt\":1",
        "Z",
        "+01:00", "T", "é", "\u{7F}", "\u{1}", "queued", "low", ",\"x\":{\"priority\":\"low\"}", "\"lease_ms\":5,",
        "2024-02-29T", "2023-02-29T", "\"result\":\"\\\"\\\\\",",
    ].map { Array($0.utf8) }

    private static func changed(
        _ text: [UInt8], _ vectors: [RecordVector], _ generator: inout SplitMix
    ) -> [UInt8] {
        var text = text
        for _ in 0...Int(generator.next() % 2) {
            let place = text.isEmpty ? 0 : Int(generator.next() % UInt64(text.count))
            let end = min(text.count, place + Int(generator.next() % 8))
            switch generator.next() % 6 {
            case 0: if !text.isEmpty { text[place] = UInt8(truncatingIfNeeded: generator.next()) }
            case 1: text.removeSubrange(place..<end)
            case 2, 3: text.insert(contentsOf: pieces.randomElement(using: &generator) ?? [], at: place)
            case 4: text.replaceSubrange(place..<end, with: pieces.randomElement(using: &generator) ?? [])
            default:
                // White space, or a piece, where it changes the layout and not the meaning.
                let commas = text.indices.filter { text[$0] == UInt8(ascii: ",") || text[$0] == UInt8(ascii: ":") }
                if let comma = commas.randomElement(using: &generator) {
                    text.insert(UInt8(ascii: " "), at: comma + 1)
                }
            }
        }
        return text
    }
}
