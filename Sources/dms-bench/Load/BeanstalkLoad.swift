import NIOCore

/// beanstalkd: a job is put, or reserved and deleted; one call in flight a connection where it is deleted in its own call.
struct BeanstalkLoad: LoadProtocol {
    /// What is called.
    enum Call {
        /// A job is put.
        case put
        /// A job is reserved and, when it is there, deleted: two round trips, as beanstalkd's clients do it.
        case reserveThenDelete
        /// The delete goes along with the next reserve: one round trip, as ours.
        case reserveWithDelete
    }

    private let call: Call
    private let template: LoadTemplate
    /// Jobs that are reserved and not deleted.
    private var jobs: [Int] = []
    private var number: Int?
    /// What a connection says first.
    private var greeting: String?
    private var output = ByteBuffer()

    /// A measurement has a tube of its own: jobs that were reserved last and never deleted stay in it.
    init(_ call: Call, tube: String) {
        self.call = call
        greeting = call == .put ? "use \(tube)\r\n" : "watch \(tube)\r\nignore default\r\n"
        let body = FloorScripts.record
        template = LoadTemplate(
            ByteBuffer(string: call == .put ? "put 100 0 600 \(body.utf8.count)\r\n\(body)\r\n" : "reserve\r\n"))
    }

    mutating func write(_ number: Int, into buffer: inout ByteBuffer) -> UInt32 {
        if let greeting { buffer.writeString(greeting) }
        greeting = nil
        if let job = jobs.popLast() { buffer.writeString("delete \(job)\r\n") }
        _ = template.write(number, into: &buffer)
        return 0
    }

    mutating func takeOutput() -> ByteBuffer? {
        guard output.readableBytes > 0 else { return nil }
        defer { output.clear() }
        return output
    }

    mutating func read(from buffer: inout ByteBuffer) throws -> LoadAnswer? {
        while let line = buffer.endOfLine(from: buffer.readerIndex) {
            let start = buffer.readerIndex
            let text = buffer.getString(at: start, length: line - start) ?? ""
            let words = text.split(separator: " ")
            switch words.first {
            case "INSERTED":
                buffer.moveReaderIndex(to: line + 2)
                return LoadAnswer()
            case "USING", "WATCHING": buffer.moveReaderIndex(to: line + 2)
            case "DELETED":
                buffer.moveReaderIndex(to: line + 2)
                // With a reserve, the job comes behind it.
                if call == .reserveThenDelete { return LoadAnswer(number: number) }
            case "RESERVED":
                guard words.count == 3, let id = Int(words[1]), let length = Int(words[2]) else {
                    throw BenchFailure("beanstalkd answered: \(text)")
                }
                let end = line + 2 + length + 2
                guard buffer.writerIndex >= end else { return nil }
                defer { buffer.moveReaderIndex(to: end) }
                number = try LoadTask.read(at: line + 2 + FloorScripts.idOffset, in: buffer)
                if call == .reserveWithDelete {
                    jobs.append(id)
                    return LoadAnswer(number: number)
                }
                output.writeString("delete \(id)\r\n")
            default: throw BenchFailure("beanstalkd answered: \(text)")
            }
        }
        return nil
    }
}
