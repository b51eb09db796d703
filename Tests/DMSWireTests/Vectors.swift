import Foundation
import NIOCore

/// A message of `Tests/Vectors/messages.json`.
struct MessageVector: Decodable {
    var name: String
    var message: String
    var readOnly: Bool
    var hex: String

    enum CodingKeys: String, CodingKey {
        case name, message, hex
        case readOnly = "read_only"
    }

    var bytes: ByteBuffer { get throws { try ByteBuffer(plainHexEncodedBytes: hex) } }

    static func all() throws -> [MessageVector] { try Vectors.read("messages") }
}

/// A frame of `Tests/Vectors/frames.json`.
struct FrameVector: Decodable {
    var name: String
    var dataLength: UInt32
    var stream: UInt32
    var type: UInt8
    var flags: UInt8
    var hex: String

    enum CodingKeys: String, CodingKey {
        case name, stream, type, flags, hex
        case dataLength = "data_length"
    }

    var bytes: ByteBuffer { get throws { try ByteBuffer(plainHexEncodedBytes: hex) } }
    /// Whether `hex` is the header alone.
    var isCut: Bool { name.hasSuffix("its data left out") }

    static func all() throws -> [FrameVector] { try Vectors.read("frames") }

    static func named(_ name: String) throws -> FrameVector {
        guard let vector = try all().first(where: { $0.name == name }) else { throw MissingVector(name: name) }
        return vector
    }
}

struct MissingVector: Error {
    var name: String
}

private enum Vectors {
    static func read<Vector: Decodable>(_ name: String) throws -> [Vector] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let file = folder.appending(path: "Vectors/\(name).json")
        return try JSONDecoder().decode([Vector].self, from: Data(contentsOf: file))
    }
}
