import NIOCore

/// A call that has no answer yet.
final class OpenCall {
    var deadline: Scheduled<Void>?
    /// How a call that may wait is given up; nil of others, which run to their end.
    var control: CallControl?
    /// Whether it waits for a task, so that it counts apart.
    var isParked = false
}

/// What a connection can do with a call of its that waits.
struct CallControl {
    /// The call gets no answer any more: what it has goes back.
    var abandon: () -> Void
    /// The call waits no longer, and is answered with what there is.
    var endWait: () -> Void
}
