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
