import Foundation
public import NIOCore

/// Reads files that a command is given, and its standard input, up to a limit.
public enum InputFile {
    /// What an argument stands for: a text, `@` and the path of a file that holds it, or `-` for standard input.
    public static func text(_ argument: String, bytesMax: Int) throws(UsageError) -> ByteBuffer {
        if argument == "-" { return try readStandardInput(bytesMax: bytesMax) }
        guard argument.hasPrefix("@") else { return ByteBuffer(string: argument) }
        return try read(String(argument.dropFirst()), bytesMax: bytesMax)
    }

    /// Everything that a file holds; throws where it cannot be read, or holds more than the limit.
    public static func read(_ path: String, bytesMax: Int) throws(UsageError) -> ByteBuffer {
        let url = URL(fileURLWithPath: path)
        do {
            let file = try FileHandle(forReadingFrom: url)
            defer { try? file.close() }
            return try read(file, bytesMax: bytesMax, name: path)
        } catch let error as UsageError {
            throw error
        } catch {
            throw UsageError("The file \(path) cannot be read: \(reason(of: error))")
        }
    }

    /// Everything that standard input holds; throws where it holds more than the limit.
    public static func readStandardInput(bytesMax: Int) throws(UsageError) -> ByteBuffer {
        do {
            return try read(.standardInput, bytesMax: bytesMax, name: "standard input")
        } catch let error as UsageError {
            throw error
        } catch {
            throw UsageError("Standard input cannot be read: \(reason(of: error))")
        }
    }

    private static func read(_ file: FileHandle, bytesMax: Int, name: String) throws -> ByteBuffer {
        var bytes = ByteBuffer()
        while let part = try file.read(upToCount: bytesMax + 1 - bytes.readableBytes), !part.isEmpty {
            bytes.writeBytes(part)
            guard bytes.readableBytes <= bytesMax else {
                throw UsageError("\(name) holds more than the \(bytesMax) bytes that are taken")
            }
        }
        return bytes
    }

    private static func reason(of error: any Error) -> String {
        switch error {
        case CocoaError.fileReadNoSuchFile, CocoaError.fileNoSuchFile: "there is no such file"
        case CocoaError.fileReadNoPermission: "permission denied"
        default: "it is no file, or reading it failed"
        }
    }
}
