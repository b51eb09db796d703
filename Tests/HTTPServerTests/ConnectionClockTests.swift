import NIOCore
import Testing

@testable import HTTPServer

/// The rules of time, with a clock of the test's own.
@Suite struct ConnectionClockTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private let configuration = {
        var configuration = RESTServer.Configuration()
        configuration.firstRequestTime = .seconds(10)
        configuration.requestTime = .seconds(60)
        configuration.idleTime = .seconds(75)
        configuration.tellingTime = .seconds(1)
        return configuration
    }()

    @Test func `each thing that is awaited has its time`() {
        var clock = ConnectionClock(configuration, isRefused: false)
        #expect(clock.deadline == nil)
        for (awaited, seconds) in [(ConnectionClock.Awaited.firstHead, 10), (.body, 60), (.head, 75)] {
            clock.expect(awaited, at: start)
            #expect(clock.deadline == start + .seconds(Int64(seconds)))
        }
        clock.expect(.nothing, at: start)
        #expect(clock.deadline == nil)
    }

    @Test func `a connection that is refused has less`() {
        var clock = ConnectionClock(configuration, isRefused: true)
        clock.expect(.firstHead, at: start)
        #expect(clock.deadline == start + .seconds(1))
    }

    @Test func `what was awaited already is not given more time, what is awaited again is`() {
        var clock = ConnectionClock(configuration, isRefused: false)
        clock.expect(.body, at: start)
        clock.expect(.body, at: start + .seconds(50))
        #expect(clock.deadline == start + .seconds(60))
        clock.restart()
        clock.expect(.body, at: start + .seconds(50))
        #expect(clock.deadline == start + .seconds(110))
        clock.postpone(at: start + .seconds(100))
        #expect(clock.deadline == start + .seconds(160))
    }

    @Test func `who takes nothing for the time is over, who takes a byte before has it again`() {
        var watch = UnreadWatch(time: .seconds(60), unsentBytes: 1000, at: start)
        #expect(watch.nextLook == start + .seconds(30))
        let first = watch.isOver(unsentBytes: 999, at: start + .seconds(59))
        #expect(!first)
        let second = watch.isOver(unsentBytes: 999, at: start + .seconds(118))
        #expect(!second)
        #expect(watch.nextLook == start + .seconds(119))
        let third = watch.isOver(unsentBytes: 999, at: start + .seconds(119))
        #expect(third)
    }
}
