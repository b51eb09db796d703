public import NIOCore

/// Reads Redis's append-only file: every write in the order in which it was done, however long ago its clients died.
public struct AppendOnlyFile {
    private static let recordPrefix = "dms:task:"

    private var rest: ByteBuffer
    private var current: [String: StoredRecord] = [:]
    /// What became of each task's record.
    public private(set) var trails: [String: Trail] = [:]

    /// Follows all writes of the file; what a crash left half written at its end is left out, as Redis does.
    public init(_ bytes: ByteBuffer) {
        rest = bytes
        while let words = nextCommand() { follow(words) }
        rest = ByteBuffer()
    }

    private mutating func follow(_ words: [ByteBuffer]) {
        guard let name = words.first.map({ String(buffer: $0).uppercased() }) else { return }
        switch name {
        case "SET": if words.count > 2 { follow(key: words[1], value: words[2]) }
        case "MSET":
            for index in stride(from: 1, to: words.count - 1, by: 2) {
                follow(key: words[index], value: words[index + 1])
            }
        default: break
        }
    }

    private mutating func follow(key: ByteBuffer, value: ByteBuffer) {
        let key = String(buffer: key)
        guard key.hasPrefix(AppendOnlyFile.recordPrefix), let record = StoredRecord(json: value) else { return }
        let id = String(key.dropFirst(AppendOnlyFile.recordPrefix.count))
        var trail = trails[id] ?? Trail()
        if let old = current[id] { trail.follow(from: old, to: record) }
        trails[id] = trail
        current[id] = record
    }

    /// The next command's words; nil at the end.
    private mutating func nextCommand() -> [ByteBuffer]? {
        while rest.getInteger(at: rest.readerIndex, as: UInt8.self) == UInt8(ascii: "#") {
            guard line() != nil else { return nil }
        }
        guard let count = length("*") else { return nil }
        var words: [ByteBuffer] = []
        for _ in 0..<count {
            guard let bytes = length("$"), let word = rest.readSlice(length: bytes), rest.readSlice(length: 2) != nil
            else { return nil }
            words.append(word)
        }
        return words
    }

    private mutating func length(_ mark: Character) -> Int? {
        guard let line = line(), line.first == mark else { return nil }
        return Int(line.dropFirst())
    }

    private mutating func line() -> String? {
        guard let end = rest.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        return rest.readString(length: end + 1 - rest.readerIndex)?.trimmingLineEnd
    }
}

extension String {
    fileprivate var trimmingLineEnd: String {
        String(decoding: utf8.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
