import Foundation
import NIOCore

/// A part of ours that reads bytes from outside, and what holds for it whatever the bytes are.
///
/// `.ci/fuzz` feeds it by libFuzzer; the tests feed it what was found before (``CorpusTests``).
enum FuzzTarget: String, CaseIterable {
    case frames, messages, replies, json, records, bodies, requests, addresses, tokens, connections

    /// Throws ``BrokenProperty`` where something does not hold; a trap or an endless loop is seen by the caller.
    func check(_ input: FuzzInput) throws {
        switch self {
        case .frames: try FrameProperties.check(input)
        case .messages: try MessageProperties.check(input)
        case .replies: try ReplyProperties.check(input)
        case .json: try JSONProperties.check(input)
        case .records: try RecordProperties.check(input)
        case .bodies: try BodyProperties.check(input)
        case .requests: try RequestProperties.check(input)
        case .addresses: try AddressProperties.check(input)
        case .tokens: try TokenProperties.check(input)
        case .connections: try ConnectionProperties.check(input)
        }
    }
}

/// Something that should hold for every input, and does not for this one.
struct BrokenProperty: Error, CustomStringConvertible {
    var description: String
}

/// Throws with the sentence where the condition does not hold.
func hold(_ condition: @autoclosure () throws -> Bool, _ sentence: @autoclosure () -> String) throws {
    guard try condition() else { throw BrokenProperty(description: sentence()) }
}

/// The bytes of one input, taken from the front.
struct FuzzInput {
    private(set) var bytes: ByteBuffer

    init(_ bytes: [UInt8]) { self.bytes = ByteBuffer(bytes: bytes) }

    var isEmpty: Bool { bytes.readableBytes == 0 }

    /// The next byte; 0 where there is none.
    mutating func byte() -> UInt8 { bytes.readInteger() ?? 0 }

    /// Up to so many of the next bytes.
    mutating func take(_ count: Int) -> ByteBuffer {
        bytes.readSlice(length: min(count, bytes.readableBytes)) ?? ByteBuffer()
    }

    /// What is left, as text; nil where it is not UTF-8.
    var text: String? { String(validating: bytes.readableBytesView, as: UTF8.self) }

    /// The number of the next choice.
    mutating func choice(of count: Int) -> Int { Int(byte()) % count }
}

extension ByteBuffer {
    /// The bytes in pieces whose sizes another text decides: as a network might cut them.
    func pieces(by sizes: ByteBuffer) -> [ByteBuffer] {
        var rest = self
        var sizes = sizes
        var pieces: [ByteBuffer] = []
        while rest.readableBytes > 0 {
            let size = sizes.readInteger(as: UInt8.self).map { 1 + Int($0) } ?? 1 << 16
            // A buffer of its own, as what is read from a socket is.
            pieces.append(ByteBuffer(bytes: rest.readBytes(length: min(size, rest.readableBytes)) ?? []))
        }
        return pieces
    }

    /// Whether Foundation, too, takes the bytes for JSON.
    var isJSONToFoundation: Bool {
        (try? JSONSerialization.jsonObject(with: Data(readableBytesView), options: .fragmentsAllowed)) != nil
    }
}
