import NIOCore

/// Calls of the REST door.
struct RESTLoad: LoadProtocol {
    /// What is called.
    enum Call {
        case next, enqueue, get
    }

    private let call: Call
    private let template: LoadTemplate

    init(_ call: Call) {
        self.call = call
        let body =
            #"{"task_id":"\#(LoadTask.placeholder)","service":"copy","user_id":"bench","parameters":\#(LoadTask.parameters())}"#
        let head =
            switch call {
            case .next: "POST /submitter/next HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"
            case .get: "GET /tasks/\(LoadTask.placeholder) HTTP/1.1\r\nhost: localhost\r\n\r\n"
            case .enqueue:
                "POST /tasks HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                    + "content-length: \(body.utf8.count)\r\n\r\n\(body)"
            }
        template = LoadTemplate(ByteBuffer(string: head))
    }

    mutating func write(_ number: Int, into buffer: inout ByteBuffer) -> UInt32 {
        _ = template.write(number, into: &buffer)
        return 0
    }

    mutating func read(from buffer: inout ByteBuffer) throws -> LoadAnswer? {
        let start = buffer.readerIndex
        var line = start
        var length = 0
        while let end = buffer.endOfLine(from: line), end > line {
            if buffer.begins("content-length: ", at: line) {
                length = buffer.number(from: line + 16, to: end) ?? 0
            }
            line = end + 2
        }
        guard let end = buffer.endOfLine(from: line), end == line, buffer.writerIndex >= end + 2 + length else {
            return nil
        }
        defer { buffer.moveReaderIndex(to: end + 2 + length) }
        guard buffer.begins("HTTP/1.1 20", at: start) else {
            let answer = buffer.getString(at: start, length: end + 2 + length - start) ?? ""
            throw BenchFailure("the REST door answered: \(answer)")
        }
        guard call == .next else { return LoadAnswer() }
        let id = end + 2 + FloorScripts.idOffset
        guard buffer.begins(#"{"task_id":""#, at: end + 2) else { throw BenchFailure("a call found no task") }
        return LoadAnswer(number: try LoadTask.read(at: id, in: buffer))
    }
}

extension ByteBuffer {
    /// Whether these ASCII letters, in either case, stand at the index.
    fileprivate func begins(_ text: String, at index: Int) -> Bool {
        guard index + text.utf8.count <= writerIndex else { return false }
        return zip(index..., text.utf8).allSatisfy { place, letter in
            getInteger(at: place, as: UInt8.self).map { $0 | 0x20 } == letter | 0x20
        }
    }
}
