import Foundation
import NIOCore

/// Why a command's output was not taken.
public struct OutputError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A sentence for people, with the system's reason.
    public var description: String
    /// Whether somebody read from a pipe, and has had enough.
    public var isPipeClosed: Bool

    init(errno code: CInt) {
        let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        description = "Standard output cannot be written: \(reason.prefix(1).lowercased())\(reason.dropFirst())"
        isPipeClosed = code == EPIPE
    }
}

/// Writes what a command prints.
enum StandardOutput {
    /// Writes all of it; throws why the system did not take it.
    static func write(_ bytes: ByteBuffer) throws(OutputError) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(bytes.readableBytesView))
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            throw OutputError(errno: CInt(clamping: cause?.code ?? (error as NSError).code))
        }
    }
}
