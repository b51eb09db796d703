import DMSModel
import Foundation
import NIOCore
import TestSupport
import Testing

/// Valid documents cut short and changed at random: the scanner must refuse or take them as another parser does.
@Suite struct JSONMutationTests {
    static let documents: [String] = [
        #"{"task_id":"t-1","service":"s","user_id":"u","parameters":{"a":[1,2.5e-3,{"b":[]}],"ü":"\ud83d\ude00\n"}}"#,
        #"[{"a":true,"b":false,"c":null,"d":-0.0e+00},[[[[]]]],"x\\\"y/\/","é€😀",12345678901234567890]"#,
        " \t{ \"k\" : [ 1 , \"two\" , { \"three\" : [ ] } ] , \"k\" : { } }\r\n",
        #"{"":"","\u0000":"\u00e9\uFFFF","n":[0,-1,10,1e1,1E+2,0.25]}"#,
        "\"\\b\\f\\n\\r\\t\\u12aB é \u{10FFFF}\"",
    ]

    static func error(_ bytes: some Sequence<UInt8>) -> JSONError? {
        do throws(JSONError) {
            _ = try JSONText(ByteBuffer(bytes: bytes), nestingMax: 100)
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: documents)
    func `a document is taken, and every part of it that starts with it and is shorter is refused`(text: String) {
        let bytes = Array(text.utf8)
        #expect(JSONMutationTests.error(bytes) == nil)
        // White space behind the value is not a part that is missed.
        let end = bytes.lastIndex { $0 > 0x20 } ?? 0
        for count in 0...end {
            guard let error = JSONMutationTests.error(bytes.prefix(count)) else {
                Issue.record("taken with \(count) bytes of \(bytes.count)")
                continue
            }
            #expect((0...count).contains(error.offset))
        }
        for count in end + 1..<max(end + 1, bytes.count) {
            #expect(JSONMutationTests.error(bytes.prefix(count)) == nil)
        }
    }

    @Test(arguments: documents)
    func `every part of a document that ends with it is read without a trap`(text: String) {
        let bytes = Array(text.utf8)
        for count in 0..<bytes.count {
            if let error = JSONMutationTests.error(bytes.suffix(count)) { #expect((0...count).contains(error.offset)) }
        }
    }

    @Test func `random changes are taken or refused as Foundation does`() throws {
        var noise = SplitMix(state: 2025)
        var (taken, refused) = (0, 0)
        for round in 0..<20_000 {
            var bytes = Array(JSONMutationTests.documents[round % JSONMutationTests.documents.count].utf8)
            for _ in 0..<Int.random(in: 1...3, using: &noise) { JSONMutationTests.change(&bytes, using: &noise) }
            let error = JSONMutationTests.error(bytes)
            if error == nil { taken += 1 } else { refused += 1 }
            let foundationTakes = JSONMutationTests.foundationTakes(bytes)
            if (error == nil) != foundationTakes, !JSONMutationTests.isKnownDifference(error, bytes) {
                let text = String(decoding: bytes, as: UTF8.self)
                Issue.record("ours: \(String(describing: error)), Foundation takes it: \(foundationTakes): \(text)")
            }
        }
        // Both must happen often, or the comparison says little.
        #expect(taken > 1000)
        #expect(refused > 1000)
    }

    @Test func `noise without any form is read without a trap`() {
        var noise = SplitMix(state: 99)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0...24, using: &noise)
            let bytes = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &noise) }
            if let error = JSONMutationTests.error(bytes) { #expect((0...count).contains(error.offset)) }
            let quoted = [UInt8(ascii: "\"")] + bytes + [UInt8(ascii: "\"")]
            guard JSONMutationTests.error(quoted) == nil else { continue }
            #expect(String(validating: quoted, as: UTF8.self) != nil)
        }
    }

    /// One of: a byte replaced, put in, taken out, a piece doubled, two bytes exchanged.
    static func change(_ bytes: inout [UInt8], using noise: inout SplitMix) {
        guard bytes.count > 1 else { return }
        let tokens =
            Array("{}[]:,\"\\/ \n\t0123456789.-+eEutfnbrx".utf8) + [
                0x01, 0x1F, 0x7F, 0x80, 0xA9, 0xC3, 0xE2, 0xED, 0xF0, 0xFF,
            ]
        let byte = tokens[Int.random(in: 0..<tokens.count, using: &noise)]
        let place = Int.random(in: 0..<bytes.count, using: &noise)
        switch Int.random(in: 0..<5, using: &noise) {
        case 0: bytes[place] = byte
        case 1: bytes.insert(byte, at: place)
        case 2: bytes.remove(at: place)
        case 3: bytes.insert(contentsOf: bytes[place..<min(place + 5, bytes.count)], at: place)
        default: bytes.swapAt(place, Int.random(in: 0..<bytes.count, using: &noise))
        }
    }

    /// Where Foundation leaves the RFC: it takes a comma before an object's closing brace, and refuses numbers that no
    /// `Double` holds.
    static func isKnownDifference(_ error: JSONError?, _ bytes: [UInt8]) -> Bool {
        guard let error else {
            let text = String(decoding: bytes, as: UTF8.self)
            return text.range(of: "[0-9][eE][+]?[0-9]{3}", options: .regularExpression) != nil
        }
        return error.problem == .keyExpected && bytes[error.offset] == UInt8(ascii: "}")
    }

    static func foundationTakes(_ bytes: [UInt8]) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)) != nil
    }
}
