import NIOCore
import Scheduler
import Testing

@Suite struct RequestRateTests {
    private let start = NIODeadline.uptimeNanoseconds(5_000_000_000)

    @Test func `as many as in a second are taken at once, then one at a time`() throws {
        var rate = try #require(RequestRate(perSecondMax: 4))
        for _ in 0..<4 { #expect(rate.take(at: start) == nil) }
        #expect(rate.take(at: start) == .milliseconds(250))
        // What was refused does not count.
        #expect(rate.take(at: start + .milliseconds(100)) == .milliseconds(150))
        #expect(rate.take(at: start + .milliseconds(250)) == nil)
        #expect(rate.take(at: start + .milliseconds(250)) == .milliseconds(250))
        #expect(rate.take(at: start + .milliseconds(499)) == .milliseconds(1))
        #expect(rate.take(at: start + .milliseconds(500)) == nil)
    }

    @Test func `a pause fills the bucket, but never beyond a second's`() throws {
        var rate = try #require(RequestRate(perSecondMax: 3))
        for _ in 0..<3 { #expect(rate.take(at: start) == nil) }
        let later = start + .hours(1)
        for _ in 0..<3 { #expect(rate.take(at: later) == nil) }
        #expect(rate.take(at: later) != nil)
    }

    @Test(arguments: [1, 7, 1000, 1_000_000_000])
    func `over many seconds just as many are taken as may be`(_ perSecondMax: Int) throws {
        var rate = try #require(RequestRate(perSecondMax: perSecondMax))
        let step = TimeAmount.nanoseconds(10_000_000)
        let tries = min(50, perSecondMax)
        var taken = 0
        for number in 0..<1000 {
            for _ in 0..<tries where rate.take(at: start + step * number) == nil { taken += 1 }
        }
        // Ten seconds, and the bucket that was full.
        let expected = min(perSecondMax * 11, tries * 1000)
        #expect(abs(taken - expected) <= max(1, expected / 100))
    }

    @Test func `no limit is none`() {
        #expect(RequestRate(perSecondMax: 0) == nil)
    }
}
