import Synchronization

/// The connection that calls come from, as far as the service layer has to know it: reads of one connection take turns with
/// those of the others, and one that is gone is read nothing for.
public final class CallOrigin: Sendable {
    private let hasEnded = Atomic(false)
    private let room = Mutex<AnswerRoom?>(nil)

    /// A connection that begins.
    public init() {}

    /// Whether the connection is over.
    var isGone: Bool { hasEnded.load(ordering: .relaxed) }

    /// The connection is over; what it still waits for is not read.
    public func end() { hasEnded.store(true, ordering: .relaxed) }

    /// Keeps the room of an answer until the server takes the answer, which it does next.
    func keep(_ room: AnswerRoom) { self.room.withLock { $0 = room } }

    /// The room of the large answer that the server was just given; nil where the answer is small.
    ///
    /// Has to be asked for behind every answer, and held until the client has it.
    public func takeRoom() -> AnswerRoom? {
        room.withLock { room in
            defer { room = nil }
            return room
        }
    }
}
