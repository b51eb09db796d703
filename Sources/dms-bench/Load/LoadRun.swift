import NIOCore

/// What the connections of one measurement share: the calls to make, and what came of them.
///
/// It lives on one event loop.
final class LoadRun {
    private let total: Int
    private let first: Int
    /// Whether a call's answer brings a task, which may come once only; the other calls are about a task themselves.
    private let takesTasks: Bool
    private let taskCount: Int
    private var started = 0
    private var answered = 0
    private var seen: [Bool]
    private(set) var latencies = Latencies()
    let done: EventLoopPromise<Void>
    private var isOver = false

    /// `total` calls about, or for, `taskCount` tasks, of which `first` is the first.
    init(total: Int, first: Int, taskCount: Int, takesTasks: Bool, on loop: any EventLoop) {
        self.total = total
        self.first = first
        self.takesTasks = takesTasks
        self.taskCount = taskCount
        seen = Array(repeating: false, count: takesTasks ? taskCount : 0)
        done = loop.makePromise()
    }

    /// The task that the next call is about; nil where all calls are made.
    func next() -> Int? {
        guard started < total else { return nil }
        defer { started += 1 }
        // Neither in their order nor any twice, as long as there are enough.
        return first + (taskCount > total ? started &* 7919 : started) % taskCount
    }

    func answered(_ answer: LoadAnswer, nanoseconds: Int64) throws {
        latencies.add(nanoseconds: UInt64(max(nanoseconds, 0)))
        if takesTasks {
            guard let number = answer.number else { throw BenchFailure("a call found no task") }
            guard seen.indices.contains(number - first) else {
                throw BenchFailure("a task of another measurement came")
            }
            guard !seen[number - first] else { throw BenchFailure("a task came twice") }
            seen[number - first] = true
        }
        answered += 1
        if answered == total { end() }
    }

    func fail(_ error: any Error) {
        guard !isOver else { return }
        isOver = true
        done.fail(error)
    }

    private func end() {
        guard !isOver else { return }
        isOver = true
        done.succeed()
    }
}
