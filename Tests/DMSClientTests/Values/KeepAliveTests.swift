import NIOCore
import Testing

@testable import DMSClient

@Suite struct KeepAliveTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private let keepAlive = KeepAlive(interval: .seconds(15), timeout: .seconds(10), now: start)

    @Test func `a server is asked when it was quiet for the interval, counted from its last byte`() {
        var keepAlive = keepAlive
        #expect(keepAlive.action(now: Self.start) == .wait(until: Self.start + .seconds(15)))
        keepAlive.heard(now: Self.start + .seconds(5))
        #expect(keepAlive.action(now: Self.start + .seconds(15)) == .wait(until: Self.start + .seconds(20)))
        #expect(keepAlive.action(now: Self.start + .seconds(20)) == .ping)
    }

    @Test func `a server that says nothing after it was asked is lost`() {
        var keepAlive = keepAlive
        keepAlive.asked(now: Self.start)
        keepAlive.asked(now: Self.start + .seconds(9))
        #expect(keepAlive.action(now: Self.start + .seconds(9)) == .wait(until: Self.start + .seconds(10)))
        #expect(keepAlive.action(now: Self.start + .seconds(10)) == .lost)
    }

    @Test func `any byte is an answer`() {
        var keepAlive = keepAlive
        keepAlive.asked(now: Self.start)
        keepAlive.heard(now: Self.start + .seconds(9))
        #expect(keepAlive.action(now: Self.start + .seconds(10)) == .wait(until: Self.start + .seconds(24)))
    }
}
