import DMSModel
import DMSWire
import NIOCore

/// Calls of the binary protocol.
struct RPCLoad: LoadProtocol {
    /// What is called.
    enum Call {
        case next, nextUnderLease, nextWaiting, enqueue, get, cancel, setPriority
    }

    /// What the schedulers that a measurement starts take as the operator's.
    static let operatorToken = "bench"

    private let call: Call
    private let template: LoadTemplate
    /// Calls with an acknowledgement, by the length of its token.
    private var templatesWithAck: [Int: LoadTemplate] = [:]
    private var streamID: UInt32 = 1
    /// Tasks to acknowledge with the calls to come, and their tokens.
    private var held: [(number: Int, token: ByteBuffer)] = []

    private static let nextUnderLease = NextRequest(leaseMilliseconds: 600_000)

    init(_ call: Call) throws {
        self.call = call
        switch call {
        case .next:
            template = try RPCLoad.template(Methods.Submitter.next, NextRequest())
        case .nextWaiting:
            template = try RPCLoad.template(Methods.Submitter.next, NextRequest(waitMilliseconds: 600_000))
        case .nextUnderLease:
            template = try RPCLoad.template(Methods.Submitter.next, RPCLoad.nextUnderLease)
        case .enqueue:
            let submission = TaskSubmission(
                taskID: TaskID(LoadTask.placeholder), service: "copy", userID: "bench",
                parameters: ByteBuffer(string: LoadTask.parameters()))
            template = try RPCLoad.template(Methods.Tasks.enqueue, submission)
        case .get:
            template = try RPCLoad.template(Methods.Tasks.get, GetTaskRequest(taskID: TaskID(LoadTask.placeholder)))
        case .cancel:
            let cancellation = TaskCancellation(
                taskID: TaskID(LoadTask.placeholder), service: "copy", userID: "bench")
            template = try RPCLoad.template(Methods.Tasks.cancel, cancellation)
        case .setPriority:
            let change = SetPriorityRequest(taskID: TaskID(LoadTask.placeholder), priority: .mid)
            template = try RPCLoad.template(Methods.Admin.setPriority, change)
        }
    }

    private static func template<Request: WireMessage, Response: WireMessage>(
        _ method: RPCMethod<Request, Response>, _ request: Request
    ) throws -> LoadTemplate {
        let envelope = RequestEnvelope(
            service: method.service, method: method.name, payload: request.encoded(),
            metadata: method.service == ServiceName.admin
                ? [MetadataEntry(key: MetadataKey.operatorToken, value: operatorToken)] : [])
        var bytes = ByteBuffer()
        guard FrameEncoder.write(.request, streamID: 0, message: envelope, into: &bytes) else {
            throw BenchFailure("a request does not fit a frame")
        }
        return LoadTemplate(bytes)
    }

    mutating func write(_ number: Int, into buffer: inout ByteBuffer) -> UInt32 {
        let start: Int
        if let task = held.popLast(), let templateWithAck = templatesWithAck[task.token.readableBytes] {
            start = templateWithAck.write(task.number, into: &buffer)
            // The token is the last thing in the frame.
            buffer.setBuffer(task.token, at: buffer.writerIndex - task.token.readableBytes)
        } else {
            start = template.write(number, into: &buffer)
        }
        buffer.setInteger(streamID, at: start + 4)
        defer { streamID += 2 }
        return streamID
    }

    mutating func read(from buffer: inout ByteBuffer) throws -> LoadAnswer? {
        let start = buffer.readerIndex
        guard let length: UInt32 = buffer.getInteger(at: start), let key: UInt32 = buffer.getInteger(at: start + 4),
            buffer.readableBytes >= FrameHeader.byteCount + Int(length)
        else { return nil }
        var index = start + FrameHeader.byteCount
        defer { buffer.moveReaderIndex(to: start + FrameHeader.byteCount + Int(length)) }
        do {
            // Response.payload
            var end = try RPCLoad.enter(2, &index, buffer)
            switch call {
            case .get, .cancel, .setPriority:
                return LoadAnswer(key: key)
            case .enqueue:
                _ = try RPCLoad.enter(1, &index, buffer)  // Task.task_id
                return LoadAnswer(key: key, number: try LoadTask.read(at: index, in: buffer))
            case .next, .nextWaiting, .nextUnderLease:
                _ = try RPCLoad.enter(1, &index, buffer)  // NextResponse.tasks
                end = try RPCLoad.enter(1, &index, buffer)  // LeasedTask.task
                _ = try RPCLoad.enter(1, &index, buffer)  // Task.task_id
                let number = try LoadTask.read(at: index, in: buffer)
                if call == .nextUnderLease {
                    index = end
                    let tokenEnd = try RPCLoad.enter(2, &index, buffer)  // LeasedTask.lease_token
                    guard let token = buffer.getSlice(at: index, length: tokenEnd - index) else {
                        throw BenchFailure("an answer is cut")
                    }
                    held.append((number, token))
                    try prepareAck(tokenBytes: token.readableBytes)
                }
                return LoadAnswer(key: key, number: number)
            }
        } catch let failure as BenchFailure {
            let data = buffer.getSlice(at: start + FrameHeader.byteCount, length: Int(length)) ?? ByteBuffer()
            if let status = try? ResponseEnvelope.decode(data).status, status.code != 0 {
                throw BenchFailure("the scheduler answered: \(status.message)")
            }
            throw failure
        }
    }

    private mutating func prepareAck(tokenBytes: Int) throws {
        guard templatesWithAck[tokenBytes] == nil else { return }
        var request = RPCLoad.nextUnderLease
        let token = String(repeating: "-", count: tokenBytes)
        request.acks = [LeaseReference(taskID: TaskID(LoadTask.placeholder), token: token)]
        templatesWithAck[tokenBytes] = try RPCLoad.template(Methods.Submitter.next, request)
    }

    /// Steps into a field that holds bytes, and has to come next; returns where it ends.
    private static func enter(_ field: UInt8, _ index: inout Int, _ buffer: ByteBuffer) throws -> Int {
        guard let tag: UInt8 = buffer.getInteger(at: index), tag == field << 3 | 2 else {
            throw BenchFailure("an answer is without field \(field)")
        }
        index += 1
        var (length, shift) = (0, 0)
        while let byte: UInt8 = buffer.getInteger(at: index) {
            index += 1
            length |= Int(byte & 0x7F) << shift
            if byte & 0x80 == 0 { return index + length }
            shift += 7
        }
        throw BenchFailure("an answer is cut")
    }
}
