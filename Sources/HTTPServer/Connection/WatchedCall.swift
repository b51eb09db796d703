/// A call that is to know whether its answer reaches the client.
struct WatchedCall {
    /// Whether it waits for something that may never come, so that a client which closes its side has given it up.
    var isWaiting: Bool
    var abandon: () -> Void
}
