public import DMSModel
import Synchronization

/// The memory that one process spends on large answers, from the read that fills one until its client has taken it.
///
/// A read asks for room before it begins, so that clients that read nothing cannot fill the process. Answers that come of
/// something else, such as a dispatch, are counted when they are there. An answer of at most
/// ``DMSModel/Limits/smallAnswerBytesMax`` is not counted: a connection's own bound covers it.
public final class AnswerMemory: Sendable {
    private struct State {
        var bytesInUse = 0
        /// Who was refused room, to be called when some is given back.
        var waiting: [@Sendable () -> Void] = []
    }

    private let bytesMax: Int
    private let state = Mutex(State())
    private let isFullNow = Atomic(false)
    private let isShortNow = Atomic(false)

    /// By default with room for ``DMSModel/Limits/answerBytesMax``.
    public init(bytesMax: Int = Limits.answerBytesMax) { self.bytesMax = bytesMax }

    /// What all rooms have together; counted answers may take it above the maximum.
    public var bytesInUse: Int { state.withLock(\.bytesInUse) }

    /// Whether nothing is left.
    var isFull: Bool { isFullNow.load(ordering: .relaxed) }

    /// Whether a read waits for room: then a client that takes nothing is not put up with for long.
    public var isShort: Bool { isShortNow.load(ordering: .relaxed) }

    /// Room for an answer that is still to be read.
    ///
    /// Nil where not so much is left; then `retry` is called once some was given back, on any thread. The first room is given
    /// whatever its size, so that no answer waits for ever.
    func take(
        _ bytes: Int, onRelease: @escaping @Sendable () -> Void, orElse retry: @escaping @Sendable () -> Void
    ) -> AnswerRoom? {
        let hasRoom = state.withLock { state in
            guard state.bytesInUse == 0 || state.bytesInUse + bytes <= bytesMax else {
                state.waiting.append(retry)
                isShortNow.store(true, ordering: .relaxed)
                return false
            }
            state.bytesInUse += bytes
            note(state)
            return true
        }
        return hasRoom ? AnswerRoom(bytes, of: self, onRelease: onRelease) : nil
    }

    /// Calls the body once, on any thread, when some was given back.
    func whenReleased(_ body: @escaping @Sendable () -> Void) {
        let isFull = state.withLock { state in
            guard state.bytesInUse >= bytesMax else { return false }
            state.waiting.append(body)
            isShortNow.store(true, ordering: .relaxed)
            return true
        }
        if !isFull { body() }
    }

    /// Room for an answer that is there already, whatever is left.
    public func claim(_ bytes: Int) -> AnswerRoom {
        state.withLock { state in
            state.bytesInUse += bytes
            note(state)
        }
        return AnswerRoom(bytes, of: self) {}
    }

    fileprivate func giveBack(_ bytes: Int) {
        let waiting = state.withLock { state in
            state.bytesInUse -= bytes
            note(state)
            defer { state.waiting = [] }
            isShortNow.store(false, ordering: .relaxed)
            return state.waiting
        }
        for retry in waiting { retry() }
    }

    private func note(_ state: borrowing State) {
        isFullNow.store(state.bytesInUse >= bytesMax, ordering: .relaxed)
    }
}

/// A part of the ``AnswerMemory``, which goes back when nobody holds it any more.
public final class AnswerRoom: Sendable {
    private let memory: AnswerMemory
    private let bytes: Mutex<Int>
    private let onRelease: @Sendable () -> Void

    fileprivate init(_ bytes: Int, of memory: AnswerMemory, onRelease: @escaping @Sendable () -> Void) {
        self.bytes = Mutex(bytes)
        self.memory = memory
        self.onRelease = onRelease
    }

    deinit {
        memory.giveBack(bytes.withLock { $0 })
        onRelease()
    }

    /// Gives back what the answer does not need, now that its size is known.
    public func shrink(to needed: Int) {
        let spare = bytes.withLock { bytes in
            defer { bytes = min(bytes, needed) }
            return max(0, bytes - needed)
        }
        if spare > 0 { memory.giveBack(spare) }
    }
}
