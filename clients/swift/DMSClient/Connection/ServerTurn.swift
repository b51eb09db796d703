/// Which of a client's servers is tried; does no I/O.
struct ServerTurn {
    private let addresses: [ServerAddress]
    private var index = 0
    /// Why the servers could not be reached, since one of them last was.
    private var failures: [Int: String] = [:]

    init(_ addresses: [ServerAddress]) {
        precondition(!addresses.isEmpty, "A client needs the address of a server")
        self.addresses = addresses
    }

    var count: Int { addresses.count }

    var current: ServerAddress { addresses[index] }

    /// It is the next one's turn: this one is about to go, or of no use now.
    mutating func moveOn() { index = (index + 1) % addresses.count }

    /// This one cannot be reached; true where all of them have been tried by now.
    mutating func failed(_ cause: String) -> Bool {
        failures[index] = cause
        moveOn()
        return index == 0
    }

    mutating func succeeded() { failures = [:] }

    /// Why no server can be reached: the first address, what is wrong there, and what is wrong at the others.
    var failure: DMSClientError {
        let causes = failures.sorted { $0.key < $1.key }
        guard let first = causes.first else {
            return .unreachable(current, cause: "no connection came about in time")
        }
        let others = causes.dropFirst().map { "; \(addresses[$0.key]): \($0.value)" }
        return .unreachable(addresses[first.key], cause: first.value + others.joined())
    }
}
