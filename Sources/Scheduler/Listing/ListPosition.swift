import NIOCore

/// A place in the order of tasks: behind one task, whether that is still there or not.
struct ListPosition: Equatable {
    /// What the order sorts by: the microseconds of the task's `enqueued_at`.
    var score: Double
    /// The task's id, by whose bytes those of one score are sorted.
    var id: ByteBuffer
}
