/// Those who are told what becomes of a client's connection.
struct ConnectionObservers {
    typealias Observer = AsyncStream<ConnectionEvent>.Continuation

    private var observers: [Observer] = []

    mutating func add(_ observer: Observer) { observers.append(observer) }

    mutating func tell(_ event: ConnectionEvent) {
        observers.removeAll { observer in
            if case .terminated = observer.yield(event) { true } else { false }
        }
    }

    mutating func finish() {
        for observer in observers { observer.finish() }
        observers = []
    }
}

extension ConnectionLoss {
    /// What it is of a connection on which no scheduler was heard.
    func event(at address: ServerAddress) -> ConnectionEvent {
        switch self {
        case .violation(let violation): .failed(address, .protocolViolation(violation, outcomeUnknown: false))
        case .closedByServer, .failed, .stuck: .failed(address, .unreachable(address, cause: cause))
        }
    }
}
