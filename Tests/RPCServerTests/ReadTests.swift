import DMSModel
import DMSWire
import NIOCore
import RedisLink
import Scheduler
import TestSupport
import Testing

@testable import RPCServer

/// Reads of many connections, and answers that nobody takes.
@Suite(.timeLimit(.minutes(2))) struct ReadTests {
    private static let megabyte = #"{"x":""# + String(repeating: "y", count: 1_000_000) + #""}"#

    private func list(_ streamID: UInt32, pageSize: UInt32 = 1000) -> ByteBuffer {
        Bytes.request(Methods.Tasks.list, TaskQuery(pageSize: pageSize), on: streamID)
    }

    private func scriptCalls(_ redis: TestRedis) async throws -> Int {
        let text = try await redis.call("INFO", "commandstats").string ?? ""
        guard let match = text.firstMatch(of: #/cmdstat_evalsha:calls=(\d+)/#) else { return 0 }
        return Int(match.1) ?? 0
    }

    @Test func `a submission does not stand behind the pages that were asked for before`() async throws {
        try await SchedulerServer.with { server in
            let owner = try await server.caller()
            let parameters = #"{"x":""# + String(repeating: "y", count: 3000) + #""}"#
            for number in 0..<400 { try await owner.enqueue("t-\(number)", parameters: parameters) }
            var readers: [RawClient] = []
            for _ in 0..<10 {
                let reader = try await server.server.client()
                var bytes = ByteBuffer()
                for call: UInt32 in 0..<8 { bytes.writeImmutableBuffer(list(2 * call + 1)) }
                await reader.send(bytes)
                readers.append(reader)
            }
            // The first page is there: the others are under way, or wait.
            #expect(try await readers[0].message(TaskPage.self, on: 1).tasks.count == 400)
            let before = try await scriptCalls(server.redis)
            try await owner.enqueue("urgent")
            #expect(try await owner.next(1) == ["t-0"])
            let between = try await scriptCalls(server.redis) - before
            for reader in readers {
                let rest: UInt32 = reader === readers[0] ? 1 : 0
                for call in rest..<8 {
                    let page = try await reader.message(TaskPage.self, on: 2 * call + 1)
                    #expect(page.tasks.count >= 400)
                }
                await reader.close()
            }
            // Each of the 79 pages takes several slices: all but a few of them came behind.
            #expect(try await scriptCalls(server.redis) - before > 10 * between)
        }
    }

    @Test func `a page is read in slices, and is the same page`() async throws {
        try await SchedulerServer.with { server in
            let caller = try await server.caller()
            let parameters = #"{"x":""# + String(repeating: "y", count: 3000) + #""}"#
            for number in 0..<300 { try await caller.enqueue("t-\(number)", parameters: parameters) }
            let before = try await scriptCalls(server.redis)
            let page = try await caller.call(Methods.Tasks.list, TaskQuery(pageSize: 250))
            #expect(page.tasks.map(\.taskID.text) == (0..<250).map { "t-\($0)" })
            #expect(try await scriptCalls(server.redis) - before >= 250 * 3000 / Limits.sliceBytesMax)
            let rest = try await caller.call(
                Methods.Tasks.list, TaskQuery(pageSize: 250, pageToken: page.nextPageToken))
            #expect(rest.tasks.map(\.taskID.text) == (250..<300).map { "t-\($0)" })
            #expect(rest.nextPageToken == "")
        }
    }

    @Test func `pages of tasks that are larger than a slice hold as many as fit a frame`() async throws {
        try await SchedulerServer.with { server in
            let caller = try await server.caller()
            for number in 0..<7 { try await caller.enqueue("t-\(number)", parameters: ReadTests.megabyte) }
            var query = TaskQuery(pageSize: 5)
            var pages: [[String]] = []
            repeat {
                let page = try await caller.call(Methods.Tasks.list, query)
                pages.append(page.tasks.map(\.taskID.text))
                query.pageToken = page.nextPageToken
            } while !query.pageToken.isEmpty
            #expect(pages.flatMap(\.self) == (0..<7).map { "t-\($0)" })
            #expect(pages[0].count == 3)
            #expect(
                try await caller.call(Methods.Tasks.get, GetTaskRequest(taskID: TaskID("t-6"))).record.parameters
                    == ByteBuffer(string: ReadTests.megabyte))
        }
    }

    @Test func `clients that ask and read nothing take up one answer each, and nobody's submission`() async throws {
        try await SchedulerServer.with { server in
            let caller = try await server.caller()
            for number in 0..<20 { try await caller.enqueue("t-\(number)", parameters: ReadTests.megabyte) }
            var readers: [RawClient] = []
            for number in 0..<10 {
                let reader = try await server.server.client()
                try await reader.stopReading()
                var bytes = ByteBuffer()
                for call: UInt32 in 0..<16 {
                    let get = Bytes.request(
                        Methods.Tasks.get, GetTaskRequest(taskID: TaskID("t-\(call)")), on: 2 * call + 1)
                    bytes.writeImmutableBuffer(number % 2 == 0 ? list(2 * call + 1) : get)
                }
                await reader.send(bytes)
                readers.append(reader)
            }
            // Each has one answer in the kernel's buffers and here, the pages 3 MB and the tasks 1 MB.
            try await eventually { server.pool.answers.bytesInUse > 5 * 2_000_000 }
            try await caller.enqueue("another")
            #expect(try await caller.call(Methods.Tasks.list, TaskQuery(pageSize: 1)).tasks.count == 1)
            #expect(server.pool.answers.bytesInUse <= 5 * Limits.pageRoomBytes + 6 * 2_100_000)
            // Whoever reads gets everything.
            try await readers[1].startReading()
            for call: UInt32 in 0..<16 {
                let summary = try await readers[1].message(TaskSummary.self, on: 2 * call + 1)
                #expect(summary.record.taskID == TaskID("t-\(call)"))
            }
            for reader in readers { await reader.close() }
            try await eventually { server.pool.answers.bytesInUse == 0 }
        }
    }

    @Test func `answers to repeated cancels are few at a time too`() async throws {
        try await SchedulerServer.with { server in
            let caller = try await server.caller()
            try await caller.enqueue("t", parameters: ReadTests.megabyte)
            let cancellation = TaskCancellation(taskID: TaskID("t"), service: "copy", userID: "ada")
            let reader = try await server.server.client()
            try await reader.stopReading()
            var bytes = ByteBuffer()
            for call: UInt32 in 0..<200 {
                bytes.writeImmutableBuffer(Bytes.request(Methods.Tasks.cancel, cancellation, on: 2 * call + 1))
            }
            await reader.send(bytes)
            try await eventually { server.pool.answers.bytesInUse > 2_000_000 }
            for _ in 0..<5 { try await caller.enqueue("t-\(UInt64.random(in: 0...UInt64.max))") }
            #expect(server.pool.answers.bytesInUse < 17 * 1_100_000)
            try await reader.startReading()
            for _ in 0..<200 { #expect(try await reader.answer().envelope.error == nil) }
            await reader.close()
            try await eventually { server.pool.answers.bytesInUse == 0 }
        }
    }

    @Test func `requests that wait for their answers are few megabytes at a time`() async throws {
        try await SchedulerServer.with { server in
            let caller = try await server.caller()
            server.redis.pause()
            let client = try await server.server.client()
            for call: UInt32 in 0..<30 {
                client.sendLater(
                    Bytes.request(
                        Methods.Tasks.enqueue, SchedulerServer.submission("t-\(call)", parameters: ReadTests.megabyte),
                        on: 2 * call + 1))
            }
            // A ping behind them is not read before some are answered.
            client.sendLater(Bytes.frame(.ping, on: 0))
            server.redis.resume()
            var order: [FrameType] = []
            for _ in 0..<31 { if let frame = try await client.frame() { order.append(frame.header.type) } }
            #expect(order.count == 31)
            #expect(order.firstIndex(of: .pong).map { $0 > 10 } == true)
            #expect(try await caller.next(1) == ["t-0"])
            await client.close()
        }
    }

    @Test func `answers that are repeated on and on are bounded, and cost nobody his submission`() async throws {
        try await SchedulerServer.with { server in
            let caller = try await server.caller()
            for number in 0..<3 { try await caller.enqueue("t-\(number)", parameters: ReadTests.megabyte) }
            let request = NextRequest(maxTasks: 3, submitterID: "s", requestID: "r")
            let first = try await caller.call(Methods.Submitter.next, request)
            #expect(first.tasks.count == 3)
            var readers: [RawClient] = []
            for _ in 0..<4 {
                let reader = try await server.server.client()
                try await reader.stopReading()
                var bytes = ByteBuffer()
                for call: UInt32 in 0..<64 {
                    bytes.writeImmutableBuffer(Bytes.request(Methods.Submitter.next, request, on: 2 * call + 1))
                }
                await reader.send(bytes)
                readers.append(reader)
            }
            try await eventually { server.pool.answers.bytesInUse > 4 * 2_000_000 }
            try await caller.enqueue("another")
            #expect(try await caller.next(1) == ["another"])
            // Those that were under way when the memory was full come on top.
            #expect(server.pool.answers.bytesInUse < Limits.answerBytesMax + 34 * 3_300_000)
            try await readers[0].startReading()
            for _ in 0..<64 {
                let answer = try await readers[0].answer()
                #expect(try NextAnswer.decode(answer.envelope.payload).tasks == first.tasks)
            }
            for reader in readers { await reader.close() }
            try await eventually { server.pool.answers.bytesInUse == 0 }
        }
    }

    @Test func `what is behind calls that wait is read, however large their requests are`() async throws {
        try await SchedulerServer.with { server in
            let client = try await server.server.client()
            let acks = (0..<1000).map { number in
                LeaseReference(taskID: TaskID(String(repeating: "x", count: 240) + "\(number)"), token: "none")
            }
            for call: UInt32 in 0..<40 {
                let request = NextRequest(waitMilliseconds: 60_000, acks: acks)
                client.sendLater(Bytes.request(Methods.Submitter.next, request, on: 2 * call + 1))
            }
            client.sendLater(Bytes.frame(.ping, on: 0))
            // None of the calls is answered before its wait is over.
            #expect(try await client.frame()?.header.type == .pong)
            try await eventually { server.pool.waitingCalls == 40 }
            await client.close()
        }
    }
}
