import NIOCore
import NIOPosix
import Testing

@testable import Scheduler

@Suite struct DeadlineQueueTests {
    /// Runs the body on a loop with a queue of its own.
    private func run<Value: Sendable>(
        _ body: @escaping @Sendable (DeadlineQueue, any EventLoop) -> EventLoopFuture<Value>
    ) async throws -> Value {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        return try await loop.flatSubmit { body(DeadlineQueue(on: loop), loop) }.get()
    }

    @Test func `bodies are called in the order of their deadlines, canceled ones not at all`() async throws {
        let order = try await run { queue, loop in
            let calls = NIOLoopBoundBox([Int](), eventLoop: loop)
            let done = loop.makePromise(of: [Int].self)
            let now = NIODeadline.now()
            var tickets: [DeadlineQueue.Ticket] = []
            for number in [5, 1, 4, 2, 3] {
                tickets.append(
                    queue.schedule(at: now + .milliseconds(Int64(10 * number))) { calls.value.append(number) })
            }
            queue.cancel(tickets[2])
            queue.cancel(tickets[2])
            _ = queue.schedule(at: now + .milliseconds(80)) { done.succeed(calls.value) }
            return done.futureResult
        }
        #expect(order == [1, 2, 3, 5])
    }

    @Test func `what is canceled does not pile up`() async throws {
        let most = try await run { queue, loop in
            var most = 0
            let far = NIODeadline.now() + .minutes(10)
            var waiting = (0..<100).map { _ in queue.schedule(at: far) {} }
            for _ in 0..<10_000 {
                queue.cancel(waiting.removeFirst())
                waiting.append(queue.schedule(at: far) {})
                most = max(most, queue.entryCount)
            }
            for ticket in waiting { queue.cancel(ticket) }
            return loop.makeSucceededFuture(most)
        }
        #expect(most <= 202)
    }

    @Test func `a body may schedule and cancel`() async throws {
        let count = try await run { queue, loop in
            let done = loop.makePromise(of: Int.self)
            let count = NIOLoopBoundBox(0, eventLoop: loop)
            let bound = NIOLoopBound(queue, eventLoop: loop)
            @Sendable func step() {
                count.value += 1
                guard count.value < 5 else { return done.succeed(count.value) }
                bound.value.cancel(bound.value.schedule(at: .now() + .hours(1)) {})
                _ = bound.value.schedule(at: .now(), step)
            }
            step()
            return done.futureResult
        }
        #expect(count == 5)
    }
}
