import DMSModel
import DMSWire
import FaultLedger
import NIOCore
import TestSupport

/// One connection to the binary door, one call at a time, nothing repeated: each attempt is an event of its own.
final class BinaryDoor {
    /// How long a client waits for an answer beyond the time that it gives the call.
    private static let patience = TimeAmount.seconds(4)

    /// How a call is made, beside what it asks for.
    struct Manner {
        /// The deadline that the server is told.
        var timeout: TimeAmount?
        /// When the call is given up by a cancel frame.
        var cancelAfter: TimeAmount?
        /// How long the call may wait for a task.
        var wait = TimeAmount.zero
    }

    private let port: Int
    private var connection: HTTPConnection?
    private var decoder = FrameDecoder()
    private var lastStreamID: UInt32 = 0

    init(port: Int) { self.port = port }

    /// Calls a method; what the answer says is made by the body.
    ///
    /// Throws ``StrangeAnswer`` only.
    func call<Request, Response>(
        _ method: RPCMethod<Request, Response>, _ request: Request, _ manner: Manner = Manner(),
        _ body: (Response) -> Answer
    ) async throws -> Outcome {
        guard let connection = await connect() else { return .notDone("no connection") }
        lastStreamID += lastStreamID == 0 ? 1 : 2
        let envelope = RequestEnvelope(
            service: method.service, method: method.name, payload: request.encoded(),
            timeoutNanoseconds: manner.timeout?.nanoseconds ?? 0,
            metadata: [MetadataEntry(key: MetadataKey.operatorToken, value: SchedulerProcess.token)])
        var bytes = ByteBuffer()
        FrameEncoder.write(.request, streamID: lastStreamID, data: envelope.encoded(), into: &bytes)
        let limit = connection.fail(in: BinaryDoor.patience + manner.wait)
        defer { limit.cancel() }
        var cancel: Scheduled<Void>?
        if let delay = manner.cancelAfter {
            var frame = ByteBuffer()
            FrameEncoder.write(.cancel, streamID: lastStreamID, data: ByteBuffer(), into: &frame)
            cancel = connection.send(frame, in: delay)
        }
        defer { cancel?.cancel() }
        let answer: ResponseEnvelope
        do {
            try await connection.send(bytes)
            answer = try await self.answer(connection)
        } catch let error as StrangeAnswer {
            await close()
            throw error
        } catch {
            await close()
            return .unknown("connection lost: \(error)")
        }
        if let error = answer.error {
            guard let reason = error.knownReason, let outcome = Outcome(reason) else {
                throw StrangeAnswer(description: "\(method.name) was answered \(error)")
            }
            return outcome
        }
        guard let response = try? Response.decode(answer.payload) else {
            throw StrangeAnswer(description: "the answer to \(method.name) can't be read")
        }
        return .done(body(response))
    }

    /// The connection; nil where none comes about.
    private func connect() async -> HTTPConnection? {
        if let connection { return connection }
        decoder = FrameDecoder()
        lastStreamID = 0
        guard let address = try? SocketAddress(ipAddress: "127.0.0.1", port: port) else { return nil }
        connection = try? await HTTPConnection.open(address, closingAfter: .minutes(30))
        return connection
    }

    func close() async {
        try? await connection?.close()
        connection = nil
    }

    private func answer(_ connection: HTTPConnection) async throws -> ResponseEnvelope {
        while true {
            while let event = try decoder.next() {
                guard case .frame(let frame) = event else {
                    throw StrangeAnswer(description: "an oversized frame came")
                }
                guard frame.header.type == .response, frame.header.streamID == lastStreamID else { continue }
                guard let envelope = try? ResponseEnvelope.decode(frame.data) else {
                    throw StrangeAnswer(description: "an answer's envelope can't be read")
                }
                return envelope
            }
            guard let bytes = try await connection.chunk() else { throw ChannelError.eof }
            decoder.append(bytes)
        }
    }
}
