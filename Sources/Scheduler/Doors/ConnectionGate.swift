public import DMSModel
public import Logging
public import NIOCore
import Synchronization

/// How many connections a door has, over all its listeners and loops, and whether it takes one more.
///
/// A connection that is refused may stay for a moment, so that it can be told why; a few at a time do.
public final class ConnectionGate: Sendable {
    /// What becomes of a new connection.
    public enum Admission: Sendable, Equatable {
        /// It is served.
        case admitted
        /// It is answered with ``ConnectionGate/refusal(of:)``, and closed.
        case told
        /// It is closed as it is.
        case closed
    }

    fileprivate struct State {
        var open = 0
        var openByAddress: [ClientAddress: Int] = [:]
        var told: [ObjectIdentifier: SchedulerError] = [:]
        var refused = 0
        var loggedAt: NIODeadline?
        var refusedUnlogged = 0
    }

    let door: String
    private let connectionsMax: Int
    private let perAddressMax: Int
    private let toldMax: Int
    private let logger: Logger
    private let state = Mutex(State())

    /// - Parameters:
    ///   - door: What the log calls it.
    ///   - connectionsMax: Connections at a time.
    ///   - perAddressMax: Connections at a time from one address; 0: any number.
    ///   - toldMax: Refused connections at a time that are told why.
    ///   - logger: Takes a line when connections are refused, one a second at most.
    public init(
        door: String, connectionsMax: Int, perAddressMax: Int = 0, toldMax: Int = Limits.Connections.toldMax,
        logger: Logger
    ) {
        self.door = door
        self.connectionsMax = connectionsMax
        self.perAddressMax = perAddressMax
        self.toldMax = toldMax
        self.logger = logger
    }

    /// How many connections are open and served.
    public var openConnections: Int { state.withLock(\.open) }

    /// How many connections were refused since the beginning.
    public var refusedConnections: Int { state.withLock(\.refused) }

    /// Why a connection is to be told that it is refused; nil for one that is served.
    public func refusal(of connection: any Channel) -> SchedulerError? {
        state.withLock { $0.told[ObjectIdentifier(connection)] }
    }

    /// Decides on a new connection, and counts it until it is closed.
    public func admit(_ connection: any Channel) -> Admission {
        let address = perAddressMax > 0 ? ClientAddress(connection.remoteAddress) : nil
        let id = ObjectIdentifier(connection)
        let (admission, lines) = state.withLock { state -> (Admission, Int?) in
            guard let refusal = refusal(address, state) else {
                state.open += 1
                if let address { state.openByAddress[address, default: 0] += 1 }
                return (.admitted, nil)
            }
            state.refused += 1
            let lines = state.countForLog(at: .now())
            guard state.told.count < toldMax else { return (.closed, lines) }
            state.told[id] = refusal
            return (.told, lines)
        }
        if let lines {
            logger.warning(
                "Connections are refused: as many are open as may be",
                metadata: ["door": "\(door)", "refused": "\(lines)", "latest": "\(describe(connection))"])
        }
        switch admission {
        case .admitted: connection.closeFuture.whenComplete { [self] _ in leave(address) }
        case .told: connection.closeFuture.whenComplete { [self] _ in forget(id) }
        case .closed: break
        }
        return admission
    }

    private func refusal(_ address: ClientAddress?, _ state: borrowing State) -> SchedulerError? {
        if state.open >= connectionsMax {
            return SchedulerError(
                .limitConnections, "The server has as many connections as it may have", retryAfter: .seconds(1))
        }
        if let address, state.openByAddress[address, default: 0] >= perAddressMax {
            return SchedulerError(
                .limitConnections, "The server has as many connections from this address as it may have",
                retryAfter: .seconds(1))
        }
        return nil
    }

    private func leave(_ address: ClientAddress?) {
        state.withLock { state in
            state.open -= 1
            guard let address, let open = state.openByAddress[address] else { return }
            state.openByAddress[address] = open > 1 ? open - 1 : nil
        }
    }

    private func forget(_ id: ObjectIdentifier) { state.withLock { $0.told[id] = nil } }

    private func describe(_ connection: any Channel) -> String {
        connection.remoteAddress?.ipAddress ?? "a unix socket"
    }
}

extension ConnectionGate.State {
    /// Counts a refusal; how many a line of the log is to tell of, nil where it is too early for one.
    fileprivate mutating func countForLog(at now: NIODeadline) -> Int? {
        refusedUnlogged += 1
        if let loggedAt, now - loggedAt < TimeAmount(Limits.Connections.refusalLogPause) { return nil }
        loggedAt = now
        defer { refusedUnlogged = 0 }
        return refusedUnlogged
    }
}
