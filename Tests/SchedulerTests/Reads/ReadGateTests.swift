import DMSModel
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import Scheduler

@Suite(.timeLimit(.minutes(1))) struct ReadGateTests {
    /// A gate, and what its reads do: each is begun, and answered when the test says so.
    private final class Bench {
        let gate: ReadGate
        let memory: AnswerMemory
        let loop: any EventLoop
        /// The names of the reads that were begun, in order.
        var begun: [String] = []
        var failures: [String: SchedulerError.Reason] = [:]
        private var answers: [String: EventLoopPromise<Void>] = [:]

        init(_ loop: any EventLoop, bytesMax: Int = 100) {
            self.loop = loop
            memory = AnswerMemory(bytesMax: bytesMax)
            gate = ReadGate(on: loop, memory: memory)
        }

        func read(_ name: String, from origin: CallOrigin?, _ weight: ReadGate.Weight = .small) {
            let answer = gate.read(for: origin, weight) {
                self.begun.append(name)
                let promise = self.loop.makePromise(of: Void.self)
                self.answers[name] = promise
                return promise.futureResult
            }
            answer.assumeIsolated().whenFailure { self.failures[name] = ($0 as? SchedulerError)?.reason }
        }

        func answer(_ name: String) { answers.removeValue(forKey: name)?.succeed() }
    }

    private func onLoop(_ body: @escaping @Sendable (any EventLoop) throws -> Void) async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        try await loop.submit { try body(loop) }.get()
    }

    @Test func `a connection with much to read lets others have their turn`() async throws {
        try await onLoop { loop in
            let bench = Bench(loop)
            let (greedy, modest) = (CallOrigin(), CallOrigin())
            for number in 1...3 { bench.read("greedy \(number)", from: greedy, .slice) }
            bench.read("modest", from: modest, .slice)
            #expect(bench.begun == ["greedy 1"])
            bench.answer("greedy 1")
            bench.answer("greedy 2")
            #expect(bench.begun == ["greedy 1", "greedy 2", "modest"])
            bench.answer("modest")
            #expect(bench.begun.last == "greedy 3")
            bench.answer("greedy 3")
            #expect(bench.gate.waiting == 0)
        }
    }

    @Test func `a slice is alone in flight, and small reads go together up to the bound`() async throws {
        try await onLoop { loop in
            let bench = Bench(loop)
            for number in 1...70 { bench.read("small \(number)", from: CallOrigin()) }
            #expect(bench.begun.count == 64)
            bench.read("slice", from: CallOrigin(), .slice)
            for number in 1...64 { bench.answer("small \(number)") }
            #expect(bench.begun.count == 70)
            for number in 65...70 { bench.answer("small \(number)") }
            #expect(bench.begun.last == "slice")
            bench.read("behind", from: CallOrigin())
            #expect(bench.begun.last == "slice")
            bench.answer("slice")
            #expect(bench.begun.last == "behind")
            bench.answer("behind")
        }
    }

    @Test func `what a connection that is gone still wanted is not read`() async throws {
        try await onLoop { loop in
            let bench = Bench(loop)
            let (gone, other) = (CallOrigin(), CallOrigin())
            bench.read("first", from: other, .slice)
            bench.read("too late", from: gone)
            bench.read("last", from: other)
            gone.end()
            bench.answer("first")
            #expect(bench.begun == ["first", "last"])
            #expect(bench.failures == ["too late": .cancelled])
            bench.answer("last")
        }
    }

    @Test func `reads that fail at once are counted down, however many wait`() async throws {
        try await onLoop { loop in
            let gate = ReadGate(on: loop, memory: AnswerMemory())
            let held = loop.makePromise(of: Void.self)
            _ = gate.read(for: nil, .slice) { held.futureResult }
            var failed = 0
            for _ in 0..<16_384 {
                gate.read(for: CallOrigin()) { () -> EventLoopFuture<Void> in
                    loop.makeFailedFuture(SchedulerError(.storeUnavailable, "away"))
                }.assumeIsolated().whenFailure { _ in failed += 1 }
            }
            var refusal: SchedulerError.Reason?
            gate.read(for: CallOrigin()) { loop.makeSucceededVoidFuture() }
                .assumeIsolated().whenFailure { refusal = ($0 as? SchedulerError)?.reason }
            #expect(refusal == .limitReads)
            held.succeed()
            #expect(failed == 16_384)
            #expect(gate.waiting == 0)
        }
    }

    @Test func `a connection has room for one large answer, and the next when the client has that`() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let (gate, origin) = try await loop.submit {
            (NIOLoopBound(ReadGate(on: loop, memory: AnswerMemory(bytesMax: 100)), eventLoop: loop), CallOrigin())
        }.get()
        var first: AnswerRoom? = try await loop.flatSubmit { gate.value.room(for: origin, bytes: 10) }.get()
        let second = loop.flatSubmit { gate.value.room(for: origin, bytes: 10) }
        // Another connection does not wait for this one.
        _ = try await loop.flatSubmit { gate.value.room(for: CallOrigin(), bytes: 10) }.get()
        try await loop.submit { #expect(gate.value.waiting == 1) }.get()
        withExtendedLifetime(first) {}
        first = nil
        _ = try await second.get()
    }

    @Test func `what does not fit the memory waits, and says so, until something is given back`() async throws {
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let memory = AnswerMemory(bytesMax: 100)
        let gate = try await loop.submit { NIOLoopBound(ReadGate(on: loop, memory: memory), eventLoop: loop) }.get()
        var first: AnswerRoom? = try await loop.flatSubmit { gate.value.room(for: CallOrigin(), bytes: 80) }.get()
        #expect(!memory.isShort)
        let second = loop.flatSubmit { gate.value.room(for: CallOrigin(), bytes: 40) }
        try await loop.submit { #expect(gate.value.waiting == 1) }.get()
        #expect(memory.isShort)
        first?.shrink(to: 50)
        let room = try await second.get()
        #expect(memory.bytesInUse == 90)
        #expect(!memory.isShort)
        first = nil
        #expect(memory.bytesInUse == 40)
        withExtendedLifetime(room) {}
    }

    @Test func `an answer that is there already is counted, and what is larger than all has room alone`() async throws {
        let memory = AnswerMemory(bytesMax: 100)
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let gate = try await loop.submit { NIOLoopBound(ReadGate(on: loop, memory: memory), eventLoop: loop) }.get()
        var claimed: AnswerRoom? = memory.claim(150)
        #expect(memory.isFull)
        let large = loop.flatSubmit { gate.value.room(for: CallOrigin(), bytes: 500) }
        try await loop.submit { #expect(gate.value.waiting == 1) }.get()
        withExtendedLifetime(claimed) {}
        claimed = nil
        let room = try await large.get()
        #expect(memory.bytesInUse == 500)
        withExtendedLifetime(room) {}
    }

    @Test func `what is counted when it is answered begins when the memory has room`() async throws {
        let memory = AnswerMemory(bytesMax: 100)
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        var claimed: AnswerRoom? = memory.claim(150)
        let change = loop.flatSubmit {
            let origin = CallOrigin()
            let answer = ReadGate(on: loop, memory: memory, .changes).read(for: origin) {
                loop.makeSucceededFuture("done")
            }
            origin.end()
            return answer
        }
        try await eventually { memory.isShort }
        #expect(memory.bytesInUse == 150)
        withExtendedLifetime(claimed) {}
        claimed = nil
        #expect(try await change.get() == "done")
    }

    @Test func `a connection may have so many reads wait, and leaves room for those of others`() async throws {
        try await onLoop { loop in
            let bench = Bench(loop)
            let (greedy, modest) = (CallOrigin(), CallOrigin())
            bench.read("first", from: greedy, .slice)
            for number in 1...257 { bench.read("\(number)", from: greedy) }
            bench.read("modest", from: modest)
            #expect(bench.failures == ["257": .limitReads])
            bench.answer("first")
            #expect(bench.begun.contains("modest"))
        }
    }
}
