import DMSClient
import Testing

@testable import dms_submitter

/// What a worker says of its connection, and how often.
@Suite struct ConnectionReportTests {
    private let address = ServerAddress.tcp(host: "localhost", port: 8001)
    private let begin = ContinuousClock.now

    private var unreachable: ConnectionEvent { .failed(address, .unreachable(address, cause: "connection refused")) }
    private var other: ConnectionEvent { .failed(address, .noScheduler(address, cause: "it sang")) }

    @Test func `trouble is told when it begins, every 30 seconds, and when it is over`() throws {
        var report = ConnectionReport()
        let line = "The scheduler at localhost:8001 cannot be reached: connection refused; it is waited for"
        #expect(try report.line(for: unreachable, now: begin) == line)
        #expect(try report.line(for: unreachable, now: begin + .milliseconds(29_999)) == nil)
        #expect(try report.line(for: unreachable, now: begin + .seconds(30)) == line)
        #expect(try report.line(for: unreachable, now: begin + .seconds(31)) == nil)
        let end = try report.line(for: .reached(address), now: begin + .seconds(32))
        #expect(end == "the scheduler at localhost:8001 is reached")
        #expect(try report.line(for: unreachable, now: begin + .seconds(33)) == line)
    }

    @Test func `a connection without trouble is nothing to be told`() throws {
        var report = ConnectionReport()
        #expect(try report.line(for: .reached(address), now: begin) == nil)
        #expect(try report.line(for: .reached(address), now: begin + .seconds(1)) == nil)
    }

    @Test func `what is no scheduler ends a worker that has not reached one, and is told by one that has`() throws {
        var report = ConnectionReport()
        #expect(throws: DMSClientError.self) { try report.line(for: other, now: begin) }
        _ = try report.line(for: .reached(address), now: begin)
        let line = try report.line(for: other, now: begin)
        #expect(line == "What answers at localhost:8001 is no scheduler: it sang; it is waited for")
    }
}
