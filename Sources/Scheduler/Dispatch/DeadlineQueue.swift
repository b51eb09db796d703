import HeapModule
public import NIOCore

/// Many deadlines of one event loop, of which most never come: to cancel one costs the same however many there are.
///
/// An event loop's own timers are looked through one by one when one is canceled, which thousands of waiting calls would
/// make dear. Here a canceled one stays in the heap until its turn, or until most of the heap is such.
public final class DeadlineQueue {
    /// Names a deadline, to cancel it.
    public struct Ticket {
        fileprivate var number: UInt64
    }

    private struct Entry: Comparable {
        var deadline: NIODeadline
        var number: UInt64

        static func < (left: Entry, right: Entry) -> Bool {
            (left.deadline, left.number) < (right.deadline, right.number)
        }
    }

    private let eventLoop: any EventLoop
    private var heap = Heap<Entry>()
    private var bodies: [UInt64: () -> Void] = [:]
    private var lastNumber: UInt64 = 0
    private var timer: (deadline: NIODeadline, scheduled: Scheduled<Void>)?

    /// Used on that loop only.
    public init(on eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// How many entries are kept, canceled ones too.
    var entryCount: Int { heap.count }

    /// Calls the body at that time, unless it is canceled before.
    public func schedule(at deadline: NIODeadline, _ body: @escaping () -> Void) -> Ticket {
        lastNumber += 1
        bodies[lastNumber] = body
        heap.insert(Entry(deadline: deadline, number: lastNumber))
        arm()
        return Ticket(number: lastNumber)
    }

    /// Does nothing where the time has come already.
    public func cancel(_ ticket: Ticket) {
        guard bodies.removeValue(forKey: ticket.number) != nil else { return }
        guard heap.count > 64, heap.count > 2 * bodies.count else { return }
        heap = Heap(heap.unordered.filter { bodies[$0.number] != nil })
    }

    private func arm() {
        guard let first = heap.min else { return }
        if let timer {
            guard first.deadline < timer.deadline else { return }
            timer.scheduled.cancel()
        }
        let scheduled = eventLoop.assumeIsolated().scheduleTask(deadline: first.deadline) { self.fire() }
        timer = (first.deadline, scheduled)
    }

    private func fire() {
        timer = nil
        let now = eventLoop.now
        while let first = heap.min, first.deadline <= now {
            heap.removeMin()
            bodies.removeValue(forKey: first.number)?()
        }
        arm()
    }
}
