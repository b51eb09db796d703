import NIOCore
import Testing

@testable import RPCServer

/// The rules of time, with a clock of the test's own.
@Suite struct ConnectionWatchTests {
    private static let limits = {
        var limits = ConnectionLimits()
        limits.firstRequestTime = .seconds(10)
        limits.requestTime = .seconds(60)
        limits.unreadTime = .seconds(60)
        limits.idleTime = .seconds(600)
        return limits
    }()
    private static let start = NIODeadline.uptimeNanoseconds(1_000_000_000_000)

    /// Looks at the same sight at each time that the watch asks for, until it does not go on; when that was, in seconds.
    private func seconds(
        of sight: ConnectionWatch.Sight, _ watch: inout ConnectionWatch, atMost limit: Int64 = 100_000,
        change: (inout ConnectionWatch.Sight) -> Void = { _ in }
    ) -> (Int64, ConnectionWatch.Verdict) {
        var sight = sight
        while true {
            let now = watch.nextLook
            let elapsed = (now - ConnectionWatchTests.start).nanoseconds / 1_000_000_000
            let verdict = watch.look(at: sight, now)
            guard verdict == .goOn, elapsed < limit else { return (elapsed, verdict) }
            change(&sight)
        }
    }

    private var watch: ConnectionWatch { ConnectionWatch(ConnectionWatchTests.limits, at: ConnectionWatchTests.start) }

    @Test func `a connection is first looked at when its first frame has to be there`() {
        var watch = watch
        #expect(watch.nextLook == ConnectionWatchTests.start + .seconds(10))
        #expect(watch.look(at: .init(frames: 1), watch.nextLook) == .goOn)
        var unused = self.watch
        #expect(unused.look(at: .init(isMidFrame: true), unused.nextLook) == .closeUnused)
    }

    @Test func `a frame's rest is waited for between its time and half as much again`() {
        var watch = watch
        let (seconds, verdict) = seconds(of: .init(frames: 1, isMidFrame: true), &watch)
        #expect(verdict == .closeStalled)
        #expect((60...100).contains(seconds))
    }

    @Test func `frames that come in time, each cut at every look, are no delay`() {
        var watch = watch
        let (_, verdict) = seconds(of: .init(frames: 1, isMidFrame: true), &watch, atMost: 5000) { $0.frames += 1 }
        #expect(verdict == .goOn)
    }

    @Test func `where the server does not read, nothing is awaited`() {
        var watch = watch
        let (_, verdict) = seconds(
            of: .init(frames: 1, isMidFrame: true, isReading: false, hasCalls: true), &watch, atMost: 5000)
        #expect(verdict == .goOn)
    }

    @Test func `a client that takes a byte at every look is slow, one that takes none is gone`() {
        var watch = watch
        let (_, slow) = seconds(of: .init(frames: 1, unsentBytes: 1 << 20), &watch, atMost: 5000) { $0.sentBytes += 1 }
        #expect(slow == .goOn)
        var deaf = self.watch
        let (seconds, verdict) = seconds(of: .init(frames: 1, unsentBytes: 1), &deaf)
        #expect(verdict == .closeUnread)
        #expect((60...100).contains(seconds))
    }

    @Test func `more that waits to be sent is no sign that something was taken`() {
        var watch = watch
        let (_, verdict) = seconds(of: .init(frames: 1, hasCalls: true, unsentBytes: 1), &watch, atMost: 5000) {
            $0.frames += 1
            $0.unsentBytes += 1000
        }
        #expect(verdict == .closeUnread)
    }

    @Test func `who asks for nothing is sent away, who waits for an answer is not`() {
        var watch = watch
        let (seconds, verdict) = seconds(of: .init(frames: 1), &watch)
        #expect(verdict == .retire)
        #expect((600...640).contains(seconds))
        var waiting = self.watch
        #expect(self.seconds(of: .init(frames: 1, hasCalls: true), &waiting, atMost: 5000).1 == .goOn)
        var busy = self.watch
        #expect(self.seconds(of: .init(frames: 1), &busy, atMost: 5000, change: { $0.frames += 1 }).1 == .goOn)
    }

    @Test func `without a limit who asks for nothing stays`() {
        var limits = ConnectionWatchTests.limits
        limits.idleTime = nil
        var watch = ConnectionWatch(limits, at: ConnectionWatchTests.start)
        #expect(seconds(of: .init(frames: 1), &watch).1 == .goOn)
    }
}
