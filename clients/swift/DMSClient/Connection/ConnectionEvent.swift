/// What becomes of a client's connection, as a log may tell it.
public enum ConnectionEvent: Sendable, Equatable {
    /// A scheduler answers there; told once for each connection.
    case reached(ServerAddress)
    /// No scheduler answers, at the last one of the addresses or at all of them; for calls that wait the client goes on trying.
    ///
    /// The error is `unreachable`, or `noScheduler` where something else answers at all of them.
    case failed(ServerAddress, DMSClientError)
}
