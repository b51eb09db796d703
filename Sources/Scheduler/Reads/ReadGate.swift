import DMSModel
import DequeModule
import NIOCore

/// Lets the reads of one event loop through to Redis a few at a time, connection by connection.
///
/// Redis has one thread. What is in flight may hold it for about a millisecond, so a write never waits for longer behind what
/// this loop reads, however many connections ask. The rest waits here, and every connection has its turn before one has a
/// second.
final class ReadGate {
    private static let waitMax = TimeAmount.seconds(10)
    private static let expiryPause = TimeAmount.seconds(1)

    /// How much of Redis's time a read takes.
    enum Weight: Int {
        /// A record that is small, or a few counters.
        case small = 1
        /// A part of a page, or a large record: nothing is in flight beside it.
        case slice = 64
    }

    private typealias Line = Deque<Waiter>

    private struct Waiter {
        var origin: CallOrigin?
        var weight: Int
        var since: NIODeadline
        var begin: () -> Void
        var fail: (SchedulerError) -> Void
    }

    private struct RoomRequest {
        var origin: CallOrigin?
        var bytes: Int
        var since: NIODeadline
        var promise: EventLoopPromise<AnswerRoom>
    }

    private let eventLoop: any EventLoop
    private let memory: AnswerMemory
    private let rules: Rules
    private var weightInFlight = 0
    /// What waits, by its connection; and whose turn it is.
    private var lines: [ObjectIdentifier?: Line] = [:]
    private var turns = Deque<ObjectIdentifier?>()
    /// Who waits for room, first come, first served; and further requests of who waits already or has some.
    private var roomRequests = Deque<RoomRequest>()
    private var laterRoomRequests: [ObjectIdentifier: Deque<RoomRequest>] = [:]
    /// Connections with an answer that is not taken yet, or is about to be asked for.
    private var roomHolders: Set<ObjectIdentifier> = []
    private var waitingCount = 0
    private var isGoingOn = false
    private var awaitsMemory = false
    private var expiry: Scheduled<Void>?

    /// What a gate is for.
    struct Rules {
        /// What may be in flight together, in weights.
        var weightMax = 64
        /// What may wait; past it calls are refused.
        var waitingMax = 16_384
        /// What may wait of one connection; past it calls are refused, so that it leaves room for those of others.
        var waitingPerConnectionMax = 256
        /// Whether what passes is counted when it is answered only, so that nothing begins while the memory is full.
        var waitsForMemory = false
        /// Whether what a client asked for is left out once it is gone.
        var forgetsTheGone = true
        /// What those hear who waited in vain.
        var refusal = "More is read at this scheduler than it lets through; writes come first"

        /// What only reads.
        static let reads = Rules()
        /// What changes a task and is answered with it, which costs nothing to ask for again.
        static let changes = Rules(weightMax: 16, waitsForMemory: true, forgetsTheGone: false, refusal: noMemory)
        /// Dispatches whose answers are kept, and may be repetitions: more at once, so that one script call serves many.
        ///
        /// Those of all calls that wait may ask together, when their waits are over.
        static let replays = Rules(
            weightMax: 32, waitingMax: Limits.waitersMax, waitingPerConnectionMax: Limits.waitersMax,
            waitsForMemory: true, forgetsTheGone: false, refusal: noMemory)

        private static let noMemory =
            "Clients do not take their large answers, and this scheduler has no memory for more; nothing was done"
    }

    init(on eventLoop: any EventLoop, memory: AnswerMemory, _ rules: Rules = .reads) {
        self.eventLoop = eventLoop
        self.memory = memory
        self.rules = rules
    }

    deinit {
        // The loop ends, and nobody's turn comes any more.
        let error = SchedulerError(.draining, "The server is shutting down")
        for line in lines.values { for waiter in line { waiter.fail(error) } }
        for request in roomRequests { request.promise.fail(error) }
        for requests in laterRoomRequests.values { for request in requests { request.promise.fail(error) } }
    }

    /// How many reads wait.
    var waiting: Int { waitingCount }

    /// Reads when it is the connection's turn.
    ///
    /// Fails with `limitReads` where too many wait, or it waited too long, and with `cancelled` where the connection is gone.
    func read<Value: Sendable>(
        for origin: CallOrigin?, _ weight: Weight = .small, _ body: @escaping () -> EventLoopFuture<Value>
    ) -> EventLoopFuture<Value> {
        if turns.isEmpty, mayBegin(weight.rawValue) { return begin(weight.rawValue, body) }
        let key = origin.map { ObjectIdentifier($0) }
        guard waitingCount < rules.waitingMax,
            origin == nil || lines[key, default: []].count < rules.waitingPerConnectionMax
        else { return eventLoop.makeFailedFuture(tooMany) }
        let promise = eventLoop.makePromise(of: Value.self)
        let waiter = Waiter(
            origin: origin, weight: weight.rawValue, since: .now(),
            begin: { self.begin(weight.rawValue, body).cascade(to: promise) }, fail: { promise.fail($0) })
        if lines[key] == nil { turns.append(key) }
        lines[key, default: []].append(waiter)
        waitingCount += 1
        expireLater()
        if rules.waitsForMemory { goOn() }
        return promise.futureResult
    }

    private func mayBegin(_ weight: Int) -> Bool {
        if rules.waitsForMemory, memory.isFull {
            awaitMemory()
            return false
        }
        return weightInFlight == 0 || weightInFlight + weight <= rules.weightMax
    }

    /// Goes on once some of the memory was given back.
    private func awaitMemory() {
        guard !awaitsMemory else { return }
        awaitsMemory = true
        let gate = NIOLoopBound(self, eventLoop: eventLoop)
        memory.whenReleased { gate.eventLoop.execute { gate.value.memoryCameBack() } }
    }

    private func begin<Value: Sendable>(_ weight: Int, _ body: () -> EventLoopFuture<Value>) -> EventLoopFuture<Value> {
        weightInFlight += weight
        let answer = body()
        answer.assumeIsolated().whenComplete { _ in
            self.weightInFlight -= weight
            self.goOn()
        }
        return answer
    }

    private func goOn() {
        // A read that fails at once ends inside its own beginning.
        guard !isGoingOn else { return }
        isGoingOn = true
        defer { isGoingOn = false }
        while let key = turns.first {
            guard let waiter = lines[key]?.first else {
                turns.removeFirst()
                continue
            }
            let isGone = rules.forgetsTheGone && waiter.origin?.isGone ?? false
            guard isGone || mayBegin(waiter.weight) else { return }
            turns.removeFirst()
            removeFirst(of: key)
            if lines[key] != nil { turns.append(key) }
            if isGone { waiter.fail(ReadGate.gone) } else { waiter.begin() }
        }
    }

    private func removeFirst(of key: ObjectIdentifier?) {
        waitingCount -= 1
        lines[key]?.removeFirst()
        if lines[key]?.isEmpty ?? false { lines[key] = nil }
    }
}

// MARK: - Room

extension ReadGate {
    /// Room for an answer of that size, when there is some, and when the connection has taken its large answer before.
    ///
    /// Fails as ``read(for:_:_:)`` does.
    func room(for origin: CallOrigin?, bytes: Int) -> EventLoopFuture<AnswerRoom> {
        guard waitingCount < rules.waitingMax else { return eventLoop.makeFailedFuture(tooMany) }
        let request = RoomRequest(
            origin: origin, bytes: bytes, since: .now(), promise: eventLoop.makePromise(of: AnswerRoom.self))
        waitingCount += 1
        if let origin, !roomHolders.insert(ObjectIdentifier(origin)).inserted {
            laterRoomRequests[ObjectIdentifier(origin), default: []].append(request)
        } else {
            roomRequests.append(request)
        }
        giveRoom()
        if waitingCount > 0 { expireLater() }
        return request.promise.futureResult
    }

    private func giveRoom() {
        while !awaitsMemory, let request = roomRequests.first {
            if request.origin?.isGone ?? false {
                refuseFirstRoom(ReadGate.gone)
                continue
            }
            let gate = NIOLoopBound(self, eventLoop: eventLoop)
            // Kept until then, so that no other has its identity.
            let holder = request.origin
            let room = memory.take(request.bytes) {
                gate.eventLoop.execute { gate.value.roomWasReleased(by: holder) }
            } orElse: {
                gate.eventLoop.execute { gate.value.memoryCameBack() }
            }
            guard let room else {
                awaitsMemory = true
                return
            }
            roomRequests.removeFirst()
            waitingCount -= 1
            request.promise.assumeIsolated().succeed(room)
        }
    }

    private func memoryCameBack() {
        awaitsMemory = false
        giveRoom()
        goOn()
    }

    private func refuseFirstRoom(_ error: SchedulerError) {
        let request = roomRequests.removeFirst()
        waitingCount -= 1
        request.promise.fail(error)
        roomWasReleased(by: request.origin)
    }

    /// The connection has none any more, and may be given some again.
    private func roomWasReleased(by origin: CallOrigin?) {
        guard let holder = origin.map({ ObjectIdentifier($0) }) else { return }
        roomHolders.remove(holder)
        guard let request = laterRoomRequests[holder]?.popFirst() else { return }
        if laterRoomRequests[holder]?.isEmpty ?? false { laterRoomRequests[holder] = nil }
        roomHolders.insert(holder)
        roomRequests.append(request)
        giveRoom()
    }
}

// MARK: - Ends

extension ReadGate {
    private static let gone = SchedulerError(.cancelled, "The client is gone")
    private var tooMany: SchedulerError { SchedulerError(.limitReads, rules.refusal, retryAfter: .seconds(1)) }

    private func expireLater() {
        guard expiry == nil else { return }
        expiry = eventLoop.assumeIsolated().scheduleTask(in: ReadGate.expiryPause) {
            self.expiry = nil
            self.expire(before: .now() - ReadGate.waitMax)
            if self.waitingCount > 0 { self.expireLater() }
        }
    }

    private func expire(before limit: NIODeadline) {
        var expired: [Waiter] = []
        for key in turns {
            while let waiter = lines[key]?.first, waiter.since < limit {
                removeFirst(of: key)
                expired.append(waiter)
            }
        }
        turns.removeAll { lines[$0] == nil }
        // Only now: whoever hears of it may ask for the next thing at once.
        for waiter in expired { waiter.fail(tooMany) }
        for key in Array(laterRoomRequests.keys) {
            while let request = laterRoomRequests[key]?.first, request.since < limit {
                laterRoomRequests[key]?.removeFirst()
                waitingCount -= 1
                request.promise.fail(tooMany)
            }
            if laterRoomRequests[key]?.isEmpty ?? false { laterRoomRequests[key] = nil }
        }
        // Not all stand in the order in which they were asked for.
        let late = roomRequests.filter { $0.since < limit }
        roomRequests.removeAll { $0.since < limit }
        waitingCount -= late.count
        for request in late {
            request.promise.fail(tooMany)
            roomWasReleased(by: request.origin)
        }
        goOn()
    }
}
