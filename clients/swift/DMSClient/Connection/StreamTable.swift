/// The calls in flight on one connection, by their stream ids; does no I/O.
struct StreamTable<Call> {
    /// What an answer's stream id stands for.
    enum Match {
        case call(Call)
        /// A call that its caller gave up.
        case abandoned(Call)
        /// No call at all: none was sent with that id, or it was answered before.
        case unknown
    }

    private enum Stream {
        case open(Call)
        case abandoned(Call)
    }

    private var streams: [UInt32: Stream] = [:]
    private var nextID: UInt32? = 1
    private let idMax: UInt32

    /// How many streams were given up and have no answer yet.
    private(set) var abandonedCount = 0

    /// A table whose ids are odd and grow up to a limit.
    init(idMax: UInt32 = .max) { self.idMax = idMax }

    /// Whether no call awaits an answer.
    var isIdle: Bool { streams.count == abandonedCount }

    /// Reserves the next id; nil where there are no more.
    mutating func reserveID() -> UInt32? {
        guard let id = nextID, id <= idMax else { return nil }
        let (following, isPast) = id.addingReportingOverflow(2)
        nextID = isPast ? nil : following
        return id
    }

    /// Notes a call that is sent with a reserved id.
    mutating func open(_ call: Call, id: UInt32) { streams[id] = .open(call) }

    /// Gives up a call in flight, whose answer may come all the same.
    mutating func abandon(_ id: UInt32) {
        guard case .open(let call) = streams[id] else {
            preconditionFailure("Only a stream that is open can be abandoned")
        }
        streams[id] = .abandoned(call)
        abandonedCount += 1
    }

    /// Takes out the stream that an answer is for.
    mutating func take(_ id: UInt32) -> Match {
        switch streams.removeValue(forKey: id) {
        case .open(let call):
            return .call(call)
        case .abandoned(let call):
            abandonedCount -= 1
            return .abandoned(call)
        case nil:
            return .unknown
        }
    }

    /// Takes out all calls with greater ids that await an answer, in the order in which they were sent.
    mutating func takeAll(above last: UInt32 = 0) -> [Call] {
        let ids = streams.keys.filter { $0 > last }.sorted()
        return ids.compactMap { id -> Call? in
            guard case .call(let call) = take(id) else { return nil }
            return call
        }
    }
}
