import DMSModel
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import Scheduler
import ServerTLS

/// The framework's HTTP/1 connection with ``ConnectionHandler`` in its pipeline.
struct ConnectionSetup: ServerChildChannel {
    let http1: HTTP1Channel
    let configuration: RESTServer.Configuration
    let gate: ConnectionGate
    let scheduler: SchedulerPool

    init(
        responder: @escaping HTTPChannelHandler.Responder, configuration: RESTServer.Configuration,
        gate: ConnectionGate, scheduler: SchedulerPool
    ) {
        // Times are ConnectionHandler's.
        let sizes = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: Limits.HTTP.fieldBytesMax, maxHeaderListSize: Limits.HTTP.fieldsBytesMax,
            maxHeaderFieldCount: Limits.HTTP.fieldsMax)
        http1 = HTTP1Channel(responder: responder, configuration: .init(httpDecoderConfiguration: sizes))
        self.configuration = configuration
        self.gate = gate
        self.scheduler = scheduler
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<HTTP1Channel.Value> {
        ClientKeepAlive.enable(on: channel).flatMap {
            configuration.tls?.secure(channel, .http1) ?? channel.eventLoop.makeSucceededVoidFuture()
        }.flatMap {
            http1.setup(channel: channel, logger: logger)
        }.flatMapThrowing { value in
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            let handler = ConnectionHandler(
                configuration, deadlines: scheduler.service(on: channel.eventLoop).deadlines,
                answers: scheduler.answers, refusal: gate.refusal(of: channel))
            try pipeline.addHandler(handler, position: .after(decoder))
            return value
        }
    }

    func handle(value: HTTP1Channel.Value, logger: Logger) async {
        await http1.handle(value: value, logger: logger)
    }
}
