public import NIOCore

/// Reads Redis's append-only file: every write in the order in which it was done, however long ago its clients died.
///
/// Where the master changes, it is put together from pieces of the files of one master after another.
public struct AppendOnlyFile: Sendable {
    private static let recordPrefix = "dms:task:"

    private var rest = ByteBuffer()
    private var current: [String: StoredRecord] = [:]
    /// Tasks some of whose writes were not seen.
    private var unseen: Set<String> = []
    /// What became of each task's record; without those of which some writes were not seen.
    public private(set) var trails: [String: Trail] = [:]
    /// Whether every write was seen.
    public private(set) var isComplete = true

    /// A file without writes.
    public init() {}

    /// Follows all writes of the file; what a crash left half written at its end is left out, as Redis does.
    public init(_ bytes: ByteBuffer) {
        append(bytes)
        rest = ByteBuffer()
    }

    /// Follows more writes.
    public mutating func append(_ bytes: ByteBuffer) {
        rest.writeImmutableBuffer(bytes)
        while true {
            let start = rest.readerIndex
            guard let words = nextCommand() else {
                rest.moveReaderIndex(to: start)
                break
            }
            follow(words)
        }
        rest.discardReadBytes()
    }

    /// Some writes are missing here, after which there were those tasks: nothing is known of any that they may have touched.
    public mutating func skip(to tasks: Set<String>) {
        isComplete = false
        for task in tasks.union(current.keys) where current[task].map(\.isFinal) != true {
            unseen.insert(task)
            trails[task] = nil
            current[task] = nil
        }
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
        guard !unseen.contains(id) else { return }
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
