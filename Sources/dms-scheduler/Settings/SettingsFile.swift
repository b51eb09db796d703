import Foundation
import Glibc
import Scheduler

/// Reads files that an operator writes: UTF-8 with any line ends, also behind the byte order mark that some editors write.
enum SettingsFile {
    /// Why a file cannot be read; half a sentence that begins with the file.
    struct Problem: Error, Equatable, CustomStringConvertible {
        var description: String
    }

    /// What the file holds, with `\n` for every line end and without the mark; nil where there is no such file.
    static func text(at path: String, bytesMax: Int) throws(Problem) -> String? {
        guard let bytes = try bytes(at: path, bytesMax: bytesMax) else { return nil }
        guard bytes.count <= bytesMax else { throw Problem(description: "has more than \(bytesMax) bytes") }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            let index = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil }
            throw Problem(description: "is not UTF-8 (line \((index ?? 0) + 1))")
        }
        return String(text.drop { $0 == "\u{FEFF}" }).replacing("\r\n", with: "\n").replacing("\r", with: "\n")
    }

    private static func bytes(at path: String, bytesMax: Int) throws(Problem) -> Data? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            // A link that leads nowhere is there, and was meant to lead to settings.
            if code == ENOENT, (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) == nil { return nil }
            throw Problem(description: "cannot be read: \(ListenAddress.reason(ofErrno: code))")
        }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let target = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
        if (try? FileManager.default.attributesOfItem(atPath: target))?[.type] as? FileAttributeType == .typeDirectory {
            throw Problem(description: "is a directory")
        }
        var bytes = Data()
        do {
            while let part = try file.read(upToCount: bytesMax + 1 - bytes.count), !part.isEmpty { bytes += part }
        } catch {
            throw Problem(description: "cannot be read: \(error.localizedDescription)")
        }
        return bytes
    }
}
