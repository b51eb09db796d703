import NIOCore

/// How one kind of call looks on the wire: what is sent for it, and what an answer says.
///
/// As lean as the server is compared for: requests are ready but for the places that differ, answers are looked at only
/// where they have to be. All peers are driven by the same code around it.
protocol LoadProtocol {
    /// Appends a call; `number` is the task that it is about, where it is about one.
    ///
    /// Returns what its answer is known by; of a peer that answers in order, anything.
    mutating func write(_ number: Int, into buffer: inout ByteBuffer) -> UInt32

    /// Takes one answer off the buffer; nil where more bytes are needed.
    mutating func read(from buffer: inout ByteBuffer) throws -> LoadAnswer?

    /// What has to be sent before the answers are complete, where a call takes two steps.
    mutating func takeOutput() -> ByteBuffer?
}

extension LoadProtocol {
    mutating func takeOutput() -> ByteBuffer? { nil }
}

/// What an answer says.
struct LoadAnswer {
    /// Which call it answers; nil: the oldest.
    var key: UInt32?
    /// The task that came; nil where none was to come.
    var number: Int?
}

/// The tasks of a measurement: what an id looks like.
enum LoadTask {
    private static let digits = 10
    private static let prefix = "bench-"
    /// The id that stands in a template for any.
    static let placeholder = prefix + String(repeating: "0", count: digits)

    static func parameters(_ number: Int = 0) -> String {
        #"{"from":"/data/archive/a","to":"/scratch/project/b","size":123456789,"note":"\#(String(repeating: "x", count: 40))"}"#
    }

    /// The bytes behind an id's prefix.
    static func write(_ number: Int, at index: Int, in buffer: inout ByteBuffer) {
        var (rest, place) = (number, index + placeholder.utf8.count)
        for _ in 0..<digits {
            place -= 1
            buffer.setInteger(UInt8(ascii: "0") + UInt8(rest % 10), at: place)
            rest /= 10
        }
    }

    /// The number of the id that begins at the index.
    static func read(at index: Int, in buffer: ByteBuffer) throws -> Int {
        var number = 0
        for place in (index + prefix.utf8.count)..<(index + placeholder.utf8.count) {
            guard let byte: UInt8 = buffer.getInteger(at: place), (48...57).contains(byte) else {
                throw BenchFailure("an answer names no task of ours")
            }
            number = number * 10 + Int(byte - 48)
        }
        return number
    }
}

/// A call's bytes with the places where a task's id stands.
struct LoadTemplate {
    private let bytes: ByteBuffer
    private let places: [Int]

    init(_ bytes: ByteBuffer) {
        self.bytes = bytes
        let text = Array(bytes.readableBytesView)
        let wanted = Array(LoadTask.placeholder.utf8)
        places = text.indices.filter { text[$0...].starts(with: wanted) }
    }

    /// Appends the bytes with the task's id; returns where they begin.
    func write(_ number: Int, into buffer: inout ByteBuffer) -> Int {
        let start = buffer.writerIndex
        buffer.writeImmutableBuffer(bytes)
        for place in places { LoadTask.write(number, at: start + place, in: &buffer) }
        return start
    }
}
