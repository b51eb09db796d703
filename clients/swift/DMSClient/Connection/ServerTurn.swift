/// Which of a client's servers is tried; does no I/O.
struct ServerTurn {
    private let addresses: [ServerAddress]
    private var index = 0
    /// Why no scheduler was reached at the addresses, since one last was.
    private var failures: [Int: Failure] = [:]
    /// The addresses that have failed since the round began, or a scheduler was last reached.
    private var failedInRound: Set<Int> = []

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
        if isRoundOver { failedInRound = [] }
        failedInRound.insert(index)
        failures[index] = failure
        moveOn()
        return isRoundOver
    }

    mutating func succeeded() {
        failures = [:]
        failedInRound = []
    }

    /// Whether the last failure was the last one of a round: each address has failed in it, and none was reached.
    var isRoundOver: Bool { failedInRound.count == addresses.count }

    /// Why no server can be reached: the first address, what is wrong there, and what is wrong at the others.
    var failure: DMSClientError {
        let causes = failures.sorted { $0.key < $1.key }
        guard let first = causes.first else {
            return .unreachable(current, cause: "no connection came about in time")
        }
        if causes.count == addresses.count, causes.allSatisfy(\.value.isStranger) {
            let others = causes.dropFirst().map { "; \(addresses[$0.key]): \($0.value.cause)" }
            return .noScheduler(addresses[first.key], cause: first.value.cause + others.joined())
        }
        let others = causes.dropFirst().map { "; \(addresses[$0.key]): \($0.value.text)" }
        return .unreachable(addresses[first.key], cause: first.value.text + others.joined())
    }
}
