import DequeModule
import NIOCore

/// One physical connection: writes commands in order, and gives each answer to the command that waits longest.
///
/// Commands of one tick go out together. What was not handed to the socket when the connection falls fails as
/// `unavailable`, what was fails as `outcomeUnknown`.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Called when the connection is no more, with a sentence about why.
    var onClose: ((String) -> Void)?
    /// Called when Redis's answer says that another server should be looked for.
    var onRefusal: (() -> Void)?

    /// Answers with which a server says that it is not the one to write to, or not ready: a proxy may know another.
    private static let refusals: Set<String> = ["READONLY", "MASTERDOWN", "LOADING"]

    private let commandTimeout: TimeAmount
    private let reader = RedisReader()
    private var context: ChannelHandlerContext?
    private var unsent: [PendingCall] = []
    private var inFlight = Deque<PendingCall>()
    private var isFlushScheduled = false
    private var timer: Scheduled<Void>?
    private var closeReason: String?
    private var isLeaving = false

    init(commandTimeout: Duration) { self.commandTimeout = TimeAmount(commandTimeout) }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    /// Sends a command at the end of this tick.
    func send(_ call: PendingCall) {
        guard let context, closeReason == nil, !isLeaving else {
            call.fail(.unavailable("the connection to Redis is closing"))
            return
        }
        unsent.append(call)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.flush()
        }
    }

    /// Takes no more commands, and closes when what is in flight is answered.
    func leave() {
        guard !isLeaving else { return }
        isLeaving = true
        closeIfLeft()
    }

    /// Closes at once; what is in flight fails by what is known of it.
    func close(_ reason: String) {
        guard closeReason == nil else { return }
        closeReason = reason
        context?.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard closeReason == nil else { return }
        do {
            try reader.feed(unwrapInboundIn(data)) { reply in receive(reply) }
        } catch {
            close("\(error)")
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { close("\(error)") }

    func channelInactive(context: ChannelHandlerContext) {
        let reason = closeReason ?? "Redis closed the connection"
        closeReason = reason
        timer?.cancel()
        let (sent, waiting) = (inFlight, unsent)
        (inFlight, unsent) = ([], [])
        for call in sent { call.fail(.outcomeUnknown("\(reason), with the command sent and no answer")) }
        for call in waiting { call.fail(.unavailable(reason)) }
        onClose?(reason)
        (onClose, onRefusal) = (nil, nil)
        context.fireChannelInactive()
    }

    private func flush() {
        guard let context, closeReason == nil, !unsent.isEmpty else { return }
        var out = context.channel.allocator.buffer(capacity: unsent.reduce(0) { $0 + $1.bytes.readableBytes })
        let deadline = NIODeadline.now() + commandTimeout
        for call in unsent {
            out.writeImmutableBuffer(call.bytes)
            call.deadline = deadline
            inFlight.append(call)
        }
        unsent.removeAll(keepingCapacity: true)
        context.writeAndFlush(wrapOutboundOut(out), promise: nil)
        watchOldest()
    }

    private func receive(_ reply: borrowing RedisReply) {
        guard let call = inFlight.popFirst() else {
            close("Redis answered what nobody asked")
            return
        }
        if let again = call.receive(reply) {
            unsentAgain(again)
        } else if case .reply(let code, _)? = reply.error, RedisChannelHandler.refusals.contains(code) {
            onRefusal?()
        }
        closeIfLeft()
    }

    /// A call that Redis did not run is sent once more, also where the connection takes no new ones.
    private func unsentAgain(_ call: PendingCall) {
        unsent.append(call)
        flush()
    }

    private func closeIfLeft() {
        if isLeaving, inFlight.isEmpty, unsent.isEmpty { close("another Redis is looked for") }
    }

    /// One timer watches the oldest answer that is due; the others are due later.
    private func watchOldest() {
        guard timer == nil, let context, let oldest = inFlight.first else { return }
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: oldest.deadline) {
            self.timer = nil
            guard let oldest = self.inFlight.first, oldest.deadline <= .now() else {
                self.watchOldest()
                return
            }
            self.close("Redis did not answer in time")
        }
    }
}
