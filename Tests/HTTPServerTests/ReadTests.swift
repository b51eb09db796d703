import DMSModel
import HTTPServer
import NIOCore
import Scheduler
import TestSupport
import Testing

/// Reads over the REST door, and answers that nobody takes.
@Suite(.timeLimit(.minutes(2))) struct ReadTests {
    private static let megabyte = #"{"x":""# + String(repeating: "y", count: 1_000_000) + #""}"#

    @Test func `clients that read nothing take up one answer each, which is counted until they are gone`() async throws
    {
        try await withScheduler { server, _ in
            for number in 0..<5 { try await server.submit("t-\(number)", parameters: ReadTests.megabyte) }
            var readers: [HTTPConnection] = []
            for number in 0..<10 {
                let reader = try await server.connect()
                try await reader.stopReading()
                let target = number % 2 == 0 ? "/tasks" : "/tasks/t-\(number % 5)"
                for _ in 0..<4 { try await reader.send(HTTPConnection.request("GET", target)) }
                readers.append(reader)
            }
            try await eventually { server.scheduler.answers.bytesInUse > 5 * 2_000_000 }
            try await server.submit("another")
            #expect(try await server.get("/tasks?limit=1").status == 200)
            #expect(server.scheduler.answers.bytesInUse <= 5 * Limits.pageRoomBytes + 6 * 2_100_000)
            try await readers[1].startReading()
            for _ in 0..<4 {
                let answer = try await readers[1].answer()
                #expect(answer.status == 200)
                #expect(answer.body.readableBytes > 1_000_000)
            }
            for reader in readers { try await reader.close() }
            try await eventually { server.scheduler.answers.bytesInUse == 0 }
        }
    }

    @Test func `large answers of other calls are counted too`() async throws {
        try await withScheduler { server, _ in
            try await server.submit("t", parameters: ReadTests.megabyte)
            var readers: [HTTPConnection] = []
            for _ in 0..<6 {
                let reader = try await server.connect()
                try await reader.stopReading()
                let body = #"{"task_id":"t","service":"s","user_id":"u"}"#
                for _ in 0..<12 {
                    try await reader.send(
                        HTTPConnection.request("POST", "/tasks/cancel", body: ByteBuffer(string: body)))
                }
                readers.append(reader)
            }
            try await eventually { server.scheduler.answers.bytesInUse > 3_000_000 }
            #expect(server.scheduler.answers.bytesInUse < 6 * 1_100_000)
            for reader in readers { try await reader.close() }
            try await eventually { server.scheduler.answers.bytesInUse == 0 }
        }
    }
}
