import DMSModel
import DMSWire
import Logging
import NIOCore
import NIOEmbedded

@testable import RPCServer

/// A connection of the binary door, whatever a client sends and however answers, time and the network fall between it:
/// what comes out are whole frames, no call is answered twice, and none is forgotten.
///
/// Each byte is a step; most take a parameter, or bytes to send, from those behind it.
enum ConnectionProperties {
    static func check(_ input: FuzzInput) throws {
        let run = try ConnectionRun()
        var input = input
        while !input.isEmpty { try run.step(&input) }
        try run.finish()
    }
}

/// Calls that wait for their answers.
private final class Waiting {
    var calls: [EventLoopPromise<BlockState>] = []
}

/// One connection, with methods that answer when the input says so.
private final class ConnectionRun {
    private let channel = EmbeddedChannel()
    private let loop: EmbeddedEventLoop
    private let connections: LoopConnections
    private var limits = ConnectionLimits()
    private let waiting = Waiting()
    private var nextStreamID: UInt32 = 1
    private var answered: Set<UInt32> = []
    private var sentBadFrame = false
    private var requested: Set<UInt32> = []

    init() throws {
        loop = channel.embeddedEventLoop
        let router = MethodRouter()
        limits.openStreamsMax = 4
        limits.unsentBytesMax = 4096
        router.register(Methods.Admin.resume) { [loop] request, _ in
            loop.makeSucceededFuture(BlockState(blocked: false, reason: request.reason, updatedAt: nil))
        }
        router.register(Methods.Admin.getBlock) { [loop, waiting] _, _ in
            let promise = loop.makePromise(of: BlockState.self)
            waiting.calls.append(promise)
            return promise.futureResult
        }
        connections = LoopConnections(router, nil, nil, on: loop)
        let logger = Logger(label: "fuzz") { _ in SwiftLogNoOpLogHandler() }
        try channel.pipeline.syncOperations.addHandler(
            ConnectionHandler(connections, limits, RPCServerCounters(), refusal: nil, logger))
        channel.connect(to: try SocketAddress(unixDomainSocketPath: "/fuzz"), promise: nil)
    }

    func step(_ input: inout FuzzInput) throws {
        switch input.choice(of: 12) {
        case 0: send(input.take(Int(input.byte())), isTrusted: false)
        case 1: request(Methods.Admin.resume, ResumeRequest(reason: "because"))
        case 2: request(Methods.Admin.getBlock, GetBlockRequest(), timeout: Int64(input.byte()) * 10_000_000)
        case 3: request(Methods.Admin.getBlock, GetBlockRequest())
        case 4:
            if !waiting.calls.isEmpty {
                waiting.calls.removeFirst().succeed(BlockState(blocked: true, reason: nil, updatedAt: nil))
            }
        case 5: if let call = waiting.calls.popLast() { call.fail(SchedulerError(.outcomeUnknown, "no answer")) }
        case 6: frame(.cancel, streamID: UInt32(input.byte()))
        case 7: frame(.ping, streamID: 0, data: input.take(Int(input.byte() % 80)))
        case 8: loop.advanceTime(by: .milliseconds(Int64(input.byte()) * 10))
        case 9: channel.pipeline.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
        case 10:
            channel.isWritable.toggle()
            channel.pipeline.fireChannelWritabilityChanged()
        default: if input.byte() > 250, !connections.isDraining { _ = connections.drain(atMost: .seconds(20)) }
        }
        loop.run()
        try readAnswers()
    }

    private func request<Request: WireMessage, Response: WireMessage>(
        _ method: RPCMethod<Request, Response>, _ message: Request, timeout: Int64 = 0
    ) {
        let envelope = RequestEnvelope(
            service: method.service, method: method.name, payload: message.encoded(), timeoutNanoseconds: timeout)
        requested.insert(nextStreamID)
        frame(.request, streamID: nextStreamID, data: envelope.encoded())
        nextStreamID += 2
    }

    private func frame(_ type: FrameType, streamID: UInt32, data: ByteBuffer = ByteBuffer()) {
        var bytes = ByteBuffer()
        FrameEncoder.write(type, streamID: streamID, data: data, into: &bytes)
        send(bytes, isTrusted: true)
    }

    private func send(_ bytes: ByteBuffer, isTrusted: Bool) {
        if !isTrusted { sentBadFrame = true }
        guard channel.isActive else { return }
        _ = try? channel.writeInbound(bytes)
    }

    /// What the client has got so far is whole frames, and answers no stream twice.
    private func readAnswers() throws {
        var decoder = FrameDecoder()
        while case .byteBuffer(let bytes)? = try channel.readOutbound(as: IOData.self) ?? nil {
            decoder.append(bytes)
        }
        try check(&decoder)
    }

    private func check(_ decoder: inout FrameDecoder) throws {
        while let event = try decoder.next() {
            guard case .frame(let frame) = event else {
                throw BrokenProperty(description: "the server wrote a frame that is too large")
            }
            switch frame.header.type {
            case .response:
                _ = try ResponseEnvelope.decode(frame.data)
                let isFirst = answered.insert(frame.header.streamID).inserted
                // Frames of the input's own may name a stream as often as they like, and each is refused.
                try hold(isFirst || sentBadFrame, "stream \(frame.header.streamID) was answered twice")
            case .pong: break
            case .goaway: _ = try RPCStatus.decode(frame.data)
            default: throw BrokenProperty(description: "the server wrote a frame of type \(frame.header.type)")
            }
        }
        try hold(decoder.isBetweenFrames, "the server wrote a part of a frame")
    }

    /// Once every call is answered, so is every client; then the connection ends, and nothing is left behind.
    func finish() throws {
        if !channel.isWritable {
            channel.isWritable = true
            channel.pipeline.fireChannelWritabilityChanged()
        }
        repeat {
            // An answer makes room for the next call.
            let calls = waiting.calls
            waiting.calls = []
            for call in calls { call.succeed(BlockState(blocked: true, reason: nil, updatedAt: nil)) }
            loop.run()
            try readAnswers()
        } while !waiting.calls.isEmpty
        if channel.isActive, !sentBadFrame {
            try hold(requested.isSubset(of: answered), "a call was not answered")
        }
        _ = try? channel.finish()
        // A deadline that is still to come would keep the loop, and with it this run.
        loop.advanceTime(to: .distantFuture)
    }
}
