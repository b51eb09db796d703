import DMSModel
import DMSWire
import Scheduler

/// What a method is told of a call beside its request.
struct CallContext {
    var caller: Caller
    /// The connection that the call came on.
    var origin: CallOrigin
    /// The server is shutting down.
    var isDraining: Bool
    /// Is called where the call begins to wait for a task.
    var onParked: () -> Void
}

extension Caller {
    /// The tokens that came with a call.
    init(_ envelope: RequestEnvelope) {
        self.init(
            operatorToken: envelope.metadata(MetadataKey.operatorToken),
            submitterToken: envelope.metadata(MetadataKey.submitterToken))
    }
}
