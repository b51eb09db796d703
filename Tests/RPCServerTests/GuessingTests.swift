import DMSModel
import DMSWire
import NIOCore
import TestSupport
import Testing

@testable import Scheduler

/// Wrong tokens of an address that has sent many; an earlier time is made up for these.
@Suite(.timeLimit(.minutes(1))) struct GuessingTests {
    private let wrong = [MetadataEntry(key: "x-dms-operator-token", value: "wrong")]

    /// Makes the address one whose next turn is a minute away; with `count`, as many were refused then.
    private func guessBefore(_ scheduler: SchedulerServer, count: Int = 1) throws {
        let client = try SocketAddress(ipAddress: "127.0.0.1", port: 1)
        for _ in 0..<count { _ = scheduler.pool.wrongTokens.verdict(for: client, at: .now() + .seconds(60)) }
    }

    @Test func `who guesses on and on is refused, and loses the connection; a right token is never late`() async throws
    {
        try await SchedulerServer.with { scheduler in
            try guessBefore(scheduler)
            let client = try await scheduler.server.client()
            var guesses = Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1, metadata: wrong)
            for streamID in stride(from: UInt32(3), to: 201, by: 2) {
                guesses.writeImmutableBuffer(
                    Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: streamID, metadata: wrong))
            }
            let begun = ContinuousClock.now
            await client.send(guesses)
            let other = try await scheduler.caller()
            _ = try await other.call(Methods.Admin.getBlock, GetBlockRequest())
            #expect(begun.duration(to: .now) < .milliseconds(900))
            let error = try await client.error(on: 1)
            #expect(error.knownReason == .limitRate)
            #expect(begun.duration(to: .now) >= .seconds(1))
            #expect(try await client.frame() == nil)
            // One that was made up, and one that came; the others were never looked at.
            #expect(scheduler.pool.wrongTokens.count == 2)
            await other.client.close()
        }
    }

    @Test func `a call with a right token that is in flight is answered before the connection ends`() async throws {
        try await SchedulerServer.with { scheduler in
            try guessBefore(scheduler)
            let client = try await scheduler.server.client()
            await client.send(
                Bytes.request(Methods.Submitter.next, NextRequest(waitMilliseconds: 60_000), on: 1))
            try await eventually { scheduler.pool.waitingCalls == 1 }
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 3, metadata: wrong))
            #expect(try await client.message(NextAnswer.self, on: 1).tasks.isEmpty)
            #expect(try await client.error(on: 3).knownReason == .limitRate)
            #expect(try await client.frame() == nil)
        }
    }

    @Test func `where too many are refused the connection is closed without a word`() async throws {
        try await SchedulerServer.with { scheduler in
            try guessBefore(scheduler, count: 50)
            let client = try await scheduler.server.client()
            await client.send(Bytes.request(Methods.Admin.getBlock, GetBlockRequest(), on: 1, metadata: wrong))
            #expect(try await client.frame() == nil)
            let other = try await scheduler.caller()
            _ = try await other.call(Methods.Admin.getBlock, GetBlockRequest())
            await other.client.close()
        }
    }
}
