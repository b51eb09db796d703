import DequeModule
import NIOCore

/// Joins calls of one kind on one event loop into few script calls.
///
/// The first call of a tick schedules the script for the tick's end; what arrives while ``callsInFlightMax`` scripts are under
/// way waits for the next. With one client nothing waits; with many, the cost of a script call is shared.
final class Coalescer<Item, Answer> {
    /// Script calls under way at once: while Redis works on one, the next is on its way.
    private let callsInFlightMax = 2

    private struct Waiter {
        var item: Item
        var weight: Int
        var completion: (Result<Answer, any Error>) -> Void
    }

    private let eventLoop: any EventLoop
    private let weightMax: Int
    private let perform: ([Item]) -> EventLoopFuture<[Answer?]>
    private var waiters = Deque<Waiter>()
    private var callsInFlight = 0
    private var isScheduled = false

    /// - Parameters:
    ///   - weightMax: How much one script call takes, unless a single item weighs more.
    ///   - perform: Makes one script call; it has an answer for each item, in order, and fails for all of them. Items whose
    ///     answer is nil go into the next call, first of all.
    init(
        on eventLoop: any EventLoop, weightMax: Int, perform: @escaping ([Item]) -> EventLoopFuture<[Answer?]>
    ) {
        self.eventLoop = eventLoop
        self.weightMax = weightMax
        self.perform = perform
    }

    /// Whether nothing is under way.
    var isIdle: Bool { callsInFlight == 0 && waiters.isEmpty }

    /// The item's own answer.
    func add(_ item: Item, weight: Int) -> EventLoopFuture<Answer> {
        let promise = eventLoop.makePromise(of: Answer.self)
        add(item, weight: weight) { promise.assumeIsolated().completeWith($0) }
        return promise.futureResult
    }

    /// As ``add(_:weight:)``, without a future: for the way of every `Next`.
    func add(_ item: Item, weight: Int, _ completion: @escaping (Result<Answer, any Error>) -> Void) {
        waiters.append(Waiter(item: item, weight: weight, completion: completion))
        schedule()
    }

    private func schedule() {
        guard !isScheduled, callsInFlight < callsInFlightMax, !waiters.isEmpty else { return }
        isScheduled = true
        eventLoop.assumeIsolated().execute {
            self.isScheduled = false
            while self.callsInFlight < self.callsInFlightMax, !self.waiters.isEmpty {
                self.perform(self.takeBatch())
            }
        }
    }

    private func takeBatch() -> [Waiter] {
        var batch: [Waiter] = []
        var weight = 0
        while let first = waiters.first, batch.isEmpty || weight + first.weight <= weightMax {
            weight += first.weight
            batch.append(waiters.removeFirst())
        }
        return batch
    }

    private func perform(_ batch: [Waiter]) {
        callsInFlight += 1
        perform(batch.map(\.item)).assumeIsolated().whenComplete { result in
            self.callsInFlight -= 1
            switch result {
            case .success(let answers):
                precondition(answers.count == batch.count, "every item has an answer")
                self.deliver(answers, to: batch)
            case .failure(let error):
                for waiter in batch { waiter.completion(.failure(error)) }
            }
            self.schedule()
        }
    }

    private func deliver(_ answers: [Answer?], to batch: [Waiter]) {
        var again: [Waiter] = []
        for (waiter, answer) in zip(batch, answers) {
            if let answer { waiter.completion(.success(answer)) } else { again.append(waiter) }
        }
        waiters.prepend(contentsOf: again)
    }
}
