import Foundation

/// The files that TLS at a door needs, each in PEM.
public struct TLSFiles: Sendable, Hashable {
    /// The server's certificate, and behind it those that lead to a root.
    public var certificate: String
    /// The private key of the server's certificate, not encrypted.
    public var key: String
    /// The certificates that a client's certificate must lead to; nil: clients need none.
    public var clientCA: String?

    /// Names the files; none is read yet.
    public init(certificate: String, key: String, clientCA: String? = nil) {
        self.certificate = certificate
        self.key = key
        self.clientCA = clientCA
    }

    /// All of them.
    public var paths: [String] { [certificate, key] + (clientCA.map { [$0] } ?? []) }

    /// A larger file is none of those that are meant.
    static let bytesMax = 1 << 20
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// What the files hold now.
    struct Contents: Equatable, Sendable {
        var certificate: [UInt8]
        var key: [UInt8]
        var clientCA: [UInt8]?
    }

    func read() throws(TLSFileError) -> Contents {
        Contents(
            certificate: try TLSFiles.bytes(.certificate, certificate), key: try TLSFiles.bytes(.key, key),
            clientCA: try clientCA.map { (path) throws(TLSFileError) in try TLSFiles.bytes(.clientCA, path) })
    }

    private static func bytes(_ part: TLSFileError.Part, _ path: String) throws(TLSFileError) -> [UInt8] {
        guard let file = FileHandle(forReadingAtPath: path), let data = try? file.read(upToCount: bytesMax + 1) else {
            throw TLSFileError(part: part, path: path, problem: "cannot be read")
        }
        guard data.count <= bytesMax else {
            throw TLSFileError(part: part, path: path, problem: "has more than \(bytesMax) bytes")
        }
        // The library passes over what is in front of a certificate, and over a first one behind an editor's byte order mark.
        return Array(data.starts(with: byteOrderMark) ? data.dropFirst(byteOrderMark.count) : data)
    }
}

/// Why TLS cannot be had from the files.
public struct TLSFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Which of the files is meant.
    public enum Part: Sendable {
        case certificate
        case key
        case clientCA
    }

    /// The file that is wrong.
    public var part: Part
    /// Where it is.
    public var path: String
    /// What is wrong with it; the rest of a sentence that begins with the file.
    public var problem: String

    /// A sentence for people, with the path.
    public var description: String { "the file '\(path)' \(problem)" }
}
