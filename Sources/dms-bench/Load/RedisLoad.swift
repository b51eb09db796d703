import NIOCore

/// The floor: the same work as plain scripts, one call a task, with nothing between the client and Redis.
struct RedisLoad: LoadProtocol {
    /// What is called.
    enum Call {
        case handOut, enqueue, get
    }

    private let call: Call
    private let template: LoadTemplate

    /// `digest` is that of the script, where a script is called.
    init(_ call: Call, digest: String) {
        self.call = call
        var words: [String]
        switch call {
        case .handOut: words = ["EVALSHA", digest, "4"] + FloorScripts.keys + [FloorScripts.recordPrefix]
        case .enqueue:
            words = ["EVALSHA", digest, "3"]
            words += [FloorScripts.keys[2], FloorScripts.keys[3], FloorScripts.recordPrefix + LoadTask.placeholder]
            words += [LoadTask.placeholder, FloorScripts.record]
        case .get: words = ["GET", FloorScripts.recordPrefix + LoadTask.placeholder]
        }
        var text = "*\(words.count)\r\n"
        for word in words { text += "$\(word.utf8.count)\r\n\(word)\r\n" }
        template = LoadTemplate(ByteBuffer(string: text))
    }

    mutating func write(_ number: Int, into buffer: inout ByteBuffer) -> UInt32 {
        _ = template.write(number, into: &buffer)
        return 0
    }

    mutating func read(from buffer: inout ByteBuffer) throws -> LoadAnswer? {
        let start = buffer.readerIndex
        guard let line = buffer.endOfLine(from: start) else { return nil }
        let kind: UInt8? = buffer.getInteger(at: start)
        switch kind {
        case UInt8(ascii: "$"):
            guard let length = buffer.number(from: start + 1, to: line), length > 0 else {
                throw BenchFailure("the floor's queue is empty")
            }
            let end = line + 2 + length + 2
            guard buffer.writerIndex >= end else { return nil }
            defer { buffer.moveReaderIndex(to: end) }
            guard call == .handOut else { return LoadAnswer() }
            return LoadAnswer(number: try LoadTask.read(at: line + 2 + FloorScripts.idOffset, in: buffer))
        case UInt8(ascii: ":"):
            guard buffer.number(from: start + 1, to: line) == 1 else { throw BenchFailure("the id exists already") }
            buffer.moveReaderIndex(to: line + 2)
            return LoadAnswer()
        default:
            throw BenchFailure("Redis answered: \(buffer.getString(at: start, length: line - start) ?? "")")
        }
    }
}

/// The floor's scripts, keys and records.
enum FloorScripts {
    private static let prefix = "dms-bench:floor:"
    static let keys = ["high", "mid", "low", "stats"].map { prefix + $0 }
    static let recordPrefix = prefix + "task:"
    /// Where a record's id begins.
    static let idOffset = #"{"task_id":""#.utf8.count
    static let record =
        #"{"task_id":"\#(LoadTask.placeholder)","service":"copy","user_id":"bench","parameters":\#(LoadTask.parameters()),"priority":"low","status":"queued","enqueued_at":"2026-01-01T00:00:00.000000Z","updated_at":"2026-01-01T00:00:00.000000Z"}"#

    static let handOut = """
        local id = redis.call('LPOP', KEYS[1]) or redis.call('LPOP', KEYS[2]) or redis.call('LPOP', KEYS[3])
        if not id then
            return false
        end
        local key = ARGV[1] .. id
        local record = string.gsub(redis.call('GET', key), '"status":"queued"', '"status":"dispatched"', 1)
        redis.call('SET', key, record)
        redis.call('HINCRBY', KEYS[4], 'dispatched', 1)
        return record
        """

    static let enqueue = """
        if not redis.call('SET', KEYS[3], ARGV[2], 'NX') then
            return 0
        end
        redis.call('RPUSH', KEYS[1], ARGV[1])
        redis.call('HINCRBY', KEYS[2], 'queued', 1)
        return 1
        """
}

extension ByteBuffer {
    /// Where the line that begins at the index ends, before its CR LF.
    func endOfLine(from index: Int) -> Int? {
        var place = index
        while let byte: UInt8 = getInteger(at: place), place + 1 < writerIndex {
            if byte == UInt8(ascii: "\r") { return place }
            place += 1
        }
        return nil
    }

    /// The decimal number that the bytes spell.
    func number(from start: Int, to end: Int) -> Int? {
        var number = 0
        for place in start..<end {
            guard let byte: UInt8 = getInteger(at: place), (48...57).contains(byte) else { return nil }
            number = number * 10 + Int(byte - 48)
        }
        return number
    }
}
