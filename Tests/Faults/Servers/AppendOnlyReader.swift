import FaultLedger
import Foundation
import NIOCore
import TestSupport

/// Reads the files that servers keep their writes in, from one mark to the next.
struct AppendOnlyReader: Sendable {
    /// Behind a mark, in a file.
    struct Place: Sendable {
        var path: String
        var offset: Int
    }

    private static let folder = "appendonlydir"

    /// All files, copies of the data too.
    static func files(of redis: TestRedis) -> [URL] {
        let folder = URL(fileURLWithPath: redis.folder).appendingPathComponent(folder)
        return (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
    }

    /// The files of the writes that follow each other up to now.
    static func increments(of redis: TestRedis) throws -> [URL] {
        let folder = URL(fileURLWithPath: redis.folder).appendingPathComponent(folder)
        let manifest = try String(
            contentsOf: folder.appendingPathComponent("appendonly.aof.manifest"), encoding: .utf8)
        return AppendOnlyParts(manifest: manifest).increments.map { folder.appendingPathComponent($0) }
    }

    /// Finds a mark, from a place on or in all files; nil where it is not there.
    ///
    /// `writes` is what was written from the place to the mark; nil where there is no such place any more.
    static func find(
        _ mark: AppendOnlyMark, in redis: TestRedis, from place: Place?
    ) throws -> (writes: ByteBuffer?, place: Place)? {
        let files = try increments(of: redis)
        let first = place.flatMap { place in files.firstIndex { $0.path == place.path } }
        var writes = ByteBuffer()
        for file in files[(first ?? 0)...] {
            let start = file.path == place?.path ? place?.offset ?? 0 : 0
            let handle = try FileHandle(forReadingFrom: file)
            defer { try? handle.close() }
            try handle.seek(toOffset: UInt64(start))
            let bytes = try handle.readToEnd() ?? Data()
            if let found = bytes.range(of: Data(mark.bytes)) {
                writes.writeBytes(bytes[..<found.upperBound])
                let length = bytes.distance(from: bytes.startIndex, to: found.upperBound)
                return (first == nil ? nil : writes, Place(path: file.path, offset: start + length))
            }
            writes.writeBytes(bytes)
        }
        return nil
    }
}
