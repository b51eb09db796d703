import NIOCore
import Testing

@testable import DMSClient

/// A generator that always draws the greatest, or the least, of the ranges that these tests draw from.
private struct FixedRandom: RandomNumberGenerator {
    /// Small, and yet not so small that drawing from a range would reject it and draw again for ever.
    static let least: UInt64 = 1 << 38

    var value: UInt64

    mutating func next() -> UInt64 { value }
}

@Suite struct ConnectStateTests {
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func failedState(random: inout FixedRandom) -> ConnectState {
        var state = ConnectState(backoff: Backoff())
        #expect(state.connectionNeeded(now: Self.start) == .connect)
        #expect(state.connectFailed(isNeeded: false, pauses: true, now: Self.start, using: &random) == .nothing)
        return state
    }

    @Test func `pauses double from 20 milliseconds to 2 seconds and begin anew`() {
        var backoff = Backoff()
        var random = FixedRandom(value: .max)
        var pauses: [Int64] = []
        for _ in 0..<9 { pauses.append(backoff.next(using: &random).nanoseconds / 1_000_000) }
        #expect(pauses == [20, 40, 80, 160, 320, 640, 1280, 2000, 2000])
        backoff.reset()
        #expect(backoff.next(using: &random) == .milliseconds(20))
    }

    @Test func `a pause is never shorter than half its range`() {
        var backoff = Backoff()
        var random = FixedRandom(value: FixedRandom.least)
        #expect(backoff.next(using: &random) == .milliseconds(10))
        #expect(backoff.next(using: &random) == .milliseconds(20))
    }

    @Test func `only the first of several calls starts an attempt`() {
        var state = ConnectState(backoff: Backoff())
        #expect(state.connectionNeeded(now: Self.start) == .connect)
        #expect(state.connectionNeeded(now: Self.start) == .nothing)
    }

    @Test func `after a failure an attempt waits for the pause, and takes place only while it is needed`() {
        var random = FixedRandom(value: .max)
        var state = failedState(random: &random)
        #expect(state.connectionNeeded(now: Self.start) == .pause(until: Self.start + .milliseconds(20)))
        #expect(state.pauseEnded(isNeeded: false) == .nothing)
        #expect(state.connectionNeeded(now: Self.start + .milliseconds(20)) == .connect)
    }

    @Test func `while there are other servers to try a failure is followed by no pause`() {
        var random = FixedRandom(value: .max)
        var state = ConnectState(backoff: Backoff())
        #expect(state.connectionNeeded(now: Self.start) == .connect)
        #expect(state.connectFailed(isNeeded: true, pauses: false, now: Self.start, using: &random) == .connect)
        #expect(
            state.connectFailed(isNeeded: true, pauses: true, now: Self.start, using: &random)
                == .pause(until: Self.start + .milliseconds(20)))
    }

    @Test func `a connection that never answered counts as a failure`() {
        var random = FixedRandom(value: .max)
        var state = ConnectState(backoff: Backoff())
        _ = state.connectionNeeded(now: Self.start)
        #expect(state.connected() == true)
        state.disconnected(wasUseful: false, now: Self.start, using: &random)
        #expect(state.connectionNeeded(now: Self.start) == .pause(until: Self.start + .milliseconds(20)))
    }

    @Test func `a connection that answered is replaced at once, and forgives failures before it`() {
        var random = FixedRandom(value: .max)
        var state = failedState(random: &random)
        #expect(state.connectionNeeded(now: Self.start + .seconds(1)) == .connect)
        #expect(state.connected() == true)
        state.provedUseful()
        state.disconnected(wasUseful: true, now: Self.start + .seconds(1), using: &random)
        #expect(state.connectionNeeded(now: Self.start + .seconds(1)) == .connect)
        #expect(
            state.connectFailed(isNeeded: true, pauses: true, now: Self.start + .seconds(1), using: &random)
                == .pause(until: Self.start + .milliseconds(1020)))
    }

    @Test func `once closed it wants no connection, not even one that is just there`() {
        var random = FixedRandom(value: .max)
        var state = ConnectState(backoff: Backoff())
        _ = state.connectionNeeded(now: Self.start)
        state.close()
        #expect(state.connected() == false)
        #expect(state.connectFailed(isNeeded: true, pauses: true, now: Self.start, using: &random) == .nothing)
        #expect(state.connectionNeeded(now: Self.start + .seconds(9)) == .nothing)
    }
}
