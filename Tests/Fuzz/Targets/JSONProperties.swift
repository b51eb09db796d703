import Foundation
import NIOCore

@testable import DMSModel

/// JSON: what is taken is JSON to Foundation too, member by member; what Foundation takes and we do not is known.
enum JSONProperties {
    private static let nestingMax = 100

    static func check(_ input: FuzzInput) throws {
        let bytes = input.bytes
        let text: JSONText
        do throws(JSONError) {
            text = try JSONText(bytes, nestingMax: nestingMax)
        } catch {
            try hold((0...bytes.readableBytes).contains(error.offset), "an error stands outside of the text")
            return try checkRefusal(bytes, error)
        }
        try checkPlaces(text)
        try checkFoundation(text)
    }

    /// The parts lie where the text has them, and are JSON themselves.
    private static func checkPlaces(_ text: JSONText) throws {
        var end = text.root.range.lowerBound
        for member in text.members {
            try hold(
                end < member.key.lowerBound && member.key.upperBound < member.slot.lowerBound
                    && member.slot.lowerBound <= member.value.range.lowerBound
                    && member.value.range.upperBound <= member.slot.upperBound, "members overlap")
            end = member.slot.upperBound
            let value = try JSONText(text.slice(member.value.range), nestingMax: nestingMax)
            try hold(value.root.kind == member.value.kind, "a member's value is of another kind by itself")
            let slot = try JSONText(text.slice(member.slot), nestingMax: nestingMax)
            try hold(slot.root.kind == member.value.kind, "a member's slot holds something else")
        }
        try hold(end <= text.root.range.upperBound, "a member ends behind its object")
    }

    private static func checkFoundation(_ text: JSONText) throws {
        let data = Data(text.bytes.readableBytesView)
        let root: Any
        do {
            root = try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed)
        } catch {
            // Foundation refuses numbers that no Double holds; by the RFC they are numbers.
            try hold(String(buffer: text.bytes).contains(#/[0-9]/#), "Foundation refuses the text: \(error)")
            return
        }
        switch (root, text.root.kind) {
        case (let string as String, .string):
            try hold(isSame(text.string(text.root), string), "a string is decoded otherwise")
        case (let object as [String: Any], .object):
            for (name, value) in object {
                // Foundation's keys are equal where Unicode says so, ours where their bytes are.
                guard let string = value as? String, object.count == text.members.count,
                    let ours = text.stringMember(name)
                else { continue }
                try hold(isSame(ours, string), "the member \(name) is decoded otherwise")
            }
            for member in text.members where member.value.kind == .string {
                let string = text.string(member.value)
                let again = JSONString.encode(string)
                let read = try JSONText(again, nestingMax: 0)
                try hold(read.string(read.root).utf8.elementsEqual(string.utf8), "a string is not read as written")
            }
        case (is [Any], .array), (is NSNumber, .number), (is NSNumber, .true), (is NSNumber, .false),
            (is NSNull, .null):
            break
        default: throw BrokenProperty(description: "Foundation sees another kind of value than \(text.root.kind)")
        }
    }

    /// Whether Foundation reads the same string, but that it loses byte order marks at the front and behind an escape.
    static func isSame(_ ours: String, _ theirs: String) -> Bool {
        func withoutMarks(_ text: String) -> [Unicode.Scalar] { text.unicodeScalars.filter { $0 != "\u{FEFF}" } }
        return ours.utf8.elementsEqual(theirs.utf8)
            || theirs.utf8.count < ours.utf8.count && withoutMarks(ours) == withoutMarks(theirs)
    }

    private static func checkRefusal(_ bytes: ByteBuffer, _ error: JSONError) throws {
        guard bytes.isJSONToFoundation, error.problem != .tooDeep else { return }
        // Foundation takes halves of surrogate pairs, a comma before a closing bracket, and texts in UTF-16 and UTF-32
        // or with a byte order mark.
        let isUTF8 =
            !bytes.readableBytesView.contains(0)
            && bytes.getInteger(at: 0, as: UInt8.self).map { $0 < 0x80 } == true
        let next = bytes.getInteger(at: error.offset, as: UInt8.self)
        let isComma = next == UInt8(ascii: "}") || next == UInt8(ascii: "]")
        try hold(
            !isUTF8 || isComma || error.problem == .loneSurrogate, "Foundation takes what is refused: \(error)")
    }
}
