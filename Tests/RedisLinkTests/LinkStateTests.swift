import NIOCore
import Testing

@testable import RedisLink

@Suite struct LinkStateTests {
    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private var link = LinkState(backoffMin: .milliseconds(20), backoffMax: .seconds(2))

    @Test mutating func `the back-off doubles up to its limit, and chance takes at most half of it`() {
        var delays: [Duration] = []
        for _ in 0..<10 {
            _ = link.beginAttempt()
            if let loss = link.lost(now: start, jitter: 0) { delays.append(loss.retryAfter) }
        }
        #expect(delays == [20, 40, 80, 160, 320, 640, 1280, 2000, 2000, 2000].map { .milliseconds($0) })
        _ = link.beginAttempt()
        let halved = link.lost(now: start, jitter: 1)
        #expect(halved?.retryAfter == .seconds(1))
    }

    @Test mutating func `a connection that stood starts the back-off anew, one that fell at once does not`() throws {
        for _ in 0..<5 {
            _ = link.beginAttempt()
            _ = link.lost(now: start, jitter: 0)
        }
        try becomeReady()
        let atOnce = link.lost(now: start + .milliseconds(1), jitter: 0)
        #expect(atOnce?.retryAfter == .milliseconds(640))
        try becomeReady()
        let later = link.lost(now: start + .seconds(2), jitter: 0)
        #expect(later?.retryAfter == .milliseconds(20))
    }

    @Test mutating func `going down and coming back are news once, and a first start has a moment`() throws {
        for attempt in 1...LinkState.quietAttempts + 3 {
            _ = link.beginAttempt()
            let failed = link.lost(now: start, jitter: 0)
            #expect(failed?.isNews == (attempt == LinkState.quietAttempts + 1))
        }
        let cameUp = try becomeReady()
        #expect(cameUp)
        let fell = link.lost(now: start, jitter: 0)
        #expect(fell?.isNews == true)
        _ = link.beginAttempt()
        let failed = link.lost(now: start, jitter: 0)
        #expect(failed?.isNews == false)
    }

    @Test mutating func `a channel that comes too late is not used`() throws {
        let begun = link.beginAttempt()
        let first = try #require(begun)
        let beside = link.beginAttempt()
        #expect(beside == nil)
        _ = link.lost(now: start, jitter: 0)
        let whileWaiting = link.connected(attempt: first)
        #expect(!whileWaiting)
        let begunAgain = link.beginAttempt()
        let second = try #require(begunAgain)
        let late = link.connected(attempt: first)
        #expect(!late)
        let inTime = link.connected(attempt: second)
        #expect(inTime)
    }

    @Test mutating func `a link that drains takes nothing new and is lost once`() throws {
        link.drain("not up yet")
        #expect(link.drainReason == nil)
        try becomeReady()
        link.drain("READONLY")
        #expect(!link.isReady)
        #expect(link.drainReason == "READONLY")
        let loss = link.lost(now: start, jitter: 0)
        #expect(loss != nil)
        #expect(link.drainReason == nil)
        let again = link.lost(now: start, jitter: 0)
        #expect(again == nil)
    }

    @Test mutating func `a stopped link begins nothing`() throws {
        try becomeReady()
        link.stop()
        #expect(link.isStopped)
        #expect(!link.isReady)
        let attempt = link.beginAttempt()
        #expect(attempt == nil)
        let loss = link.lost(now: start, jitter: 0)
        #expect(loss == nil)
    }

    /// Answers whether it was news.
    @discardableResult
    private mutating func becomeReady() throws -> Bool {
        let begun = link.beginAttempt()
        let connected = link.connected(attempt: try #require(begun))
        #expect(connected)
        let isNews = link.becameReady(now: start)
        #expect(link.isReady)
        return isNews
    }
}
