import DMSModel
import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix

/// A client of the REST door, on a connection that it opens again where it was lost.
struct SoakRESTClient {
    let ports: [Int]
    let ledger: SoakLedger
    let pause: Duration
    var noise: SoakNoise
    private var connection: RESTConnection?

    init(ports: [Int], ledger: SoakLedger, pause: Duration, noise: SoakNoise) {
        self.ports = ports
        self.ledger = ledger
        self.pause = pause
        self.noise = noise
    }

    /// Submits tasks until the task that runs it is canceled.
    mutating func submit() async {
        while !Task.isCancelled {
            await noise.sleep(pause)
            guard let number = ledger.begin() else { continue }
            let parameters = String(buffer: SoakNoise.parameters(number))
            let body =
                #"{"task_id":"\#(SoakLedger.id(number))","service":"soak","user_id":"bench","parameters":\#(parameters)}"#
            while true {
                let answer = await call(
                    "REST enqueue", .POST, "/tasks", ByteBuffer(string: body), expecting: [201, 409])
                if answer != nil {
                    ledger.confirm(number)
                    break
                }
                if Task.isCancelled { break }
                await noise.sleep(.milliseconds(200))
            }
        }
        await close()
    }

    /// Takes tasks for good until the task that runs it is canceled.
    mutating func work() async {
        while !Task.isCancelled {
            await noise.sleep(pause)
            guard let answer = await call("REST next", .POST, "/submitter/next", ByteBuffer(), expecting: [200, 204]),
                answer.status == 200
            else { continue }
            guard let record = TaskRecord(json: answer.body) else {
                ledger.failed("REST next", "an answer is no task")
                continue
            }
            ledger.delivered(record.taskID)
            ledger.ended(record.taskID, .taken)
        }
        await close()
    }

    /// Reads tasks and pages until the task that runs it is canceled.
    mutating func look() async {
        while !Task.isCancelled {
            await noise.sleep(pause)
            if noise.chance(of: 10) {
                _ = await call("REST list", .GET, "/tasks?limit=20&status=queued", nil, expecting: [200])
            } else if let number = ledger.recent(noise.next()) {
                _ = await call("REST get", .GET, "/tasks/\(SoakLedger.id(number))", nil, expecting: [200, 404])
            }
        }
        await close()
    }

    private mutating func call(
        _ name: String, _ method: HTTPMethod, _ target: String, _ body: ByteBuffer?, expecting statuses: [UInt]
    ) async -> RESTConnection.Answer? {
        do {
            let connection = try await open()
            let start = ContinuousClock.now
            let answer = try await connection.call(method, target, body)
            guard statuses.contains(answer.status) else {
                ledger.failed(name, "\(answer.status)")
                return nil
            }
            ledger.answered(name, in: .now - start)
            return answer
        } catch {
            ledger.failed(name, connection == nil ? "unreachable" : "connection lost")
            await close()
            return nil
        }
    }

    private mutating func open() async throws -> RESTConnection {
        if let connection { return connection }
        let opened = try await RESTConnection.open(port: ports[Int(noise.next() % UInt64(ports.count))])
        connection = opened
        return opened
    }

    private mutating func close() async {
        await connection?.close()
        connection = nil
    }
}

/// A connection that makes one request at a time.
struct RESTConnection: Sendable {
    struct Answer: Sendable {
        var status: UInt
        var body: ByteBuffer
    }

    private static let answerTime = TimeAmount.seconds(10)

    private let channel: any Channel
    private let handler: NIOLoopBound<Handler>

    static func open(port: Int) async throws -> RESTConnection {
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(Handler())
                }
            }.connect(host: "127.0.0.1", port: port).get()
        let handler = try await channel.eventLoop.submit {
            NIOLoopBound(
                try channel.pipeline.syncOperations.handler(type: Handler.self), eventLoop: channel.eventLoop)
        }.get()
        return RESTConnection(channel: channel, handler: handler)
    }

    func call(_ method: HTTPMethod, _ target: String, _ body: ByteBuffer?) async throws -> Answer {
        try await channel.eventLoop.flatSubmit { [handler, channel] in
            let promise = channel.eventLoop.makePromise(of: Answer.self)
            handler.value.answer = promise
            var head = HTTPRequestHead(version: .http1_1, method: method, uri: target, headers: ["host": "localhost"])
            if let body { head.headers.add(name: "content-length", value: "\(body.readableBytes)") }
            channel.write(HTTPClientRequestPart.head(head), promise: nil)
            if let body, body.readableBytes > 0 {
                channel.write(HTTPClientRequestPart.body(.byteBuffer(body)), promise: nil)
            }
            channel.writeAndFlush(HTTPClientRequestPart.end(nil)).cascadeFailure(to: promise)
            let late = channel.eventLoop.scheduleTask(in: RESTConnection.answerTime) {
                promise.fail(BenchFailure("an answer did not come"))
            }
            promise.futureResult.whenComplete { _ in late.cancel() }
            return promise.futureResult
        }.get()
    }

    func close() async { try? await channel.close() }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        var answer: EventLoopPromise<Answer>?
        private var status: UInt = 0
        private var body = ByteBuffer()

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (status, body) = (head.status.code, ByteBuffer())
            case .body(var part): body.writeBuffer(&part)
            case .end: answer?.succeed(Answer(status: status, body: body))
            }
        }

        func channelInactive(context: ChannelHandlerContext) { answer?.fail(BenchFailure("a connection was closed")) }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { answer?.fail(error) }
    }
}
