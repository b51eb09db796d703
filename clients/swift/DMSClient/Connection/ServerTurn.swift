/// Which of a client's servers is tried; does no I/O.
struct ServerTurn {
    private let addresses: [ServerAddress]
    private var index = 0
    /// Why no scheduler was reached at the addresses, since one last was.
    private var failures: [Int: Failure] = [:]

    /// Why no scheduler was reached at an address.
    struct Failure {
        /// Half a sentence.
        var cause: String
        /// Whether something else answers there.
        var isStranger = false

        fileprivate var text: String { isStranger ? "what answers there is no scheduler: \(cause)" : cause }
    }

    init(_ addresses: [ServerAddress]) {
        precondition(!addresses.isEmpty, "A client needs the address of a server")
        self.addresses = addresses
    }

    var count: Int { addresses.count }

    var current: ServerAddress { addresses[index] }

    /// It is the next one's turn: this one is about to go, or of no use now.
    mutating func moveOn() { index = (index + 1) % addresses.count }

    /// This one cannot be reached; true where all of them have been tried by now.
    mutating func failed(_ failure: Failure) -> Bool {
        failures[index] = failure
        moveOn()
        return index == 0
    }

    mutating func succeeded() { failures = [:] }

    /// Whether each address has failed since a scheduler was last reached.
    var haveAllFailed: Bool { failures.count == addresses.count }

    /// Why no server can be reached: the first address, what is wrong there, and what is wrong at the others.
    var failure: DMSClientError {
        let causes = failures.sorted { $0.key < $1.key }
        guard let first = causes.first else {
            return .unreachable(current, cause: "no connection came about in time")
        }
        if haveAllFailed, causes.allSatisfy(\.value.isStranger) {
            let others = causes.dropFirst().map { "; \(addresses[$0.key]): \($0.value.cause)" }
            return .noScheduler(addresses[first.key], cause: first.value.cause + others.joined())
        }
        let others = causes.dropFirst().map { "; \(addresses[$0.key]): \($0.value.text)" }
        return .unreachable(addresses[first.key], cause: first.value.text + others.joined())
    }
}
